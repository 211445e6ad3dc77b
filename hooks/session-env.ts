import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { COUNTED, LOOKED_AT } from '../daemon/contract/command-print.ts';
import { DIRECT } from '../daemon/contract/direct-command.ts';
import { environmentFile } from '../daemon/contract/home.ts';
import type { GatewayAccess } from '../daemon/contract/routes.ts';
import { shellQuote } from './env-file.ts';
import type { Led } from './own-way.ts';
import { prepareTrust, TRUST_FILES, type SystemFiles, type Trust } from './trust.ts';

/** Sessions that nobody resumed for so long are forgotten; a resumed one writes its file again. */
const FORGOTTEN_MS = 30 * 24 * 60 * 60_000;

export interface SessionEnvOptions {
  home: string;
  session: string;
  /** The session begins, and its client has a file for the line that is given back. Later only what is there already is renewed. */
  begins: boolean;
  /** null: the person wants none. */
  gateway: GatewayAccess | null;
  /** Where the daemon writes its process id. */
  daemonFile: string;
  /** Where curl looks for what the person has configured, in its own order. */
  userConfigs: readonly string[];
  /** Of the Node in the person's PATH, which runs the hook as well. */
  node: string;
  /** The client's, as it would be without pag0. */
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  own: Led;
  /** Learns which files of the person's some program trusts. */
  trusts?(files: readonly string[]): void;
  /** Other than this machine's. */
  system?: SystemFiles;
}

/**
 * What the shell does before every Bash command of a session, so that whatever it starts goes through the gateway while
 * its daemon lives. It lies in pag0's own folder, because a secret is in it; the client's file gets the line that is
 * given back, which reads it if it is still there. null: the file was taken away.
 */
export function installSessionEnv(options: SessionEnvOptions): string | null {
  const file = environmentFile(options.home, options.session);
  const folder = dirname(file);
  const { gateway } = options;
  // That it is there tells the daemon that the session's shells read it.
  if (!options.begins && !existsSync(file)) return null;
  if (gateway === null) {
    if (options.begins) remove(file);
    else replace(file, '');
    return null;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const curlHome = join(folder, 'curl');
  mkdirSync(curlHome, { recursive: true, mode: 0o700 });
  replace(join(curlHome, '.curlrc'), curlConfig(options.userConfigs));
  const wgetrc = join(folder, 'wgetrc');
  const { daemonFile, node, env, cwd, own } = options;
  // Where nothing is looked into nobody meets our certificate, and whom programs trust is left as it is.
  const trust = gateway.looks ? prepareTrust(options.home, gateway, env, cwd, options.system) : null;
  options.trusts?.(trust?.theirs ?? []);
  if (trust !== null) replace(wgetrc, `ca_certificate = ${trust.wget}\n`);
  replace(file, sessionScript(gateway, { daemonFile, wgetrc, curlHome, nodeProxy: hasQuietProxy(node), trust, own }));
  prune(folder);
  const quoted = shellQuote(file);
  return `if [ -r ${quoted} ]; then . ${quoted}; fi\n`;
}

/** Without this `-i` and `-D` would show the tunnel's own answer before the server's. Theirs comes after, as it would without us. */
function curlConfig(userConfigs: readonly string[]): string {
  const theirs = userConfigs.find((file) => existsSync(file));
  return `suppress-connect-headers\n${theirs === undefined ? '' : `config = "${theirs.replace(/["\\]/g, '\\$&')}"\n`}`;
}

/** Node 22 has the same setting, and complains on stderr in every program that it is experimental. */
export function hasQuietProxy(node: string): boolean {
  return Number(node.split('.')[0]) >= 24;
}

interface Surroundings {
  daemonFile: string;
  wgetrc: string;
  /** The folder of a `.curlrc`. */
  curlHome: string;
  nodeProxy: boolean;
  trust: Trust | null;
  own: Led;
}

/** Upper case for http only harms: a CGI program takes it for a header of its client's. */
const PROXIES = ['http_proxy', 'https_proxy', 'HTTPS_PROXY'];
/** A person who sets one of these has a proxy. */
export const ANY_PROXY = [...PROXIES, 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
/** The client's sandbox names the port on the outside that its proxy variables lead to. */
const SANDBOX_EXIT = 'CLAUDE_CODE_HOST_HTTP_PROXY_PORT';
const IN_SANDBOX = [SANDBOX_EXIT, 'CLAUDE_CODE_HOST_SOCKS_PROXY_PORT'];

/**
 * POSIX sh, without output, without failure, and builtins only but where a file of certificates has changed. First it takes
 * back what an earlier command or the session around this one set, known by the PAG0_TICKET variables; then, where nothing
 * speaks against it, it sets all anew, and keeps what stood there in PAG0_TICKET_WAS_<name>.
 */
export function sessionScript(gateway: GatewayAccess, { daemonFile, wgetrc, curlHome, nodeProxy, trust, own }: Surroundings): string {
  const { url, user, secret, ca, bundle, direct } = gateway;
  // The shell's own pid is a hint for the gateway where to look whose a connection is.
  const proxy = `"http://${user}.$$:${secret}@${url.replace(/^http:\/\//, '')}"`;
  const home = dirname(dirname(ca));
  const hosts = shellQuote(direct.join(','));
  const port = shellQuote(new URL(url).port || '80');
  const led = [...new Set([...PROXIES, ...Object.keys(own.proxies)])];
  const anyOf = (names: readonly string[]): string => `"${names.map((name) => `\${${name}-}`).join('')}"`;
  return [
    '_pag0_env() {',
    '  _pag0_back',
    // Which way the client's sandbox leads, it says itself; where that is here, its programs have to trust what they find.
    `  if [ "\${${SANDBOX_EXIT}-}" = ${port} ] && [ -r ${shellQuote(bundle)} ]; then export PAG0_TICKET_CA=${shellQuote(ca)}; _pag0_trust; _pag0_sandbox; return 0; fi`,
    // In a sandbox that leads elsewhere this is not ours to say, nor where a proxy is set that the session's client has not.
    `  if [ -n ${anyOf(IN_SANDBOX)} ]; then return 0; fi`,
    ...ANY_PROXY.map((name) => `  if [ -n "\${${name}-}" ] && [ "\${${name}##*@}" != ${shellQuote(own.proxies[name] ?? '')} ]; then return 0; fi`),
    ...aliveLines(daemonFile),
    `  if [ ! -r ${shellQuote(bundle)} ]; then return 0; fi`,
    ...DIRECT.map(({ program, options }) => `  case "\${BASH_EXECUTION_STRING-}\${ZSH_EXECUTION_STRING-}" in *${program}*) case "\${BASH_EXECUTION_STRING-}\${ZSH_EXECUTION_STRING-}" in ${options.map((option) => `*${option.replaceAll(' ', '\\ ')}*`).join('|')}) return 0 ;; esac ;; esac`),
    `  export PAG0_TICKET_PROXY=${proxy} PAG0_TICKET_CA=${shellQuote(ca)}`,
    '  _pag0_except=${no_proxy:-${NO_PROXY-}}',
    ...(own.except === null ? [] : [`  if [ "$_pag0_except" = ${shellQuote(own.except.is)} ]; then _pag0_except=${shellQuote(own.except.becomes)}; fi`]),
    `  case ",$_pag0_except," in *,${hosts},*) ;; *) _pag0_except=\${_pag0_except:+$_pag0_except,}${hosts} ;; esac`,
    '  for _pag0_name in no_proxy NO_PROXY; do _pag0_put "$_pag0_name" "$_pag0_except"; done',
    `  for _pag0_name in ${led.join(' ')}; do _pag0_put "$_pag0_name" "$PAG0_TICKET_PROXY"; done`,
    '  _pag0_trust',
    ...(nodeProxy ? ['  if [ -z "${NODE_USE_ENV_PROXY-}" ]; then export NODE_USE_ENV_PROXY=1 PAG0_TICKET_NODE=1; fi'] : []),
    '  return 0',
    '}',
    ...backLines(home),
    '_pag0_trust() {',
    `  if [ -z "\${CURL_HOME-}" ]; then export CURL_HOME=${shellQuote(curlHome)}; fi`,
    ...(trust === null ? [] : trustLines(gateway, trust, wgetrc)),
    '  return 0',
    '}',
    ...(trust === null ? [] : mergeLines(gateway, trust)),
    ...nameInSandbox(user, secret),
    '_pag0_env || :',
    'unset -f _pag0_env _pag0_back _pag0_put _pag0_restore _pag0_trust _pag0_add _pag0_merge _pag0_sandbox 2>/dev/null || :',
    'unset _pag0_record _pag0_pid _pag0_born _pag0_stat _pag0_except _pag0_name _pag0_was _pag0_to _pag0_left _pag0_openssl _pag0_curl _pag0_rc _pag0_n _pag0_value _pag0_text _pag0_head _pag0_some _pag0_print',
    '',
  ].join('\n');
}

/** As `plugin/hooks/alive.sh` does: a daemon that died leaves its record, and its number may be another's by now. */
function aliveLines(daemonFile: string): string[] {
  return [
    '  _pag0_record=',
    `  { IFS= read -r _pag0_record < ${shellQuote(daemonFile)}; } 2>/dev/null`,
    '  _pag0_pid=${_pag0_record#*\\"pid\\":}',
    '  _pag0_pid=${_pag0_pid%%[!0-9]*}',
    '  if [ -z "$_pag0_pid" ]; then return 0; fi',
    '  case $_pag0_record in',
    `    *'"born":"'*)`,
    '      _pag0_born=${_pag0_record#*\\"born\\":\\"} _pag0_stat=',
    '      { IFS= read -r _pag0_stat < "/proc/$_pag0_pid/stat"; } 2>/dev/null',
    '      case ${_pag0_stat##*) } in [TtZX]*) return 0 ;; *" ${_pag0_born%%\\"*} "*) ;; *) return 0 ;; esac ;;',
    '    *) kill -0 "$_pag0_pid" 2>/dev/null || return 0 ;;',
    '  esac',
  ];
}

function backLines(home: string): string[] {
  const [ours, made] = [`${shellQuote(`${home}/ca/`)}*`, `${shellQuote(`${home}/environment/`)}*`];
  return [
    '_pag0_put() {',
    '  eval "_pag0_was=\\${$1-}"',
    '  if [ -n "$_pag0_was" ]; then export "PAG0_TICKET_WAS_$1=$_pag0_was"; fi',
    '  export "$1=$2"',
    '}',
    '_pag0_restore() {',
    '  eval "_pag0_was=\\${PAG0_TICKET_WAS_$1-}"',
    '  if [ -n "$_pag0_was" ]; then export "$1=$_pag0_was"; else unset "$1"; fi',
    '  unset "PAG0_TICKET_WAS_$1"',
    '}',
    '_pag0_back() {',
    '  if [ -z "${PAG0_TICKET_CA-}" ]; then return 0; fi',
    '  if [ -n "${PAG0_TICKET_PROXY-}" ]; then',
    ...ANY_PROXY.map((name) => `    if [ "\${${name}-}" = "$PAG0_TICKET_PROXY" ]; then _pag0_restore ${name}; fi`),
    '    _pag0_restore no_proxy; _pag0_restore NO_PROXY',
    '  fi',
    ...[...TRUST_FILES, 'WGETRC', 'CURL_HOME'].map((name) => `  case \${${name}-} in ${ours}|${made}) _pag0_restore ${name} ;; esac`),
    `  case \${SSL_CERT_DIR-} in *${shellQuote(`:${home}/ca/hashed`)}) _pag0_restore SSL_CERT_DIR ;; esac`,
    '  if [ "${PAG0_TICKET_NODE-}" = 1 ]; then unset NODE_USE_ENV_PROXY; fi',
    // Ours are the last of them, unless somebody has added to them since.
    '  while [ "${PAG0_TICKET_GIT:-0}" -gt 0 ] && [ "${GIT_CONFIG_COUNT:-0}" -gt 0 ]; do',
    '    _pag0_n=$((GIT_CONFIG_COUNT - 1))',
    '    eval "_pag0_value=\\${GIT_CONFIG_VALUE_$_pag0_n-}"',
    `    case $_pag0_value in ${ours}|${made}) ;; *) break ;; esac`,
    '    unset "GIT_CONFIG_KEY_$_pag0_n" "GIT_CONFIG_VALUE_$_pag0_n"',
    '    PAG0_TICKET_GIT=$((PAG0_TICKET_GIT - 1))',
    '    if [ "$_pag0_n" = 0 ]; then unset GIT_CONFIG_COUNT; else export GIT_CONFIG_COUNT="$_pag0_n"; fi',
    '  done',
    '  unset PAG0_TICKET_PROXY PAG0_TICKET_CA PAG0_TICKET_NODE PAG0_TICKET_GIT',
    '}',
  ];
}

/**
 * Whom programs trust, each by the variable of its own. What a person has set stays, with our CA beside it; where nothing is set, what
 * everybody trusts and our CA, unless another variable of the person's speaks for the same program.
 */
function trustLines({ ca, bundle, hashed }: GatewayAccess, { requests, wgetrc, git }: Trust, plainWgetrc: string): string[] {
  return [
    '  _pag0_openssl=${SSL_CERT_FILE-}${SSL_CERT_DIR-} _pag0_curl=${CURL_CA_BUNDLE-}',
    ...TRUST_FILES.map((name) => `  if [ -n "\${${name}-}" ]; then _pag0_add ${name}; fi`),
    `  if [ -n "\${SSL_CERT_DIR-}" ]; then _pag0_put SSL_CERT_DIR "$SSL_CERT_DIR:"${shellQuote(hashed)}; fi`,
    // curl asks for its own variable, then for OpenSSL's; requests for its own, then for curl's.
    `  if [ -z "$_pag0_openssl$_pag0_curl" ]; then export CURL_CA_BUNDLE=${shellQuote(bundle)}; fi`,
    `  if [ -z "$_pag0_openssl" ]; then export SSL_CERT_FILE=${shellQuote(bundle)}; fi`,
    `  if [ -z "\${REQUESTS_CA_BUNDLE-}$_pag0_curl" ]; then export REQUESTS_CA_BUNDLE=${shellQuote(requests)}; fi`,
    // These two add to what their programs trust.
    ...['NODE_EXTRA_CA_CERTS', 'DENO_CERT'].map((name) => `  if [ -z "\${${name}-}" ]; then export ${name}=${shellQuote(ca)}; fi`),
    '  _pag0_rc=${WGETRC:-${HOME-}/.wgetrc}',
    `  if [ -z "\${WGETRC-}" ] && [ ! -e "$_pag0_rc" ]; then export WGETRC=${shellQuote(plainWgetrc)}`,
    ...(wgetrc === null ? [] : [`  elif [ "$_pag0_rc" = ${shellQuote(wgetrc.source)} ] && [ -r ${shellQuote(wgetrc.merged)} ]; then _pag0_put WGETRC ${shellQuote(wgetrc.merged)}`]),
    '  fi',
    ...gitLines(git),
  ];
}

function mergeLines({ ca }: GatewayAccess, { folder }: Trust): string[] {
  return [
    '_pag0_add() {',
    '  eval "_pag0_was=\\${$1}"',
    '  case $_pag0_was in /*) ;; *) _pag0_was=$PWD/$_pag0_was ;; esac',
    '  if [ -f "$_pag0_was" ] && [ -r "$_pag0_was" ] && _pag0_merge "$_pag0_was"; then _pag0_put "$1" "$_pag0_to"; fi',
    '}',
    // Named after the file with % for /, and made again where that is newer.
    '_pag0_merge() {',
    '  case $1 in *%*) return 1 ;; esac',
    `  _pag0_to=${shellQuote(`${folder}/`)} _pag0_left=$1`,
    '  while case $_pag0_left in */*) ;; *) false ;; esac; do',
    '    _pag0_to=$_pag0_to${_pag0_left%%/*}% _pag0_left=${_pag0_left#*/}',
    '  done',
    '  _pag0_to=$_pag0_to$_pag0_left',
    `  if [ "$_pag0_to" -nt "$1" ] && [ "$_pag0_to" -nt ${shellQuote(ca)} ]; then return 0; fi`,
    `  { (umask 077; { command cat "$1" && echo && command cat ${shellQuote(ca)}; } >| "$_pag0_to.$$" && command mv -f "$_pag0_to.$$" "$_pag0_to"); } 2>/dev/null || [ -r "$_pag0_to" ]`,
    '}',
  ];
}

/**
 * In a sandbox all programs come out of one relay, and its process table is its own. So what leads there is given the
 * session's credentials, with a few counts of the command's text instead of a pid (`core/command-print.ts`).
 */
function nameInSandbox(user: string, secret: string): string[] {
  // Other shells would not even read this.
  const count = (set: string): string => `_pag0_some=\${_pag0_head//[!${[...set].sort().reverse().join('').replace('/', '\\/')}]/}; _pag0_print=\$_pag0_print-\${#_pag0_some}`;
  return [
    '_pag0_sandbox() {',
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

/** For addresses that the rules name and no others; see `gitTrust`. */
function gitLines(git: Trust['git']): string[] {
  if (git.length === 0) return [];
  return [
    '  _pag0_n=${GIT_CONFIG_COUNT:-0}',
    '  case $_pag0_n in *[!0-9]*) ;; *)',
    ...git.map(({ url, file }) => `    export "GIT_CONFIG_KEY_$_pag0_n"=${shellQuote(`http.${url}.sslCAInfo`)} "GIT_CONFIG_VALUE_$_pag0_n"=${shellQuote(file)}; _pag0_n=$((_pag0_n + 1))`),
    `    export GIT_CONFIG_COUNT="$_pag0_n" PAG0_TICKET_GIT=${git.length} ;;`,
    '  esac',
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
    if (/\.(?:sh|way)$/.test(name) && (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? oldest) < oldest) remove(file);
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
