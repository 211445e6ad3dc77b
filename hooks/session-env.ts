import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { COUNTED, LOOKED_AT } from '../daemon/contract/command-print.ts';
import { DIRECT } from '../daemon/contract/direct-command.ts';
import { environmentFile } from '../daemon/contract/home.ts';
import type { GatewayAccess } from '../daemon/contract/routes.ts';
import { shellQuote } from './env-file.ts';

/** Sessions that nobody resumed for so long are forgotten; a resumed one writes its file again. */
const FORGOTTEN_MS = 30 * 24 * 60 * 60_000;

export interface SessionEnvOptions {
  home: string;
  session: string;
  /** The session begins, and its client has a file for the line that is given back. Later only what is there already is renewed. */
  begins: boolean;
  /** null: the person wants none. undefined: it is not known yet, or nothing new. */
  gateway: GatewayAccess | null | undefined;
  /** Where the daemon writes its process id. */
  daemonFile: string;
  /** Where curl looks for what the person has configured, in its own order. */
  userConfigs: readonly string[];
  /** Of the Node in the person's PATH, which runs the hook as well. */
  node: string;
}

/**
 * What the shell does before every Bash command of a session, so that whatever it starts goes through the gateway while
 * its daemon lives. It lies in pag0's own folder, because a secret is in it; the client's file gets the line that is
 * given back, which reads it if it is still there. null: its client was given no such line.
 */
export function installSessionEnv(options: SessionEnvOptions): string | null {
  const file = environmentFile(options.home, options.session);
  const folder = dirname(file);
  const { gateway } = options;
  // That it is there, and not empty, tells the daemon that the session's shells are led to the gateway.
  if (!options.begins && !existsSync(file)) return null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const quoted = shellQuote(file);
  const line = `if [ -r ${quoted} ]; then . ${quoted}; fi\n`;
  if (gateway == null) {
    if (gateway === null || !existsSync(file)) replace(file, '');
    return line;
  }
  const curlHome = join(folder, 'curl');
  mkdirSync(curlHome, { recursive: true, mode: 0o700 });
  replace(join(curlHome, '.curlrc'), curlConfig(options.userConfigs));
  const wgetrc = join(folder, 'wgetrc');
  replace(wgetrc, `ca_certificate = ${gateway.bundle}\n`);
  replace(file, sessionScript(gateway, { daemonFile: options.daemonFile, wgetrc, curlHome, nodeProxy: hasQuietProxy(options.node) }));
  prune(folder);
  return line;
}

/** Without this `-i` and `-D` would show the tunnel's own answer before the server's. Theirs comes after, as it would without us. */
function curlConfig(userConfigs: readonly string[]): string {
  const theirs = userConfigs.find((file) => existsSync(file));
  return `suppress-connect-headers\n${theirs === undefined ? '' : `config = "${theirs.replace(/["\\]/g, '\\$&')}"\n`}`;
}

/** Node 22 has the same setting, and complains on stderr in every program that it is experimental. */
function hasQuietProxy(node: string): boolean {
  return Number(node.split('.')[0]) >= 24;
}

interface Surroundings {
  daemonFile: string;
  wgetrc: string;
  /** The folder of a `.curlrc`. */
  curlHome: string;
  nodeProxy: boolean;
}

/** Upper case for http only harms: a CGI program takes it for a header of its client's. */
const PROXIES = ['http_proxy', 'https_proxy', 'HTTPS_PROXY'];
/** A person who sets one of these has a proxy. */
const ANY_PROXY = [...PROXIES, 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
/** The client's sandbox names the port on the outside that its proxy variables lead to. */
const SANDBOX_EXIT = 'CLAUDE_CODE_HOST_HTTP_PROXY_PORT';
const IN_SANDBOX = [SANDBOX_EXIT, 'CLAUDE_CODE_HOST_SOCKS_PROXY_PORT'];
/**
 * curl, then OpenSSL (Python, Ruby, Go, wget built with it), then Python's requests and what follows it. git and the AWS
 * programs have a variable, too, but it would outrank what a person configured for a company's own servers. Each of
 * these stands in for another one somewhere, so a person who set one is left alone in all.
 */
const BUNDLES = ['CURL_CA_BUNDLE', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE'];

/**
 * POSIX sh, builtins only, without output, without failure. First it takes back what an earlier command or the session
 * around this one set, known by the PAG0_TICKET variables; then, where nothing speaks against it, it sets all anew.
 */
export function sessionScript({ url, user, secret, ca, bundle, direct }: GatewayAccess, { daemonFile, wgetrc, curlHome, nodeProxy }: Surroundings): string {
  // The shell's own pid is a hint for the gateway where to look whose a connection is.
  const proxy = `"http://${user}.$$:${secret}@${url.replace(/^http:\/\//, '')}"`;
  const files: [string, string][] = [...BUNDLES.map((name): [string, string] => [name, bundle]), ['NODE_EXTRA_CA_CERTS', ca], ['WGETRC', wgetrc], ['CURL_HOME', curlHome]];
  const hosts = shellQuote(direct.join(','));
  const port = shellQuote(new URL(url).port || '80');
  const anyOf = (names: readonly string[]): string => `"${names.map((name) => `\${${name}-}`).join('')}"`;
  return [
    '_pag0_env() {',
    '  if [ -n "${PAG0_TICKET_CA-}" ]; then',
    ...PROXIES.map((name) => `    if [ "\${${name}-}" = "\${PAG0_TICKET_PROXY:-none}" ]; then unset ${name}; fi`),
    ...files.map(([name, file]) => `    if [ "\${${name}-}" = ${shellQuote(file)} ]; then unset ${name}; fi`),
    '    if [ "${PAG0_TICKET_NODE-}" = 1 ]; then unset NODE_USE_ENV_PROXY; fi',
    '    unset PAG0_TICKET_PROXY PAG0_TICKET_CA PAG0_TICKET_NODE',
    '  fi',
    // Which way the client's sandbox leads, it says itself; where that is here, its programs have to trust what they find.
    `  if [ "\${${SANDBOX_EXIT}-}" = ${port} ] && [ -r ${shellQuote(bundle)} ]; then export PAG0_TICKET_CA=${shellQuote(ca)}; _pag0_trust; _pag0_name; return 0; fi`,
    // In a sandbox that leads elsewhere, and behind a proxy of the person's own, this is not ours to say.
    `  if [ -n ${anyOf([...IN_SANDBOX, ...ANY_PROXY])} ]; then return 0; fi`,
    // A daemon that died leaves its record; a process that is there answers to signal 0.
    '  _pag0_pid=',
    `  { IFS= read -r _pag0_pid < ${shellQuote(daemonFile)}; } 2>/dev/null`,
    '  _pag0_pid=${_pag0_pid#*\\"pid\\":}',
    '  _pag0_pid=${_pag0_pid%%[!0-9]*}',
    `  if [ -z "$_pag0_pid" ] || [ ! -r ${shellQuote(bundle)} ]; then return 0; fi`,
    '  kill -0 "$_pag0_pid" 2>/dev/null || return 0',
    ...DIRECT.map(({ program, options }) => `  case "\${BASH_EXECUTION_STRING-}\${ZSH_EXECUTION_STRING-}" in *${program}*) case "\${BASH_EXECUTION_STRING-}\${ZSH_EXECUTION_STRING-}" in ${options.map((option) => `*${option.replaceAll(' ', '\\ ')}*`).join('|')}) return 0 ;; esac ;; esac`),
    `  PAG0_TICKET_PROXY=${proxy} PAG0_TICKET_CA=${shellQuote(ca)}`,
    `  ${PROXIES.map((name) => `${name}=$PAG0_TICKET_PROXY`).join(' ')}`,
    `  export PAG0_TICKET_PROXY PAG0_TICKET_CA ${PROXIES.join(' ')}`,
    '  no_proxy=${no_proxy:-${NO_PROXY-}}',
    `  case ",$no_proxy," in *,${hosts},*) ;; *) no_proxy=\${no_proxy:+$no_proxy,}${hosts} ;; esac`,
    '  NO_PROXY=$no_proxy',
    '  export no_proxy NO_PROXY',
    '  _pag0_trust',
    ...(nodeProxy ? ['  if [ -z "${NODE_USE_ENV_PROXY-}" ]; then export NODE_USE_ENV_PROXY=1 PAG0_TICKET_NODE=1; fi'] : []),
    '  return 0',
    '}',
    '_pag0_trust() {',
    `  if [ -z ${anyOf([...BUNDLES, 'SSL_CERT_DIR'])} ]; then export ${BUNDLES.map((name) => `${name}=${shellQuote(bundle)}`).join(' ')}; fi`,
    `  if [ -z "\${NODE_EXTRA_CA_CERTS-}" ]; then export NODE_EXTRA_CA_CERTS="$PAG0_TICKET_CA"; fi`,
    // Only here can a wget that is built with GnuTLS be told whom to trust, and it reads one such file.
    `  if [ -z "\${WGETRC-}" ] && [ ! -e "\${HOME-}/.wgetrc" ]; then export WGETRC=${shellQuote(wgetrc)}; fi`,
    `  if [ -z "\${CURL_HOME-}" ]; then export CURL_HOME=${shellQuote(curlHome)}; fi`,
    '  return 0',
    '}',
    ...nameInSandbox(user, secret),
    '_pag0_env || :',
    'unset -f _pag0_env _pag0_trust _pag0_name',
    'unset _pag0_pid _pag0_text _pag0_head _pag0_some _pag0_print',
    '',
  ].join('\n');
}

/**
 * In a sandbox all programs come out of one relay, and its process table is its own. So what leads there is given the
 * session's credentials, with a few counts of the command's text instead of a pid (`core/command-print.ts`).
 */
function nameInSandbox(user: string, secret: string): string[] {
  // Other shells would not even read this.
  const count = (set: string): string => `_pag0_some=\${_pag0_head//[!${[...set].sort().reverse().join('').replace('/', '\\/')}]/}; _pag0_print=\$_pag0_print-\${#_pag0_some}`;
  return [
    '_pag0_name() {',
    '  _pag0_text=${BASH_EXECUTION_STRING-}${ZSH_EXECUTION_STRING-}',
    `  case $_pag0_text in *"eval '"*) ;; *) return 0 ;; esac`,
    `  _pag0_text=\${_pag0_text#*"eval '"}`,
    `  _pag0_text=\${_pag0_text%%"' < /dev/null"*}`,
    `  _pag0_text=\${_pag0_text%%"' && pwd -P"*}`,
    `  eval ${shellQuote([`_pag0_head=\${_pag0_text:0:${LOOKED_AT}}; _pag0_print=\${#_pag0_text}`, ...COUNTED.map(count)].join('; '))}`,
    ...[...PROXIES, 'HTTP_PROXY'].map((name) => `  case \${${name}-} in http://localhost:*|http://session-*@localhost:*) ${name}="http://${user}.t$_pag0_print:${secret}@localhost:\${${name}##*:}"; export ${name} ;; esac`),
    '  return 0',
    '}',
  ];
}

/** In one step: a shell may be reading it. What is the same already is not written again. */
function replace(file: string, text: string): void {
  if (read(file) === text) return;
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

function prune(folder: string): void {
  const oldest = Date.now() - FORGOTTEN_MS;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (name.endsWith('.sh') && (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? oldest) < oldest) remove(file);
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Never there: nobody asked for it before.
  }
}
