import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

export type RequestBody = { body: Buffer | Readable | null } | { stalled: true };

/**
 * None, all of it, or a stream that begins with what was read so far. Destroying that stream does not end the client's
 * connection: an answer has still to be written there.
 */
export async function readRequestBody(incoming: IncomingMessage, limit: number, idleMs: number): Promise<RequestBody> {
  const { 'content-length': declared, 'transfer-encoding': coding } = incoming.headers;
  if (coding === undefined && (declared === undefined || Number(declared) === 0)) return { body: null };
  const pieces = incoming.iterator({ destroyOnReturn: false });
  if (Number(declared) > limit) return { body: streamOf([], pieces, incoming, idleMs) };
  const read: Buffer[] = [];
  for (let size = 0; size <= limit; ) {
    const next = await within(idleMs, pieces.next() as Promise<IteratorResult<Buffer>>);
    if (next === null) return { stalled: true };
    if (next.done === true) return { body: Buffer.concat(read) };
    read.push(next.value);
    size += next.value.length;
  }
  return { body: streamOf(read, pieces, incoming, idleMs) };
}

function streamOf(read: readonly Buffer[], pieces: AsyncIterator<Buffer>, incoming: IncomingMessage, idleMs: number): Readable {
  return Readable.from(passedOn(read, pieces, incoming, idleMs), { objectMode: false, highWaterMark: 64 * 1024 });
}

async function* passedOn(read: readonly Buffer[], pieces: AsyncIterator<Buffer>, incoming: IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  try {
    yield* read;
    for (;;) {
      const next = await within(idleMs, pieces.next() as Promise<IteratorResult<Buffer>>);
      if (next === null) {
        // Too late to say why: the upstream has the beginning. The connection ends, and the exchange with it.
        incoming.destroy(new Error('the request stalled'));
        throw new Error('the request stalled');
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await pieces.return?.();
    // What nobody wants is dropped, so that the next request on this connection can come.
    incoming.resume();
  }
}

/** Only the wait for the client counts, not the time the upstream takes to accept what it sent. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([promise, new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ms)))]);
  } finally {
    clearTimeout(timer);
  }
}
