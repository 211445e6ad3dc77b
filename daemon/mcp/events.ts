import type { Readable } from 'node:stream';

/** One event of a stream, or a part of one that is too long to be looked at. */
export interface StreamEvent {
  /** As it came, its empty line included. */
  raw: Buffer;
  /** Of its `event` field; null: it has none, or was not looked at. */
  name: string | null;
  /** null: no data, or not looked at. */
  data: string | null;
  /** More of the same event follows. */
  part?: true;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/**
 * Server-sent events (WHATWG HTML, section 9.2), each with the bytes it came in, so that what is not ours passes untouched.
 * No more than `limit` bytes wait for the end of an event; a longer one is passed in parts.
 */
export async function* eventsIn(body: Readable | Buffer, limit: number): AsyncGenerator<StreamEvent> {
  let waiting: Buffer[] = [];
  let size = 0;
  /** In the middle of an event of which parts have passed. */
  let passing = false;
  const taken = (last: Buffer): StreamEvent => {
    const raw = waiting.length === 0 ? last : Buffer.concat([...waiting, last]);
    const read = passing ? { name: null, data: null } : fieldsIn(raw);
    [waiting, size, passing] = [[], 0, false];
    return { raw, ...read };
  };
  const ends = endFinder();
  for await (const chunk of Buffer.isBuffer(body) ? [body] : (body as AsyncIterable<Buffer>)) {
    let from = 0;
    for (const end of ends(chunk)) {
      yield taken(chunk.subarray(from, end));
      from = end;
    }
    const rest = chunk.subarray(from);
    if (rest.length === 0) continue;
    // A comment is part of no event, and keeps a connection alive only when it comes.
    if (waiting.length === 0 && !passing && isComment(rest)) {
      yield { raw: rest, name: null, data: null };
      continue;
    }
    waiting.push(rest);
    size += rest.length;
    if (size <= limit) continue;
    yield { raw: Buffer.concat(waiting), name: null, data: null, part: true };
    [waiting, size, passing] = [[], 0, true];
  }
  // An event without its empty line is none, but whoever reads it is to see that for himself.
  if (waiting.length > 0) yield { raw: Buffer.concat(waiting), name: null, data: null };
}

/** The same event with other data. */
export function eventWith({ raw }: Pick<StreamEvent, 'raw'>, data: string): Buffer {
  const kept = linesOf(raw).filter((line) => line !== '' && !/^data(:|$)/.test(line));
  return Buffer.from([...kept, ...data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`), '', ''].join('\n'));
}

/** An event ends with an empty line, and a line with LF, CR or CR LF, wherever the bytes were cut. */
function endFinder(): (chunk: Buffer) => number[] {
  let isLineEmpty = true;
  let wasCr = false;
  /** The empty line ended with CR; a LF after that is of it, and not an empty line of its own. */
  let endsAtCr = false;
  return (chunk) => {
    const ends: number[] = [];
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (byte === LF && wasCr) {
        if (endsAtCr && ends.at(-1) === at) ends[ends.length - 1] = at + 1;
        wasCr = endsAtCr = false;
        continue;
      }
      wasCr = byte === CR;
      if (byte !== LF && byte !== CR) {
        isLineEmpty = endsAtCr = false;
        continue;
      }
      endsAtCr = isLineEmpty && wasCr;
      if (isLineEmpty) ends.push(at + 1);
      isLineEmpty = true;
    }
    return ends;
  };
}

function fieldsIn(raw: Buffer): Pick<StreamEvent, 'name' | 'data'> {
  const lines = linesOf(raw);
  const valuesOf = (field: string): string[] => lines.filter((line) => line === field || line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  const data = valuesOf('data');
  return { name: valuesOf('event').at(-1) ?? null, data: data.length === 0 ? null : data.join('\n') };
}

/** Whole lines, each a comment. */
function isComment(bytes: Buffer): boolean {
  return bytes[0] === COLON && (bytes.at(-1) === LF || bytes.at(-1) === CR) && linesOf(bytes).every((line) => line === '' || line.startsWith(':'));
}

function linesOf(raw: Buffer): string[] {
  return raw.toString('utf8').replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
}
