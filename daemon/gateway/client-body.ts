import { Readable } from 'node:stream';
import { BodyScanner } from '../http1/body-scanner.ts';
import type { ByteSource } from '../http1/byte-source.ts';
import type { Framing } from '../http1/framing.ts';

/** The client did not send what it said it would. `late`: it still might, and nobody waits any longer. */
export class BrokenBody extends Error {
  readonly late: boolean;

  constructor(late: boolean) {
    super(late ? 'the request stalled' : 'the request ended before its end');
    this.late = late;
  }
}

export interface ReadBody {
  /** null: none. All of it, or a stream that begins with what was read so far. */
  body: Buffer | Readable | null;
  /** With its framing, where that is chunks and all of it is here. */
  framed: Buffer | null;
}

/** A request's body, read once: as a whole where it is small, else as it is wanted. Throws `BrokenBody` and `FramingError`. */
export class ClientBody {
  /** The client is not where a request could begin. */
  broken = false;
  readonly #source: ByteSource;
  readonly #framing: Framing;
  readonly #scanner: BodyScanner;
  readonly #idleMs: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: ByteSource, framing: Framing, idleMs: number) {
    this.#source = source;
    this.#framing = framing;
    this.#scanner = new BodyScanner(framing, true);
    this.#idleMs = idleMs;
  }

  get expected(): boolean {
    return this.#framing.body !== 'none';
  }

  async read(limit: number): Promise<ReadBody> {
    if (!this.expected) return { body: null, framed: null };
    const data: Buffer[] = [];
    const framed: Buffer[] = [];
    if (this.#framing.body === 'length' && this.#framing.length > limit) return { body: this.#stream([]), framed: null };
    for (let size = 0; size <= limit; ) {
      const next = await this.#next();
      if (next === null) return { body: Buffer.concat(data), framed: this.#framing.body === 'chunked' ? Buffer.concat(framed) : null };
      framed.push(next.framed);
      for (const one of next.data) {
        data.push(one);
        size += one.length;
      }
    }
    return { body: this.#stream(data), framed: null };
  }

  /** What nobody wanted is read, so that the next request on this connection can come. */
  async drain(): Promise<void> {
    while ((await this.#next()) !== null);
  }

  /** One piece at a time, whoever asks: a stream that was given up may still be waiting for one. */
  #next(): Promise<{ data: Buffer[]; framed: Buffer } | null> {
    const next = this.#last.then(() => this.#read());
    this.#last = next.catch(() => {});
    return next;
  }

  async #read(): Promise<{ data: Buffer[]; framed: Buffer } | null> {
    if (this.#scanner.done) return null;
    this.broken = true;
    const piece = await within(this.#idleMs, this.#source.read());
    if (piece === 'late' || piece === null) throw new BrokenBody(piece === 'late');
    const { data, end } = this.#scanner.scan(piece);
    this.broken = false;
    if (end === null) return { data, framed: piece };
    this.#source.unread(piece.subarray(end));
    return { data, framed: piece.subarray(0, end) };
  }

  #stream(read: readonly Buffer[]): Readable {
    const pieces = async function* (body: ClientBody): AsyncGenerator<Buffer> {
      yield* read;
      for (let next = await body.#next(); next !== null; next = await body.#next()) yield* next.data;
    };
    return Readable.from(pieces(this), { objectMode: false, highWaterMark: 64 * 1024 });
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([promise, new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), ms)))]);
  } finally {
    clearTimeout(timer);
  }
}
