import { isLocalHost } from './local-host.ts';

/** Where a request goes, in the one spelling in which policies are held against it. No scheme, no query. */
export interface Endpoint {
  /** `api.tavily.com/search`, `127.0.0.1:4801/v1/chat`: the port where it is not the scheme's own. */
  name: string;
  host: string;
  /** The host without its port: lower case, no final dot, punycode, IPv4 in four decimal numbers, IPv6 in brackets. */
  hostname: string;
  port: number;
  path: string;
  /** Loopback, private or link-local: the developer's own machine and network. */
  local: boolean;
}

/** Nobody serves a longer path; what is matched has an end, so that matching has one. */
const MAX_PATH = 4_096;

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/**
 * The endpoint of a URL, or null when the text is no http(s) or ws(s) URL, or when clients disagree on where it leads.
 * The URL Standard (WHATWG) says what a client makes of the text; a missing scheme means http, as curl reads it.
 */
export function endpointOf(text: string): Endpoint | null {
  const absolute = absoluteOf(text.trim());
  const url = absolute === null ? null : urlOf(absolute);
  if (url === null) return null;
  const standard = PORTS[url.protocol];
  const hostname = canonicalHost(url.hostname);
  if (standard === undefined || hostname === '' || url.pathname.length > MAX_PATH) return null;
  const port = url.port === '' ? standard : Number(url.port);
  const host = port === standard ? hostname : `${hostname}:${port}`;
  const path = canonicalPath(url.pathname);
  return { name: host + path, host, hostname, port, path, local: isLocalHost(hostname) };
}

function urlOf(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function absoluteOf(text: string): string | null {
  const scheme = /^(?:https?|wss?):/i.exec(text)?.[0];
  if (scheme === undefined) return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? null : `http://${text}`;
  const rest = text.slice(scheme.length);
  // `http:8080/x`: a host of that name to curl, an address to browsers. `//a.com\@b.com`: b.com to curl, a.com to browsers.
  if (/^\d/.test(rest) || /^[\\/]*[^/?#]*\\[^/?#]*@/.test(rest)) return null;
  return text;
}

/**
 * `URL` has brought it to lower case, to punycode and, from `127.1`, `0x7f000001` or `2130706433`, to four numbers. The
 * final dot of a full name and the IPv6 form of an IPv4 address (RFC 4291, section 2.5.5.2) lead to the same host.
 */
export function canonicalHost(hostname: string): string {
  const mapped = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname);
  if (mapped === null) return hostname.toLowerCase().replace(/\.$/, '');
  return [mapped[1]!, mapped[2]!].map((part) => Number.parseInt(part, 16)).flatMap((part) => [part >> 8, part & 0xff]).join('.');
}

/**
 * `URL` has removed dot segments, `%2e` included, and turned backslashes into slashes. Beyond that, letters that need no
 * percent-encoding stand for themselves (RFC 3986, section 6.2.2, and servers decode reserved ones as well), and a run of
 * slashes is one. An encoded slash, percent, question mark or star is none.
 */
export function canonicalPath(pathname: string): string {
  const plain = pathname.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const letter = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[!-~]/.test(letter) && !'/\\%?#*'.includes(letter) ? letter : encoded.toUpperCase();
  });
  return plain.replace(/\/{2,}/g, '/');
}
