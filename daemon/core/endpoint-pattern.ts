import { canonicalHost, canonicalPath, type Endpoint } from './endpoint.ts';
import { globMatches } from './glob.ts';
import { isThisMachine } from './local-host.ts';

/**
 * What a policy names endpoints by: `host`, `host:port` and `host/path`, where `*` stands for any run of characters of the
 * part it is in, and of no other. The reference has the whole table (`docs/configuration.md`, made from the tests).
 */
interface Pattern {
  /** In the spelling of `Endpoint.hostname`, with stars. */
  host: string;
  /** The host is a name or an address of this machine, or a star makes it one: all of them are meant. */
  thisMachine: boolean;
  /** null: the scheme's own, 80 or 443. A glob over the digits otherwise. */
  port: string | null;
  /** In the spelling of `Endpoint.path`, with stars and without a final slash; null: every path. */
  path: string | null;
}

type Read = { ok: true; pattern: Pattern } | { ok: false; problem: string };

/** As many as a configuration may name; see `glob.ts`. */
const MAX_READ = 50_000;
const read = new Map<string, Read>();

/** Whether a pattern names an endpoint: its host, its port and its path, each by itself. */
export function endpointMatches(text: string, endpoint: Endpoint): boolean {
  const pattern = patternOf(text);
  return pattern !== null && hostAndPortMatch(pattern, endpoint) && pathMatches(pattern, endpoint.path);
}

/** Whether a pattern names anything at this host and port, whatever the path: all that is known of a connection. */
export function hostMatches(text: string, endpoint: Pick<Endpoint, 'hostname' | 'port'>): boolean {
  const pattern = patternOf(text);
  return pattern !== null && hostAndPortMatch(pattern, endpoint);
}

/** Whether a pattern names anything at this host, whatever the port. */
export function hostnameMatches(text: string, hostname: string): boolean {
  const pattern = patternOf(text);
  return pattern !== null && hostnameFits(pattern, hostname);
}

/** Whether a pattern that names a host leaves out none of its paths. */
export function coversAllPaths(text: string): boolean {
  const pattern = patternOf(text);
  return pattern !== null && (pattern.path === null || pattern.path === '/*');
}

/** As many patterns that search may one file have: together they must not hold the daemon up. */
export const MAX_SEARCHING = 500;

/** Whether a path is searched for what stands between two stars: that takes as long as it is, and all else ends at once. */
export function searchesPath(text: string): boolean {
  const path = patternOf(text)?.path ?? '';
  return (path.match(/\*/g)?.length ?? 0) > 1;
}

/** Why a pattern names nothing, or less than it looks like; null: nothing to say. */
export function patternProblem(text: string): { names: 'nothing' | 'less'; says: string } | null {
  const result = readPattern(text);
  if (!result.ok) return { names: 'nothing', says: result.problem };
  const { host, path } = result.pattern;
  if (host !== '*' || path === null || path.startsWith('/*')) return null;
  const says = `names the path ${path} alone, at any host; for paths that end so write "*/*${path}" (a star crosses from the host into the path no more)`;
  return { names: 'less', says };
}

function patternOf(text: string): Pattern | null {
  const result = readPattern(text);
  return result.ok ? result.pattern : null;
}

function hostAndPortMatch(pattern: Pattern, { hostname, port }: Pick<Endpoint, 'hostname' | 'port'>): boolean {
  const isPort = pattern.port === null ? port === 80 || port === 443 : globMatches(pattern.port, String(port));
  return isPort && hostnameFits(pattern, hostname);
}

function hostnameFits(pattern: Pattern, hostname: string): boolean {
  if (globMatches(pattern.host, hostname)) return true;
  return pattern.thisMachine && isThisMachine(hostname);
}

/** A final slash does not count; what ends in `/*` covers the bare path too: `api.exa.ai/v1/*` means the whole service. */
function pathMatches({ path: pattern }: Pattern, path: string): boolean {
  if (pattern === null || pattern === '/*') return true;
  const text = path.replace(/\/$/, '');
  return globMatches(pattern, text) || (pattern.endsWith('/*') && globMatches(pattern.slice(0, -2), text));
}

function readPattern(text: string): Read {
  let result = read.get(text);
  if (result === undefined) {
    if (read.size >= MAX_READ) read.clear();
    read.set(text, (result = parse(text)));
  }
  return result;
}

const SELVES = ['localhost', '127.0.0.1', '[::1]'];

function parse(written: string): Read {
  const text = written.trim();
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme !== null && !/^(?:https?|wss?)$/i.test(scheme[1]!)) return no(`is of the scheme ${scheme[1]}, and only http and https requests are seen`);
  // A scheme and a query do not belong to an endpoint.
  const bare = text.slice(scheme?.[0].length ?? 0).replace(/[?#].*$/s, '');
  const slash = bare.search(/[\\/]/);
  const authority = slash < 0 ? bare : bare.slice(0, slash);
  if (authority === '') return no('names no host');
  if (authority.includes('@')) return no('names a user; write the host alone');
  const parts = /^(\[[^\]]*\]|[^:]*)(?::([\d*]+))?$/.exec(authority) ?? (isIpv6(authority) ? ['', `[${authority}]`] : null);
  if (parts === null) return no('has no host[:port] that can be read');
  const host = hostOf(parts[1]!.replace(/\*+/g, '*'));
  if (host === null) return no('names a host that cannot exist');
  const digits = parts[2]?.replace(/\*+/g, '*');
  if (digits !== undefined && !digits.includes('*') && (Number(digits) < 1 || Number(digits) > 65_535)) return no(`names the port ${digits}, and there is none above 65535`);
  // A host that ends in a star has always covered its ports as well: "localhost*", "*".
  const port = digits === undefined ? (host.endsWith('*') ? '*' : null) : digits.includes('*') ? digits : String(Number(digits));
  return { ok: true, pattern: { host, thisMachine: host.includes('*') ? SELVES.some((name) => globMatches(host, name)) : isThisMachine(host), port, path: slash < 0 ? null : pathOf(bare.slice(slash)) } };
}

const no = (problem: string): Read => ({ ok: false, problem });

function isIpv6(text: string): boolean {
  return (text.match(/:/g)?.length ?? 0) > 1 && URL.canParse(`http://[${text}]/`);
}

/** With a star it is no host that `URL` could read, so only labels in other scripts are brought to punycode. */
function hostOf(text: string): string | null {
  if (!text.includes('*')) return URL.canParse(`http://${text}/`) ? canonicalHost(new URL(`http://${text}/`).hostname) : null;
  if (/[\s%<>^|\\]/.test(text)) return null;
  const labels = text.toLowerCase().replace(/\.$/, '').split(/[.。]/);
  return labels.map((label) => (/[^ -~]/.test(label) && URL.canParse(`http://${label}/`) ? new URL(`http://${label}/`).hostname : label)).join('.');
}

function pathOf(text: string): string {
  const { pathname } = new URL(`http://host${text}`);
  return canonicalPath(pathname).replace(/\*+/g, '*').replace(/\/$/, '');
}
