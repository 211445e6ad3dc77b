import type { IncomingMessage } from 'node:http';
import { membersOf, valuesOf, type RequestHead } from '../http1/head.ts';
import { requestFraming, type Framing } from '../http1/framing.ts';
import { isOwn, parseAuthority, type Authority } from './authority.ts';

/** What Node's strict parser lets through or could be told to let through, of a request to the daemon itself. null: nothing wrong. */
export function headProblem({ rawHeaders, httpVersion }: IncomingMessage, maxFields: number): string | null {
  const lines = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push({ name: rawHeaders[at]!.toLowerCase(), value: rawHeaders[at + 1]!, text: '' });
  const framed = readFraming({ method: '', target: '', version: httpVersion === '1.0' ? '1.0' : '1.1', lines }, maxFields);
  return 'problem' in framed ? framed.problem : null;
}

/** Where a request's body ends, unless it might be read in two ways (RFC 9112, sections 3.2 and 11.2). */
export function readFraming(head: RequestHead, maxFields: number): Framing | { problem: string } {
  if (head.lines.length > maxFields) return { problem: `more than ${maxFields} header fields` };
  if (valuesOf(head.lines, 'host').length > 1) return { problem: 'several Host fields' };
  return requestFraming(head);
}

/** Where a request goes, and how the server is to be asked. */
export interface Destination {
  authority: Authority;
  /** In ASCII, for whoever judges it. */
  path: string;
  /** As it was written: any bytes (RFC 9112, section 3.2). */
  target: string;
}

export type Target = Destination | { problem: string };

/** `http://host:port/path?query` (RFC 9112, section 3.2.2). The path stays as it was written. */
export function absoluteTarget(text: string, method = 'GET'): Target {
  const parts = /^(https?):\/\/([^/?#]*)([^#]*)$/i.exec(text);
  if (parts === null) return { problem: 'the target is not an absolute http address' };
  const authority = parseAuthority(parts[2]!, parts[1]!.toLowerCase() === 'https');
  if (authority === null) return { problem: 'the target does not name a host' };
  const path = parts[3]!;
  // RFC 9112, section 3.2.4: asked of the server as a whole.
  if (path === '' && method === 'OPTIONS') return { authority, path: '/', target: '*' };
  const target = path.startsWith('/') ? path : `/${path}`;
  return { authority, path: inAscii(target), target };
}

/** Bytes above 0x7F as a browser would write them, so that one address has one spelling for every rule. */
function inAscii(path: string): string {
  // eslint-disable-next-line no-control-regex
  return path.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** curl, and git by its library, encode a path's bytes above 0x7F when they ask a server, and not when they ask a proxy. */
function asAskedDirectly(target: string, lines: RequestHead['lines']): string {
  if (!/^(curl|git)\//.test(valuesOf(lines, 'user-agent')[0] ?? '')) return target;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  // eslint-disable-next-line no-control-regex
  return path.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`) + target.slice(path.length);
}

/**
 * Of a request to the proxy itself. null: it is for the daemon. curl's `--request-target` is written as it stands also to a proxy;
 * then `Host` says where it goes, and that it is meant for a proxy at all is told by the fields that nobody else is shown.
 */
export function proxiedTarget({ method, target, lines }: RequestHead, ownPort: number): Target | null {
  if (!target.startsWith('/') && target !== '*') {
    const parsed = absoluteTarget(target, method);
    if ('problem' in parsed) return parsed;
    return isOwn(parsed.authority, ownPort) ? null : { ...parsed, target: asAskedDirectly(parsed.target, lines) };
  }
  if (!lines.some(({ name }) => name === 'proxy-authorization' || name === 'proxy-connection')) return null;
  const authority = parseAuthority(valuesOf(lines, 'host')[0] ?? '', false);
  return authority === null || isOwn(authority, ownPort) ? null : withinTarget(target, authority);
}

function withinTarget(target: string, authority: Authority): Target {
  if (target === '*') return { authority, path: '/', target };
  return target.includes('#') ? { problem: 'the target has a fragment' } : { authority, path: inAscii(target), target };
}

/** Inside a tunnel that ends here: the path, where the request agrees that it goes to `authority`. */
export function targetWithin({ target }: RequestHead, authority: Authority): Target & { misdirected?: boolean } {
  if (target.startsWith('/') || target === '*') return withinTarget(target, authority);
  const absolute = absoluteTarget(target);
  if ('problem' in absolute) return absolute;
  return same(absolute.authority, authority) ? { ...absolute, target } : { problem: 'the target is not on the host of this connection', misdirected: true };
}

/** Another host than the one the request goes to, where `Host` names one; null: the same. */
export function otherHost({ lines }: Pick<RequestHead, 'lines'>, authority: Authority): { host: string; authority: Authority | null } | null {
  const host = valuesOf(lines, 'host')[0];
  if (host === undefined) return null;
  const named = parseAuthority(host, authority.secure);
  return named !== null && same(named, authority) ? null : { host, authority: named };
}

export function needsHost({ version, lines }: RequestHead): boolean {
  return version === '1.1' && valuesOf(lines, 'host').length === 0;
}

export function wantsContinue({ version, lines }: RequestHead): boolean {
  return version === '1.1' && membersOf(lines, 'expect').includes('100-continue');
}

function same(one: Authority, other: Authority): boolean {
  return one.host === other.host && one.port === other.port && one.secure === other.secure;
}
