import { valuesOf, type RequestHead } from '../http1/head.ts';
import type { Client } from './client.ts';

/**
 * How a failure looks to whoever asked. There was no answer, so none is given: a document of ours would be taken for the
 * server's (`until curl …` would end, `curl -o f && deploy` would deploy). The reason stands in the log, and is told at the
 * call's end.
 */
export async function fail(client: Client, request: RequestHead, { error, connected }: { error: unknown; connected: boolean }): Promise<void> {
  if (codeOf(error) === 'ECONNRESET' && connected) return client.reset();
  if (!connected && isWget(request)) await client.write(`HTTP/1.1 502 ${reasonOf(error)}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
  client.end();
}

/** The answer broke off: as the server did, so that the client may see the same. */
export function breakOff(client: Client, error: unknown): void {
  if (codeOf(error) === 'ECONNRESET') client.reset();
  else client.end();
}

/**
 * wget takes an end without an answer for worth twenty attempts, some minutes of them; without a proxy nobody who listens, or no
 * such name, ends it at once. It fails at this status at once, and writes no document.
 */
function isWget({ lines }: RequestHead): boolean {
  return /^Wget\//.test(valuesOf(lines, 'user-agent')[0] ?? '');
}

/** curl alone takes any answer for a success, unless it is told `-f`. */
export function isCurl({ lines }: Pick<RequestHead, 'lines'>): boolean {
  return /^curl\//.test(valuesOf(lines, 'user-agent')[0] ?? '');
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'Connection refused',
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  CONNECT_TIMEOUT: 'Connection timed out',
  EMPTY_ANSWER: 'The server closed the connection without an answer',
  GATEWAY_LOOP: 'The address leads back to pag0 itself',
};

/** In the words that programs without a proxy use. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return REASONS[code] ?? (code === '' || code.startsWith('UPSTREAM_') ? (error instanceof Error ? error.message : String(error)).replace(/[^\x20-\x7e]/g, '?') : code);
}

/** The innermost cause says most. */
export function codeOf(error: unknown): string {
  let found = '';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') found = code;
  }
  return found;
}
