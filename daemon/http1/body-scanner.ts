import type { Framing } from './framing.ts';

/** The body is not framed as its head says. */
export class FramingError extends Error {
  readonly code = 'MALFORMED_HTTP';
}

export interface Scanned {
  /** What it says, without its framing. */
  data: Buffer[];
  /** How much of the piece belongs to the message, where that ends in it; null: it goes on. */
  end: number | null;
}

/** Longest line of a chunked body: a size with its extensions, or a trailer field. */
const MAX_LINE = 16 * 1024;
const MAX_TRAILERS = 64 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

/**
 * Finds where a body ends while its bytes pass. `strict`, for requests: lines of a chunked body end in CRLF and in nothing
 * else. Servers are read as clients read them, for whom LF will do.
 */
export class BodyScanner {
  /** The trailer section's lines (RFC 9112, section 7.1.2), once the body has ended. */
  readonly trailers: string[] = [];
  done: boolean;
  readonly #framing: Framing['body'];
  readonly #strict: boolean;
  #left: number;
  #line: Buffer = NOTHING;
  #state: 'size' | 'data' | 'after' | 'trailers' = 'size';
  #trailing = 0;

  constructor(framing: Framing, strict: boolean) {
    this.#framing = framing.body;
    this.#strict = strict;
    this.#left = framing.body === 'length' ? framing.length : 0;
    this.done = framing.body === 'none';
  }

  /** Whether the connection's end is the body's. */
  get endsWithConnection(): boolean {
    return this.done || this.#framing === 'close';
  }

  scan(piece: Buffer): Scanned {
    if (this.done) return { data: [], end: 0 };
    if (this.#framing === 'close') return { data: [piece], end: null };
    if (this.#framing === 'length') {
      const data = piece.length <= this.#left ? piece : piece.subarray(0, this.#left);
      this.#left -= data.length;
      this.done = this.#left === 0;
      return { data: data.length === 0 ? [] : [data], end: this.done ? data.length : null };
    }
    return this.#chunks(piece);
  }

  #chunks(piece: Buffer): Scanned {
    const data: Buffer[] = [];
    let at = 0;
    while (at < piece.length) {
      if (this.#state === 'data') {
        const part = piece.subarray(at, at + this.#left);
        data.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'after';
        continue;
      }
      const feed = piece.indexOf(LF, at);
      const line = this.#lineOf(piece, at, feed);
      at = feed < 0 ? piece.length : feed + 1;
      if (line === null) continue;
      if (this.#state === 'after') {
        if (line !== '') throw new FramingError('a chunk is longer than it says');
        this.#state = 'size';
      } else if (this.#state === 'size') {
        this.#left = sizeOf(line);
        this.#state = this.#left === 0 ? 'trailers' : 'data';
      } else if (line === '') {
        this.done = true;
        return { data, end: at };
      } else {
        this.#trailing += line.length;
        if (this.#trailing > MAX_TRAILERS) throw new FramingError('its trailers are too long');
        if (this.#strict && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line)) throw new FramingError('a trailer field is malformed');
        this.trailers.push(line);
      }
    }
    return { data, end: null };
  }

  /** Up to its feed, without its end; null while there is none. */
  #lineOf(piece: Buffer, at: number, feed: number): string | null {
    const part = piece.subarray(at, feed < 0 ? piece.length : feed);
    const whole = this.#line.length === 0 ? part : Buffer.concat([this.#line, part]);
    if (whole.length > MAX_LINE) throw new FramingError('a line of its chunks is too long');
    if (feed < 0) {
      this.#line = Buffer.from(whole);
      // What cannot become an empty line is known to be wrong before its feed comes.
      if (this.#state === 'after' && whole.length > 1) throw new FramingError('a chunk is longer than it says');
      return null;
    }
    this.#line = NOTHING;
    const ended = whole.at(-1) === CR;
    if (this.#strict && !ended) throw new FramingError('a line of its chunks does not end with CRLF');
    const line = whole.subarray(0, ended ? whole.length - 1 : whole.length).toString('latin1');
    // eslint-disable-next-line no-control-regex
    if (this.#strict && /[\x00-\x08\x0a-\x1f\x7f]/.test(line)) throw new FramingError('a line of its chunks holds a control character');
    return line;
  }
}

function sizeOf(line: string): number {
  const size = /^([0-9a-f]{1,13})[ \t]*(?:;.*)?$/i.exec(line);
  if (size === null) throw new FramingError('a chunk has no size');
  return parseInt(size[1]!, 16);
}
