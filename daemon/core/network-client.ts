import { names, readArguments, type Argument, type Grammar } from './arguments.ts';
import { MAX_TIMES, UNKNOWN, type Invocation, type ShellWord } from './invocation.ts';

/** A request that an HTTP client on a command line will make. */
export interface Request {
  /** `curl`, `wget`, `http`, `https`, `xh`, `xhs`, `curlie`. */
  program: string;
  /** Upper case; `*` when it comes from a variable. */
  method: string;
  /**
   * Where it goes, without user and password. Parts of the path and the query that cannot be known are a `*`; an unknown
   * port is left out. null: not even the host can be known.
   */
  url: string | null;
  times: number;
  /** Host, port, path and number of requests all stand in the text. An unknown query changes nothing here. */
  known: boolean;
}

/** One request as the program's own options describe it. */
interface Draft {
  method: string;
  url: ShellWord;
  /** curl's `{a,b}` and `[1-3]` in the URL are many URLs. */
  globs?: boolean;
  /** Arguments that we cannot see may change or multiply it (`curl -K file`, `wget -r`). */
  uncertain: boolean;
}

interface Client {
  grammar: Grammar;
  /** Options with which it makes no request. */
  idle: ReadonlySet<string>;
  draft: (args: readonly Argument[], program: string) => Draft[];
}

export const CURL: Grammar = {
  short: 'AbCcDdeEFHhKmoPQrtTuUwxXyYz',
  long: names(`
    abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to continue-at cookie
    cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw data-urlencode delegation dns-interface dns-ipv4-addr
    dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save expect100-timeout form form-string ftp-account
    ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header hostpubmd5 hostpubsha256
    hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login-options
    mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max
    parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert
    proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name
    proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate referer
    request request-target resolve retry retry-delay retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5
    socks5-gssapi-service socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers
    tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file upload-flags url url-query user user-agent
    variable vlan-priority write-out expand-url expand-data expand-header expand-output expand-request expand-user expand-json
    expand-cookie expand-form expand-user-agent`),
  equals: false,
};

export const WGET: Grammar = {
  // `n` is half an option: `-nv`, `-nc`, `-nd` take their second letter as its value.
  short: 'eoaiBtOTwQPUlARDIXn',
  long: names(`
    execute output-file append-output input-file base config rejected-log tries retry-on-http-error output-document start-pos progress
    timeout dns-timeout connect-timeout read-timeout wait waitretry quota bind-address limit-rate restrict-file-names prefer-family user
    password use-askpass local-encoding remote-encoding directory-prefix cut-dirs http-user http-password default-page header compression
    max-redirect proxy-user proxy-password referer user-agent load-cookies save-cookies post-data post-file method body-data body-file
    secure-protocol certificate certificate-type private-key private-key-type ca-certificate ca-directory crl-file pinnedpubkey ciphers
    hsts-file ftp-user ftp-password warc-file warc-header warc-max-size warc-dedup warc-tempdir level backups accept reject accept-regex
    reject-regex regex-type domains exclude-domains follow-tags ignore-tags include-directories exclude-directories report-speed
    input-metalink metalink-index preferred-location`),
  equals: true,
};

const HTTPIE: Grammar = {
  short: 'aApPos',
  long: names(`
    auth auth-type session session-read-only print history-print output timeout proxy verify cert cert-key cert-key-pass ssl ciphers
    max-redirects max-headers pretty style format-options response-charset response-mime boundary raw default-scheme http-version resolve
    interface unix-socket tls-min tls-max generate`),
  equals: true,
};

const HTTPIE_CLIENT: Client = {
  grammar: HTTPIE,
  idle: names('help version offline manual curl curl-long generate'),
  draft: (args, program) => draftHttpie(args, program === 'https' || program === 'xhs' ? 'https' : 'http'),
};

/** Programs by name. What others (python, node, git …) send is not read from their command lines; the gateway sees it. */
const CLIENTS: ReadonlyMap<string, Client> = new Map([
  ['curl', { grammar: CURL, idle: names('V version h help M manual'), draft: draftCurl }],
  ['curlie', { grammar: CURL, idle: names('V version h help M manual curl'), draft: draftCurlie }],
  ['wget', { grammar: WGET, idle: names('V version h help'), draft: draftWget }],
  ['http', HTTPIE_CLIENT],
  ['https', HTTPIE_CLIENT],
  ['xh', HTTPIE_CLIENT],
  ['xhs', HTTPIE_CLIENT],
]);

/** A longer word is no URL that we want to take apart. */
const MAX_URL = 8 * 1024;
/** Up to this many URLs of a curl glob are told apart. */
const MAX_GLOBBED = 100;

/** The HTTP requests of one command; none for any other program. Retries and redirects are not counted. */
export function requestsOf(invocation: Invocation): Request[] {
  const program = invocation.program ?? '';
  const client = CLIENTS.get(program);
  if (client === undefined) return [];
  const args = readArguments(invocation.words, client.grammar);
  if (args.some(({ option }) => option !== undefined && client.idle.has(option))) return [];
  return client.draft(args, program).flatMap((draft) => {
    const urls = draft.globs === true ? globbed(draft.url) : [{ url: draft.url, times: 1, timesKnown: true }];
    return urls.flatMap(({ url, times, timesKnown }) => {
      const target = targetOf(url);
      if (target === null) return [];
      const known = target.known && timesKnown && invocation.timesKnown && !draft.uncertain;
      return [{ program, method: draft.method, url: target.url, times: Math.min(times * invocation.times, MAX_TIMES), known }];
    });
  });
}

/**
 * The client's name when a text that cannot be read as a command still mentions one as a word. `http` and `https` are
 * words of many texts, so they count only where a command can begin.
 */
export function mentionedClient(text: string): string | null {
  return MENTION.exec(text)?.[1] ?? null;
}

const COMMAND_START = /(?<=(?:^|[\n;&|({`]|\b(?:do|then|else|time|sudo|xargs))[ \t]*)/.source;
const MENTION = new RegExp(`(?<![\\w.-])(curlie|curl|wget|xhs?|${COMMAND_START}https?(?=[ \\t]))(?![\\w:-]|\\.\\w)`);

function draftCurl(args: readonly Argument[]): Draft[] {
  return operations(args).flatMap((operation) => {
    const reads = operation.some(({ option }) => option === 'K' || option === 'config');
    const globs = !operation.some(({ option }) => option === 'g' || option === 'globoff');
    const method = curlMethod(operation);
    const urls = operation.filter(({ option }) => option === undefined || option === 'url' || option === 'expand-url');
    const drafts = urls.map(({ option, value }) => {
      const template = option === 'expand-url' && value?.includes('{{') === true;
      return { method, url: template ? UNKNOWN : value, globs, uncertain: reads };
    });
    return withoutStrayWords(reads && drafts.length === 0 ? [{ method, url: null, uncertain: true }] : drafts);
  });
}

/** `--next` begins another request with options of its own. */
function operations(args: readonly Argument[]): Argument[][] {
  const found: Argument[][] = [[]];
  for (const argument of args) {
    if (argument.option === 'next' || argument.option === ':') found.push([]);
    else found.at(-1)!.push(argument);
  }
  return found;
}

/** `-X` says it; else curl derives it from what is sent. */
function curlMethod(operation: readonly Argument[]): string {
  const has = (list: ReadonlySet<string>) => operation.some(({ option }) => option !== undefined && list.has(option));
  const said = operation.findLast(({ option }) => option === 'X' || option === 'request');
  if (said !== undefined) return methodName(said.value);
  if (has(CURL_HEAD)) return 'HEAD';
  if (has(CURL_UPLOAD)) return 'PUT';
  if (has(CURL_GET)) return 'GET';
  return has(CURL_BODY) ? 'POST' : 'GET';
}

const CURL_HEAD = names('I head');
const CURL_UPLOAD = names('T upload-file');
const CURL_GET = names('G get');
const CURL_BODY = names('d data data-ascii data-binary data-raw data-urlencode json F form form-string expand-data expand-json expand-form');

function draftWget(args: readonly Argument[]): Draft[] {
  const option = (...list: string[]) => args.findLast((argument) => argument.option !== undefined && list.includes(argument.option));
  const follows = option('r', 'recursive', 'm', 'mirror', 'p', 'page-requisites') !== undefined;
  const reads = option('i', 'input-file', 'input-metalink') !== undefined;
  const sends = option('post-data', 'post-file') !== undefined;
  const said = option('method');
  const implied = sends ? 'POST' : option('spider') !== undefined ? 'HEAD' : 'GET';
  const method = said === undefined ? implied : methodName(said.value);
  const urls = args.filter((argument) => argument.option === undefined);
  const drafts: Draft[] = urls.map(({ value }) => ({ method, url: value, uncertain: follows || reads }));
  return withoutStrayWords(reads && drafts.length === 0 ? [{ method, url: null, uncertain: true }] : drafts);
}

/**
 * An unknown number of words (`$OPTS`, unquoted) where a URL could stand is the URL when there is no other, as in `curl
 * -s $URL`. Beside a URL it is more likely options, but it could be anything.
 */
function withoutStrayWords(drafts: Draft[]): Draft[] {
  const seen = drafts.filter(({ url }) => url !== null);
  if (seen.length === drafts.length) return drafts;
  return seen.length === 0 ? drafts.slice(0, 1) : seen.map((draft) => ({ ...draft, uncertain: true }));
}

/** `http [METHOD] URL [ITEM …]`: the first word is a method when it is all letters and a URL follows. */
function draftHttpie(args: readonly Argument[], scheme: string): Draft[] {
  const option = (...list: string[]) => args.findLast((argument) => argument.option !== undefined && list.includes(argument.option));
  const operands = args.filter((argument) => argument.option === undefined).map(({ value }) => value);
  if (operands.length === 0) return [];
  const hasMethod = operands.length > 1 && isMethodWord(operands[0]!);
  const [url, ...items] = hasMethod ? operands.slice(1) : operands;
  const sends = option('raw', 'form', 'f', 'multipart') !== undefined || items.some(isBodyItem);
  const method = hasMethod ? methodName(operands[0]!) : sends ? 'POST' : 'GET';
  const uncertain = operands.includes(null) && operands.length > 1;
  return [{ method, url: httpieUrl(url!, option('default-scheme')?.value ?? scheme), uncertain }];
}

/** curl's options and httpie's words. */
function draftCurlie(args: readonly Argument[]): Draft[] {
  const [operation = []] = operations(args);
  const operands = operation.filter(({ option }) => option === undefined);
  const words = draftHttpie(operands, 'http');
  const method = curlMethod(operation);
  const more = draftCurl(operation.filter(({ option }) => option !== undefined));
  return [...words.map((draft) => ({ ...draft, method: method === 'GET' ? draft.method : method })), ...more];
}

function isMethodWord(word: ShellWord): boolean {
  return word !== null && (word === UNKNOWN || /^[a-zA-Z]+$/.test(word));
}

/** `name=value`, `name:=json`, `name@file` are sent; `Name:value` is a header and `name==value` belongs to the query. */
function isBodyItem(item: ShellWord): boolean {
  const separator = /^[^=:@]*(:=@?|==|=@?|@|:)/.exec(item ?? '')?.[1];
  return separator !== undefined && separator !== '==' && separator !== ':';
}

/** `:3000/x` is localhost:3000/x, `:/x` localhost/x, `://a.com` a.com. */
function httpieUrl(url: ShellWord, scheme: string): ShellWord {
  if (url === null || /^[a-z][a-z0-9+.-]*:\/\//i.test(url) || url.startsWith(`${UNKNOWN}:`)) return url;
  if (url.startsWith('://')) return scheme + url;
  if (!url.startsWith(':')) return `${scheme}://${url}`;
  return `${scheme}://localhost${url.startsWith(':/') ? url.slice(1) : url}`;
}

function methodName(word: ShellWord): string {
  return word === null || word.includes(UNKNOWN) ? '*' : word.toUpperCase();
}

/** What can be known of a URL; null when it is no HTTP request. */
function targetOf(word: ShellWord): { url: string | null; known: boolean } | null {
  if (word === null || word.length > MAX_URL) return { url: null, known: false };
  const parts = /^(?:([a-z][a-z0-9+.-]*|\uE000):\/\/)?([^/?#]*)([^?#]*)(.*)$/is.exec(word);
  if (parts === null || word === '' || word === '-') return null;
  const [, scheme, authority = '', path = '', query = ''] = parts;
  if (scheme !== undefined && scheme !== UNKNOWN && !/^https?$/i.test(scheme)) return null;
  const address = authority.slice(authority.lastIndexOf('@') + 1);
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(.*)$/s.exec(address) ?? [];
  if (host.includes(UNKNOWN)) return { url: null, known: false };
  if (host === '') return null;
  const isPortKnown = !port.includes(UNKNOWN);
  const prefix = scheme === undefined ? '' : `${scheme === UNKNOWN ? 'https' : scheme}://`;
  const url = prefix + host + (isPortKnown ? port : '') + starred(path) + starred(query);
  return { url, known: isPortKnown && !path.includes(UNKNOWN) };
}

function starred(text: string): string {
  return text.replace(/\uE000+/g, '*');
}

interface Globbed {
  url: ShellWord;
  times: number;
  timesKnown: boolean;
}

/** curl's own globbing, which quotes do not stop: `{one,two}`, `[1-5]`, `[01-10:3]`, `[a-f]`. An IPv6 address is none. */
function globbed(url: ShellWord): Globbed[] {
  const single = [{ url, times: 1, timesKnown: true }];
  if (url === null || url.length > MAX_URL || !/[[{]/.test(url)) return single;
  const pieces = url.split(/(\{[^{}]*\}|\[[^[\]]*\])/);
  const choices = pieces.map((piece, index) => (index % 2 === 1 ? globChoices(piece) : [piece]));
  const count = choices.reduce((product, options) => product * (options?.length ?? 1), 1);
  const timesKnown = !choices.includes(null);
  if (count > MAX_GLOBBED || !timesKnown) {
    const unknown = choices.map((options) => (options?.length === 1 ? options[0] : UNKNOWN)).join('');
    return [{ url: unknown, times: Math.min(count, MAX_TIMES), timesKnown }];
  }
  const urls = choices.reduce<string[]>((heads, options) => heads.flatMap((head) => options!.map((option) => head + option)), ['']);
  return urls.map((one) => ({ url: one, times: 1, timesKnown: true }));
}

/** null: a range whose length comes from a variable. What is no glob is itself. */
function globChoices(piece: string): string[] | null {
  const inside = piece.slice(1, -1);
  if (piece.startsWith('{')) return inside.split(',').slice(0, MAX_URL);
  const range = /^(\w+)-(\w+)(?::(\d+))?$/.exec(inside);
  if (range === null) return inside.includes(UNKNOWN) && inside.includes('-') ? null : [piece];
  const [, from = '', to = '', by = '1'] = range;
  const isNumeric = /^\d+$/.test(from + to);
  if (!isNumeric && (from.length !== 1 || to.length !== 1)) return [piece];
  const first = isNumeric ? Number(from) : from.charCodeAt(0);
  const last = isNumeric ? Number(to) : to.charCodeAt(0);
  const step = Math.max(Number(by), 1);
  if (last < first) return [piece];
  const length = Math.floor((last - first) / step) + 1;
  if (length > 100_000) return null;
  const width = isNumeric && from.startsWith('0') ? from.length : 0;
  return Array.from({ length }, (_, index) => {
    const value = first + index * step;
    return isNumeric ? String(value).padStart(width, '0') : String.fromCharCode(value);
  });
}

/** Package runners, with the words between them and the package that are their own verbs. */
const RUNNERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['npx', names('')],
  ['bunx', names('')],
  ['pnpx', names('')],
  ['npm', names('exec x')],
  ['pnpm', names('dlx exec')],
  ['yarn', names('dlx exec')],
  ['bun', names('x')],
]);

/** Verbs of the client that start no session. */
const CLIENT_VERBS = names('mcp config doctor update upgrade install plugin plugins migrate-installer setup-token auth agents');
const CLIENT_QUESTIONS = names('-v --version -h --help');

/** True when the command starts another Claude Code: a nested session that will make calls of its own. */
export function startsNestedClient(invocation: Invocation): boolean {
  const { program, words } = invocation;
  let at = 0;
  if (program !== 'claude') {
    const verbs = RUNNERS.get(program ?? '');
    if (verbs === undefined) return false;
    if (verbs.size > 0 && !verbs.has(words[1] ?? '')) return false;
    at = words.findIndex((word) => /^(?:--package=|-p=)?(?:@anthropic-ai\/claude-code(?:@|$)|claude$)/.test(word ?? ''));
    if (at < 0) return false;
  }
  const next = words[at + 1] ?? '';
  return !CLIENT_VERBS.has(next) && !CLIENT_QUESTIONS.has(next);
}
