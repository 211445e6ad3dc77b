import type { IncomingMessage } from 'node:http';
import { parseAuthority, type Authority, type Destination } from './authority.ts';

/**
 * What Node's strict parser lets through or could be told to let through (`--insecure-http-parser` in somebody's
 * NODE_OPTIONS), and what two servers in a row may read differently (RFC 9112, section 11.2). null: nothing wrong.
 */
export function headProblem({ rawHeaders, httpVersion }: IncomingMessage, maxFields: number): string | null {
  if (rawHeaders.length / 2 > maxFields) return `more than ${maxFields} header fields`;
  const lengths = valuesOf(rawHeaders, 'content-length');
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  if (lengths.length > 1 || lengths.some((value) => !/^[0-9]{1,16}$/.test(value))) return 'Content-Length is not one number';
  if (codings.length > 0 && lengths.length > 0) return 'both Content-Length and Transfer-Encoding';
  if (codings.length > 1 || codings.some((value) => value.toLowerCase() !== 'chunked')) return 'a Transfer-Encoding other than chunked';
  if (codings.length > 0 && httpVersion === '1.0') return 'Transfer-Encoding in HTTP/1.0';
  if (valuesOf(rawHeaders, 'host').length > 1) return 'several Host fields';
  return null;
}

export type Target = Destination | { problem: string };

/** `http://host:port/path?query` (RFC 9112, section 3.2.2). The path stays as it was written. */
export function absoluteTarget(target: string): Target {
  const parts = /^(https?):\/\/([^/?#]*)([^#]*)$/i.exec(target);
  if (parts === null) return { problem: 'the target is not an absolute http address' };
  const authority = parseAuthority(parts[2]!, parts[1]!.toLowerCase() === 'https');
  if (authority === null) return { problem: 'the target does not name a host' };
  const path = parts[3]!;
  return { authority, path: path.startsWith('/') ? path : `/${path}` };
}

/** Inside an ended TLS connection: the path, where the request agrees that it is meant for `authority`. */
export function targetWithin(incoming: IncomingMessage, authority: Authority): { path: string } | { problem: string; misdirected: boolean } {
  const target = incoming.url ?? '';
  const named = parseAuthority(incoming.headers.host ?? '', authority.secure);
  if (named === null) return { problem: 'Host does not name a host', misdirected: false };
  if (!same(named, authority)) return { problem: 'Host is not the host of this connection', misdirected: true };
  if (target.startsWith('/')) return target.includes('#') ? { problem: 'the target has a fragment', misdirected: false } : { path: target };
  const absolute = absoluteTarget(target);
  if ('problem' in absolute) return { problem: absolute.problem, misdirected: false };
  return same(absolute.authority, authority) ? { path: absolute.path } : { problem: 'the target is not on the host of this connection', misdirected: true };
}

function same(one: Authority, other: Authority): boolean {
  return one.host === other.host && one.port === other.port && one.secure === other.secure;
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name);
}
