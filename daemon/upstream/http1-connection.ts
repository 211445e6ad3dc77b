import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { asWritten, fieldsOf, oneConnection } from '../core/fields.ts';
import { BodyScanner, FramingError } from '../http1/body-scanner.ts';
import { TooLate } from '../http1/connect.ts';
import { answerFraming, persists } from '../http1/framing.ts';
import { endOfHead, headBytes, membersOf, readAnswerHead, type AnswerHead } from '../http1/head.ts';
import type { WebAnswer, WebRequest } from '../ports.ts';
import { generatedLines } from './fields.ts';

export interface ExchangeLimits {
  headersMs: number;
  idleMs: number;
  maxHeaderBytes: number;
}

/** The server ended the connection without an answer. */
class NoAnswer extends Error {
  readonly code = 'EMPTY_ANSWER';

  constructor() {
    super('the connection ended before the answer');
  }
}

export interface Outcome {
  /** The connection can be used again. */
  free(): void;
  /** As whoever reads the body is told of it. */
  broke(error: Error): Error;
}

/** Many heads before the answer are no answer. */
const MAX_INTERIM = 32;
const NOTHING = Buffer.alloc(0);

/** The connection is one to a proxy, that is asked for the whole address. */
export interface ByProxy {
  lines: readonly string[];
}

/** One request and its answer on a connection that stands. Written as it was written to us, read as a client would read it. */
export function exchangeOn(socket: Socket, request: WebRequest, limits: ExchangeLimits, signal: AbortSignal, asked: ByProxy | null, { free, broke }: Outcome): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const { lines, target, version } = asked === null ? outline(request) : wholly(outline(request), request, asked);
    let head: AnswerHead | null = null;
    let body: Readable | null = null;
    let scanner: BodyScanner | null = null;
    let unread: Buffer = NOTHING;
    let searched = 0;
    let interim = 0;
    let sent = false;
    let over = false;

    const finish = (): void => {
      over = true;
      signal.removeEventListener('abort', abort);
      socket.setTimeout(0).off('data', onData).off('end', onEnd).off('error', fail).off('close', onEnd).off('timeout', onTimeout);
    };
    const fail = (error: Error): void => {
      if (over) return;
      finish();
      socket.on('error', () => {}).destroy();
      if (request.body instanceof Readable) request.body.destroy();
      if (body === null) reject(error);
      // Not before whoever awaits the head has seen it, and listens.
      else setImmediate((reading: Readable) => reading.destroy(broke(error)), body);
    };
    const abort = (): void => fail(signal.reason instanceof Error ? signal.reason : new Error('given up'));
    const onTimeout = (): void => {
      // A reader that stands still is not the server's silence.
      if (!socket.isPaused()) fail(new TooLate(head === null ? 'ANSWER_TIMEOUT' : 'BODY_TIMEOUT'));
    };
    const onEnd = (): void => {
      if (scanner?.endsWithConnection === true) return complete(false);
      if (head !== null) fail(new FramingError('the answer ended before its end'));
      else fail(new NoAnswer());
    };
    const complete = (reusable: boolean): void => {
      if (over) return;
      finish();
      const keeps = reusable && sent && head!.lines.every(isPlain) && persists(head!) && persists({ version, lines: request.written?.lines ?? [] });
      if (keeps) free();
      else socket.on('error', () => {}).destroy();
      if (!sent && request.body instanceof Readable) request.body.destroy();
      body!.push(null);
    };
    const onData = (piece: Buffer): void => {
      try {
        if (head === null) readHead(piece);
        else readBody(piece);
      } catch (error) {
        fail(error as Error);
      }
    };
    const readHead = (piece: Buffer): void => {
      unread = unread.length === 0 ? piece : Buffer.concat([unread, piece]);
      for (;;) {
        const end = endOfHead(unread, searched);
        if (end < 0 || end > limits.maxHeaderBytes) {
          searched = Math.max(0, unread.length - 2);
          if (unread.length > limits.maxHeaderBytes || !begins(unread)) throw new FramingError('what came is no head of HTTP/1.1');
          return;
        }
        const bytes = unread.subarray(0, end);
        const read = readAnswerHead(bytes);
        if (read === null || read.status === 101) throw new FramingError(read === null ? 'what came is no head of HTTP/1.1' : 'it switched protocols unasked');
        unread = unread.subarray(end);
        searched = 0;
        if (read.status >= 200) return begin(read);
        interim += 1;
        if (interim > MAX_INTERIM) throw new FramingError('too many interim answers');
        request.written?.interim(bytes);
      }
    };
    const begin = (read: AnswerHead): void => {
      const framing = answerFraming(read, request.method);
      if ('problem' in framing) throw new FramingError(framing.problem);
      if (framing.body === 'chunked' && membersOf(read.lines, 'content-length').length > 0) throw new FramingError('both Content-Length and Transfer-Encoding');
      head = read;
      scanner = new BodyScanner(framing, false);
      const { trailers } = scanner;
      const hops = oneConnection(read.lines);
      // What is coded besides being chunked is nobody else's to read or keep.
      if (membersOf(read.lines, 'transfer-encoding').some((coding) => coding !== 'chunked')) hops.delete('transfer-encoding');
      const fields = fieldsOf(read.lines, (name) => hops.has(name));
      socket.setTimeout(limits.idleMs);
      body = new Readable({
        highWaterMark: 64 * 1024,
        read: () => void (over || socket.resume()),
        destroy(error, done) {
          if (!over) {
            finish();
            socket.on('error', () => {}).destroy();
            if (request.body instanceof Readable && !sent) request.body.destroy();
          }
          done(error);
        },
      });
      const length = framing.body === 'none' && membersOf(read.lines, 'content-length').length > 0 ? 'length' : framing.body;
      resolve({ status: read.status, fields, body, written: { version: read.version, lines: read.lines, fields, statusLine: read.statusLine, framing: length, trailers: () => trailers } });
      const rest = unread;
      unread = NOTHING;
      if (scanner.done) complete(rest.length === 0);
      else if (rest.length > 0) readBody(rest);
    };
    const readBody = (piece: Buffer): void => {
      const { data, end } = scanner!.scan(piece);
      let wanted = true;
      for (const one of data) wanted = body!.push(one) && wanted;
      if (end !== null) complete(end === piece.length);
      else if (!wanted) socket.pause();
    };

    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.setTimeout(limits.headersMs);
    socket.on('data', onData).on('end', onEnd).on('error', fail).on('close', onEnd).on('timeout', onTimeout);
    const first = headBytes(`${request.method} ${target} HTTP/${version}`, lines);
    if (request.body === null || Buffer.isBuffer(request.body)) {
      const bytes = request.written?.framedBody ?? request.body;
      socket.write(bytes === null || bytes.length === 0 ? first : Buffer.concat([first, bytes]));
      sent = true;
      return;
    }
    socket.write(first);
    const chunked = lines.some((line) => /^transfer-encoding[ \t]*:/i.test(line));
    sendStream(socket, request.body, chunked, () => over).then(
      () => (sent = true),
      (error: unknown) => fail(error as Error),
    );
  });
}

async function sendStream(socket: Socket, body: Readable, chunked: boolean, over: () => boolean): Promise<void> {
  for await (const piece of body as AsyncIterable<Buffer>) {
    if (over()) return;
    if (piece.length === 0) continue;
    const framed = chunked ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, CRLF]) : piece;
    if (!socket.write(framed)) await drained(socket);
  }
  if (chunked && !over()) socket.write(LAST_CHUNK);
}

const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
    if (socket.destroyed) done();
  });
}

function wholly({ lines, target, version }: ReturnType<typeof outline>, { url }: WebRequest, asked: ByProxy): ReturnType<typeof outline> {
  const origin = /^https?:\/\/[^/?#]+/i.exec(url)![0];
  return { lines: [...lines, ...asked.lines], target: target === '*' ? origin : origin + target, version };
}

/** How the request is written. Without a pattern it is our own: then what it says is what `fields` say. */
function outline({ method, url, fields, body, written }: WebRequest): { lines: string[]; target: string; version: '1.0' | '1.1' } {
  if (written !== undefined) return { lines: asWritten(written.lines, written.fields, fields), target: written.target, version: written.version };
  const parts = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(url)!;
  const path = parts[2]!.startsWith('/') ? parts[2]! : `/${parts[2]}`;
  return { lines: generatedLines(parts[1]!, method, fields, body), target: path, version: '1.1' };
}

/** Where a line was odd, another reader may have seen another end: such a connection is not used again. */
function isPlain({ name }: { name: string }): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name);
}

/** So that what will never be a head is not waited for. */
function begins(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 7).toString('latin1');
  return 'HTTP/1.'.startsWith(start) || start.startsWith('HTTP/1.');
}
