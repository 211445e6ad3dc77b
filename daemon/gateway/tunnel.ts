import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Each side's end is passed on and the other goes on talking; an error, or silence for too long, ends both. */
export function join(one: Socket, other: Socket, idleMs: number): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setNoDelay(true);
    from.setKeepAlive(true, KEEP_ALIVE_MS);
    from.setTimeout(idleMs, () => from.destroy());
    from.on('error', () => breakOff(to));
    from.once('close', () => {
      // After a clean end there may be bytes that the other side has still to be given.
      if (from.readableEnded) to.end();
      else to.destroy();
    });
    from.pipe(to);
  }
}

/** A reset is passed on as one: an end would say that this was all (TLS has no way to say it from outside). */
function breakOff(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Finds out when the machine at the other end is gone without a word. */
const KEEP_ALIVE_MS = 60_000;
