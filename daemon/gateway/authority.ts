import { isIPv6 } from 'node:net';

/** Host and port, as the governor is asked about them. An IPv6 address stands without brackets. */
export interface Authority {
  host: string;
  port: number;
  secure: boolean;
}

/** `host:port`, the only form CONNECT knows (RFC 9112, section 3.2.3). null: not that. */
export function connectAuthority(target: string): Authority | null {
  return /:[0-9]+$/.test(target) ? parseAuthority(target, true) : null;
}

/** `host` or `host:port`. User information is not accepted: nobody may be shown another host than the one that is meant. */
export function parseAuthority(text: string, secure: boolean): Authority | null {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?$/i.exec(text);
  if (parts === null) return null;
  const host = canonicalHost(parts[1]!);
  const port = parts[2] === undefined ? defaultPort(secure) : Number(parts[2]);
  return host === null || port < 1 || port > 65_535 ? null : { host, port, secure };
}

/** As it stands in a URL: with brackets, and without the scheme's own port. */
function authorityText({ host, port, secure }: Authority): string {
  const name = isIPv6(host) ? `[${host}]` : host;
  return port === defaultPort(secure) ? name : `${name}:${port}`;
}

export function originOf(authority: Authority): string {
  return `${authority.secure ? 'https' : 'http'}://${authorityText(authority)}`;
}

/** The daemon itself, by any name that leads to this machine. */
export function isOwn({ host, port }: { host: string; port: number }, ownPort: number): boolean {
  return port === ownPort && (LOOPBACK.has(host) || host.endsWith('.localhost') || host.startsWith('127.'));
}

/** What cannot be read as an address the gateway knows might lead anywhere. */
export function leadsHere({ host, protocol }: URL, ownPort: number): boolean {
  const authority = parseAuthority(host, protocol === 'https:');
  return authority === null || isOwn(authority, ownPort);
}

/** `0.0.0.0` and `::` lead to loopback as well; `::ffff:7f00:1` is 127.0.0.1 in IPv6. */
const LOOPBACK = new Set(['localhost', '::1', '0.0.0.0', '::', '::ffff:7f00:1']);

function defaultPort(secure: boolean): number {
  return secure ? 443 : 80;
}

/**
 * One spelling for each host, so that no rule can be passed by another: lower case, no final dot, and IPv4 in four decimal
 * numbers where the resolver would also take `127.1` or `0x7f000001`.
 */
function canonicalHost(text: string): string | null {
  try {
    const host = new URL(`http://${text.replace(/\.$/, '')}/`).hostname.toLowerCase();
    if (host.startsWith('[')) return host.slice(1, -1);
    return host.length <= 253 && host.split('.').every((label) => label.length > 0 && label.length <= 63) ? host : null;
  } catch {
    return null;
  }
}
