import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { WebAnswer } from '../ports.ts';

/**
 * Writes an answer as it came. A body that breaks ends the connection: a client must never take half of one for the whole.
 * The head leaves at once, so that events are seen when they happen.
 */
export function writeAnswer(outgoing: ServerResponse, method: string, { status, fields, body }: WebAnswer): void {
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  const head: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(fields)) {
    // RFC 9110, section 8.6: none in a 204.
    if (name === 'content-length' && status === 204) continue;
    head[name] = typeof value === 'string' ? value : [...value];
  }
  if (Buffer.isBuffer(body) && !bodiless) head['content-length'] = String(body.length);
  outgoing.writeHead(status, head);
  if (Buffer.isBuffer(body)) return void outgoing.end(bodiless ? undefined : body);
  if (bodiless) {
    body.on('error', () => {}).resume();
    return void outgoing.end();
  }
  // Together with what is here of the body, so that a short answer leaves in one piece.
  const { socket } = outgoing;
  socket?.cork();
  outgoing.flushHeaders();
  passOn(body, outgoing);
  setImmediate(() => socket?.uncork());
}

/** An answer that nobody reads any more is not fetched any further, either. */
function passOn(body: Readable, outgoing: ServerResponse): void {
  body.once('error', () => {
    // HTTP/1.0 knows no framing: there only a reset is not an end.
    if (outgoing.req.httpVersion === '1.0' && !(outgoing.socket instanceof TLSSocket)) outgoing.socket?.resetAndDestroy();
    outgoing.destroy();
  });
  outgoing.once('close', () => body.destroy());
  body.pipe(outgoing);
}
