import { isOwn, originOf, parseAuthority } from '../gateway/authority.ts';
import { badRequest, LOOP, type GatewayProblem } from '../gateway/problem-answer.ts';

/** Where the proxy is on the daemon's own port. */
export const PROXY_PATH = '/mcp/';

/** Whom a proxied address means. */
export interface McpTarget {
  /** Absolute, path and query as they were written. */
  url: string;
  host: string;
}

/** What is known of a server by its address (RFC 8615), where the path of that was put behind the name (RFC 9728, section 3.1). */
const WELL_KNOWN = /^\/\.well-known\/([^/?#]+)(\/mcp\/https?\/[^/?#]+)([^#]*)$/;

export function isForProxy(path: string): boolean {
  return path.startsWith(PROXY_PATH) || WELL_KNOWN.test(path);
}

const UNREADABLE = badRequest('write the address as /mcp/https/<host>/<path>, or /mcp/http/<host:port>/<path> for a server on this machine');
const UNPROTECTED = badRequest('only a server on this machine (localhost, 127.0.0.1 or [::1]) is reached by /mcp/http/; write /mcp/https/ for any other');

/** `/mcp/https/host:port/path?query`, or `/.well-known/<name>/mcp/https/host:port/path`, which means `<name>` of that server. */
export function targetOf(asked: string, ownPort: number): McpTarget | { problem: GatewayProblem } {
  const known = WELL_KNOWN.exec(asked);
  const path = known === null ? asked : `${known[2]}/.well-known/${known[1]}${known[3]}`;
  const parts = /^\/mcp\/(https?)\/([^/?#]+)([^#]*)$/.exec(path);
  const authority = parts === null ? null : parseAuthority(parts[2]!, parts[1] === 'https');
  if (authority === null) return { problem: UNREADABLE };
  if (isOwn(authority, ownPort)) return { problem: LOOP };
  if (!authority.secure && !isLoopback(authority.host)) return { problem: UNPROTECTED };
  const rest = parts![3]!;
  return { url: `${originOf(authority)}${rest.startsWith('/') ? '' : '/'}${rest}`, host: authority.host };
}

/** What needs nobody to say where it is: no name but the one that every system has for itself. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

/**
 * A redirect within the server is led through the proxy again. One to another host stays what it is: the client drops its
 * credentials when it sees the host change, and through the proxy it would not.
 */
export function relocated(location: string, target: McpTarget): string {
  return within(location, target)?.path ?? location;
}

/** An address of the same server, as it is and as it is led through the proxy; null: it is another's. */
export function within(location: string, target: McpTarget): { url: string; path: string } | null {
  try {
    const [from, to] = [new URL(target.url), new URL(location, target.url)];
    if (to.origin !== from.origin) return null;
    const rest = `${to.pathname}${to.search}`;
    return { url: `${to.origin}${rest}`, path: `${PROXY_PATH}${to.protocol.slice(0, -1)}/${to.host}${rest}` };
  } catch {
    return null;
  }
}
