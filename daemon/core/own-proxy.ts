/** Proxies that a person has set for their programs, by the scheme of what is asked for. */
export interface OwnProxies {
  http: ProxyAddress | null;
  https: ProxyAddress | null;
  /** Hosts that are reached without them, as NO_PROXY lists them. */
  except: string;
}

export interface ProxyAddress {
  host: string;
  port: number;
  /** TLS to the proxy itself. */
  secure: boolean;
  /** null: it asks for none. */
  credentials: { user: string; password: string } | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The variables in the order of curl: the scheme's own, then the one for all. HTTP_PROXY in capitals, which curl does not read
 * for the sake of CGI programs, other programs do. `unknown`: a proxy of a kind that requests cannot be passed on to (SOCKS).
 */
export function ownProxiesIn(env: Env): { proxies: OwnProxies | null; unknown: string | null } {
  const named = (...names: string[]): string | null => names.map((name) => env[name]).find((value) => value !== undefined && value !== '') ?? null;
  const texts = [named('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'), named('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY')];
  const [http = null, https = null] = texts.map((text) => (text === null ? null : proxyAddress(text)));
  const unknown = texts.find((text) => text !== null && proxyAddress(text) === null) ?? null;
  if (unknown !== null) return { proxies: null, unknown: withoutCredentials(unknown) };
  if (http === null && https === null) return { proxies: null, unknown: null };
  return { proxies: { http, https, except: named('no_proxy', 'NO_PROXY') ?? '' }, unknown: null };
}

/** As curl reads it: without a scheme `http`, without a port 1080, or 443 with TLS. */
function proxyAddress(text: string): ProxyAddress | null {
  const parts = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:(.*)@)?(\[[0-9a-f:.%]+\]|[^@/:?#[\]]+)(?::(\d{1,5}))?\/?$/is.exec(text.trim());
  if (parts === null) return null;
  const scheme = (parts[1] ?? 'http').toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return null;
  const secure = scheme === 'https';
  const port = parts[4] === undefined ? (secure ? 443 : 1080) : Number(parts[4]);
  if (port < 1 || port > 65_535) return null;
  const [user, password] = (parts[2] ?? '').split(/:(.*)/s);
  const credentials = parts[2] === undefined ? null : { user: decoded(user ?? ''), password: decoded(password ?? '') };
  return { host: parts[3]!.replace(/^\[|\]$/g, ''), port, secure, credentials };
}

/** A lone percent sign is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function withoutCredentials(proxy: string): string {
  return proxy.replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?)(?:.*)@/is, '$1');
}

/** `Proxy-Authorization` for whoever has them (RFC 7617). */
export function proxyAuthorization({ credentials }: ProxyAddress): string | null {
  return credentials === null ? null : `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

/** The proxy that a request to there goes by; null: none. */
export function proxyFor(own: OwnProxies | null, to: { host: string; secure: boolean }): ProxyAddress | null {
  const proxy = own === null ? null : to.secure ? own.https : own.http;
  return proxy === null || isExcepted(to.host, own!.except) ? null : proxy;
}

/**
 * Whether a list of exceptions covers a host, as curl reads NO_PROXY: names cover what ends in them at a dot, a leading dot does
 * not count, addresses are compared as addresses and may have a length behind a slash, and `*` alone stands for everything.
 */
export function isExcepted(host: string, except: string): boolean {
  if (except.trim() === '*') return true;
  const asked = plain(host);
  const address = addressBits(asked);
  return except
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => (address === null ? coversName(plain(entry), asked) : coversAddress(entry, address)));
}

function plain(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function coversName(entry: string, host: string): boolean {
  const name = entry.replace(/^\./, '');
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}

function coversAddress(entry: string, address: string): boolean {
  const [text = '', length] = plain(entry).split('/');
  const bits = addressBits(text.replace(/^\[|\]$/g, ''));
  if (bits === null || bits.length !== address.length) return false;
  const taken = length === undefined ? bits.length : Number(length);
  return Number.isInteger(taken) && taken >= 0 && taken <= bits.length && bits.slice(0, taken) === address.slice(0, taken);
}

/** 32 or 128 of them; null: no address. */
function addressBits(text: string): string | null {
  const binary = (value: number, width: number): string => value.toString(2).padStart(width, '0');
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (octets !== undefined) return octets.every((octet) => octet < 256) ? octets.map((octet) => binary(octet, 8)).join('') : null;
  if (!text.includes(':')) return null;
  try {
    const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
    const [head = '', tail] = host.split('::');
    const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
    const [first, last] = [groups(head), groups(tail ?? '')];
    const all = tail === undefined ? first : [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last];
    return all.map((group) => binary(Number.parseInt(group, 16), 16)).join('');
  } catch {
    return null;
  }
}
