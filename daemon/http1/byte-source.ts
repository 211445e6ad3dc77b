import type { Duplex } from 'node:stream';
import { endOfHead } from './head.ts';

const NOTHING = Buffer.alloc(0);

/** A head, or why there is none: the other side ended first, was too slow, or wrote too much. */
export type HeadRead = { head: Buffer } | { head: null; why: 'ended' | 'late' | 'too long' };

/** Reads a connection piece by piece, no faster than it is asked to. */
export class ByteSource {
  readonly #stream: Duplex;
  #rest: Buffer = NOTHING;
  #waiting: (() => void) | null = null;
  #ended = false;
  readonly #onReadable = (): void => {
    if (this.#waiting !== null) this.#wake();
    // An end behind nothing is only told to whoever reads.
    else if (this.#stream.readableLength === 0) this.#stream.read();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake();
  };

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('readable', this.#onReadable).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  /** What is here and nobody has read. */
  get waiting(): number {
    return this.#rest.length + this.#stream.readableLength;
  }

  /** What comes next; null: nothing any more. */
  async read(): Promise<Buffer | null> {
    for (;;) {
      if (this.#rest.length > 0) {
        const rest = this.#rest;
        this.#rest = NOTHING;
        return rest;
      }
      if (this.#stream.destroyed) return null;
      const piece = this.#stream.read() as Buffer | null;
      if (piece !== null) return piece;
      if (this.#ended || this.#stream.readableEnded) return null;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  /** Back in front of what comes next. */
  unread(piece: Buffer): void {
    if (piece.length > 0) this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([piece, this.#rest]);
  }

  /** `idleMs` until its first byte, `headMs` from there to its end. Empty lines before it are passed over (RFC 9112, section 2.2). */
  async head(limit: number, idleMs: number, headMs: number): Promise<HeadRead> {
    let bytes: Buffer = NOTHING;
    let searched = 0;
    let late = false;
    let timer = setTimeout(() => ((late = true), this.#wake()), idleMs);
    const pieceOrLate = async (): Promise<Buffer | null> => {
      if (this.#rest.length > 0 || this.#stream.readableLength > 0) return this.read();
      for (;;) {
        const piece = this.#stream.destroyed ? null : (this.#stream.read() as Buffer | null);
        if (piece !== null || this.#ended || this.#stream.readableEnded || this.#stream.destroyed || late) return piece;
        await new Promise<void>((resolve) => (this.#waiting = resolve));
      }
    };
    try {
      for (;;) {
        const piece = await pieceOrLate();
        if (piece === null) {
          this.unread(bytes);
          return { head: null, why: late ? 'late' : 'ended' };
        }
        if (bytes.length === 0) {
          clearTimeout(timer);
          timer = setTimeout(() => ((late = true), this.#wake()), headMs);
        }
        bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece]);
        while (bytes[0] === 0x0d && bytes[1] === 0x0a) bytes = bytes.subarray(2);
        const end = endOfHead(bytes, searched);
        if (end >= 0 && end <= limit) {
          this.unread(bytes.subarray(end));
          return { head: bytes.subarray(0, end) };
        }
        if (bytes.length > limit) {
          this.unread(bytes);
          return { head: null, why: 'too long' };
        }
        searched = Math.max(0, bytes.length - 2);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The connection is somebody else's from here, with all that was not read. */
  release(): void {
    this.#stream.off('readable', this.#onReadable).off('end', this.#onEnd).off('close', this.#onEnd);
    if (this.#rest.length > 0 && !this.#stream.readableEnded && !this.#stream.destroyed) this.#stream.unshift(this.#rest);
    this.#rest = NOTHING;
  }
}
