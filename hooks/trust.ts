import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { GatewayAccess } from '../daemon/contract/routes.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Variables with which a person says whom a program trusts, each the path of a file of certificates. Where one is set, what it
 * names and our CA are put into a file of their own: nothing else is added, for what was left out was left out on purpose.
 */
export const TRUST_FILES = [
  // curl; OpenSSL (Python, Ruby, Go, wget built with it); Python's requests and what follows it.
  'CURL_CA_BUNDLE', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS', 'DENO_CERT', 'GIT_SSL_CAINFO', 'AWS_CA_BUNDLE', 'PIP_CERT', 'CARGO_HTTP_CAINFO', 'NPM_CONFIG_CAFILE', 'npm_config_cafile',
  'BUNDLE_SSL_CA_CERT', 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', 'HTTPLIB2_CA_CERTS', 'WEBSOCKET_CLIENT_CA_BUNDLE', 'PERL_LWP_SSL_CA_FILE', 'HTTPS_CA_FILE',
  'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE', 'NIX_SSL_CERT_FILE', 'HEX_CACERTS_PATH', 'COMPOSER_CAFILE',
] as const;

/** What the session's script needs to know of whom a person's programs trust. */
export interface Trust {
  /** Where the merged files lie, each named after the file whose certificates it has (`_pag0_merge` in `session-env.ts`). */
  folder: string;
  /** For Python's requests, whose variable outranks what pip was told (psf/requests#3829). */
  requests: string;
  /** For wget where the person has no wgetrc. */
  wget: string;
  /** A wgetrc of the person's, and the same with our CA in it. */
  wgetrc: { source: string; merged: string } | null;
  /** Files of the person's that some program trusts, by a variable or by its own configuration. */
  theirs: readonly string[];
  /** For git: addresses that the rules name, each with a file of certificates. */
  git: readonly { url: string; file: string }[];
}

/** Read before a person's own. */
export interface SystemFiles {
  pip: readonly string[];
  wget: readonly string[];
}

const SYSTEM_FILES: SystemFiles = { pip: ['/etc/xdg/pip/pip.conf', '/etc/pip.conf'], wget: ['/etc/wgetrc', '/usr/local/etc/wgetrc', '/opt/homebrew/etc/wgetrc'] };

/** Made anew with every prompt, and written only where it says something new. */
export function prepareTrust(home: string, { ca, bundle, named }: GatewayAccess, env: Env, cwd: string, system: SystemFiles = SYSTEM_FILES): Trust {
  const folder = join(home, 'environment', 'trust');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = contentOf(ca) ?? '';
  const theirs = new Set<string>();
  const merged = (source: string): string | null => {
    theirs.add(source);
    return merge(folder, source, own);
  };
  for (const name of TRUST_FILES) if (filled(env[name])) merged(absolute(env[name], cwd));
  const pip = [...(filled(env['PIP_CERT']) ? [absolute(env['PIP_CERT'], cwd)] : []), ...pipCertificates(env, system.pip)];
  for (const file of pip) theirs.add(file);
  const forPip = pip.map(contentOf).filter((text) => text !== null);
  const trust = {
    folder,
    requests: forPip.length === 0 ? bundle : write(join(folder, `requests-${digest(forPip.join('\n'))}.pem`), [contentOf(bundle) ?? '', ...forPip].join('\n')),
    wget: wgetCertificates(system.wget.map(contentOf).join('\n'), env, bundle, merged) ?? bundle,
    wgetrc: mergedWgetrc(folder, env, bundle, merged, system.wget),
    git: gitTrust(named, bundle, env, cwd, merged),
  };
  return { ...trust, theirs: [...theirs] };
}

/** `/etc/corp.pem` is `%etc%corp.pem`. null: it cannot be read, or has no such name. */
function merge(folder: string, source: string, own: string): string | null {
  const text = contentOf(source);
  const name = source.replaceAll('/', '%');
  if (text === null || source.includes('%') || Buffer.byteLength(name) > 255) return null;
  // As the shell does it: `cat theirs; echo; cat ours`.
  return write(join(folder, name), `${text}\n${own}`);
}

/** `cert` in the files that pip reads; those of a virtual environment are known to nobody but its own pip. */
function pipCertificates(env: Env, system: readonly string[]): string[] {
  const home = env['HOME'] ?? '';
  const files = [env['PIP_CONFIG_FILE'], join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'pip/pip.conf'), join(home, '.pip/pip.conf'), join(home, 'Library/Application Support/pip/pip.conf'), ...system];
  const named = files.filter(filled).flatMap((file) => [...(contentOf(file) ?? '').matchAll(/^\s*cert\s*[=:]\s*(\S.*?)\s*$/gm)].map(([, value]) => value!.replace(/^~(?=\/)/, home)));
  return [...new Set(named)];
}

/** Only there can a wget that is built with GnuTLS be told whom to trust. */
function mergedWgetrc(folder: string, env: Env, bundle: string, merged: (source: string) => string | null, system: readonly string[]): Trust['wgetrc'] {
  const source = filled(env['WGETRC']) ? env['WGETRC'] : join(env['HOME'] ?? '', '.wgetrc');
  const text = contentOf(source);
  const file = text === null ? null : wgetCertificates([...system.map(contentOf), text].join('\n'), env, bundle, merged);
  return file === null ? null : { source, merged: write(join(folder, `wgetrc-${digest(source)}`), `${text}\nca_certificate = ${file}\n`) };
}

/** It reads one such file, and the last line of a name counts. null: the one that is named cannot be read. */
function wgetCertificates(text: string, env: Env, bundle: string, merged: (source: string) => string | null): string | null {
  const theirs = [...text.matchAll(/^[ \t]*ca[-_]?certificate[ \t]*=[ \t]*(\S.*?)[ \t]*$/gim)].at(-1)?.[1];
  return theirs === undefined ? bundle : merged(theirs.replace(/^~(?=\/)/, env['HOME'] ?? ''));
}

const MAX_GIT_HOSTS = 50;
const GIT_MS = 1_000;

/**
 * git asks its own configuration, and a variable would outrank that for every server of a company. So only for addresses that the rules
 * name, where git meets our certificate and no other, one more line is given: what the person has said of the address, and our CA.
 */
function gitTrust(named: readonly string[], bundle: string, env: Env, cwd: string, merged: (source: string) => string | null): Trust['git'] {
  const urls = named.flatMap(gitUrl).slice(0, MAX_GIT_HOSTS);
  if (urls.length === 0) return [];
  const said = gitSays(['config', '--get-regexp', '^http\\.(.*\\.)?sslcainfo$'], env, cwd) !== null;
  return urls.flatMap((url) => {
    const theirs = said ? gitSays(['config', '--type=path', '--get-urlmatch', 'http.sslcainfo', url.replaceAll('*', 'x')], env, cwd) : null;
    const file = theirs === null ? bundle : merged(absolute(theirs, cwd));
    return file === null ? [] : [{ url, file }];
  });
}

/** `http.<url>.*` knows a star as a whole label of a name (git-config). What it cannot say is left. */
function gitUrl(host: string): string[] {
  return /^(?:\[[0-9a-f:.]+\]|(?:\*|[a-z0-9_-]+)(?:\.(?:\*|[a-z0-9_-]+))*)(?::\d+)?$/.test(host) && host !== '*' ? [`https://${host}/`] : [];
}

function gitSays(args: readonly string[], env: Env, cwd: string): string | null {
  try {
    const text = execFileSync('git', args, { cwd, env: env as NodeJS.ProcessEnv, encoding: 'utf8', timeout: GIT_MS, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}

function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : join(cwd, path);
}

function contentOf(file: string): string | null {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'latin1') : null;
  } catch {
    return null;
  }
}

/** In one step, and only what is new: a program may be reading it. */
function write(file: string, text: string): string {
  if (contentOf(file) === text) return file;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600, encoding: 'latin1' });
  renameSync(draft, file);
  return file;
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16);
}

function filled(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
