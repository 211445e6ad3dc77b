import { globMatches } from './glob.ts';

/** Where a request goes, as policies name it: lower-case host, port when it is not the scheme's own, path. No query. */
export interface Endpoint {
  /** `api.tavily.com/search`, `127.0.0.1:4801/v1/chat` */
  name: string;
  host: string;
  path: string;
  /** Loopback, private or link-local: the developer's own machine and network. */
  local: boolean;
}

/** The endpoint of a URL, or null when the text is not an http(s) URL. A missing scheme means http, as curl reads it. */
export function endpointOf(text: string): Endpoint | null {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(absolute);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.hostname === '') return null;
  return {
    name: `${url.host.toLowerCase()}${url.pathname}`,
    host: url.host.toLowerCase(),
    path: url.pathname,
    local: isLocalHost(url.hostname),
  };
}

/**
 * A glob over host[:port]/path. A pattern without a slash names the host and covers all its paths; one that ends in
 * `/*` covers the bare path too, because people who write `api.exa.ai/*` mean the whole service.
 */
export function endpointMatches(pattern: string, endpoint: Endpoint): boolean {
  const glob = normalisePattern(pattern);
  if (!glob.includes('/')) return globMatches(glob, endpoint.host);
  return globMatches(glob, endpoint.name) || (glob.endsWith('/*') && globMatches(glob.slice(0, -2), endpoint.name));
}

/** Scheme and query do not belong to an endpoint; the host's case does not count. */
function normalisePattern(pattern: string): string {
  const bare = pattern.replace(/^https?:\/\//i, '').replace(/\?.*$/, '');
  const slash = bare.indexOf('/');
  return slash < 0 ? bare.toLowerCase() : bare.slice(0, slash).toLowerCase() + bare.slice(slash);
}

/**
 * Loopback (RFC 1122, RFC 4291), private (RFC 1918, RFC 4193), link-local (RFC 3927) and carrier-grade NAT (RFC 6598)
 * addresses, and the names that stand for them (RFC 6761 `.localhost`, RFC 6762 `.local`, names without a dot).
 * `URL` has already brought numeric hosts such as 0x7f000001 or 2130706433 into dotted form.
 */
export function isLocalHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host.includes(':')) return isLocalIpv6(host);
  const octets = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (octets !== undefined) return isLocalIpv4(octets[0]!, octets[1]!);
  return !host.includes('.') || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}

function isLocalIpv4(a: number, b: number): boolean {
  return a === 127 || a === 10 || a === 0 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b <= 127);
}

function isLocalIpv6(host: string): boolean {
  const mapped = /^::ffff:(?:([0-9a-f]{1,4}):([0-9a-f]{1,4})|(\d+)\.(\d+)\.\d+\.\d+)$/.exec(host);
  if (mapped !== null) {
    if (mapped[3] !== undefined) return isLocalIpv4(Number(mapped[3]), Number(mapped[4]));
    const high = Number.parseInt(mapped[1]!, 16);
    return isLocalIpv4(high >> 8, high & 0xff);
  }
  return host === '::1' || host === '::' || /^f[cd]/.test(host) || /^fe[89ab]/.test(host);
}
