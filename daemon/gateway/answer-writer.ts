import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import { asWritten } from '../core/fields.ts';
import { persists } from '../http1/framing.ts';
import { headBytes, type RequestHead } from '../http1/head.ts';
import type { WebAnswer, WrittenAnswer } from '../ports.ts';
import type { Client } from './client.ts';

/**
 * Writes an answer as it came: its lines, and its way to tell where the body ends. False: the connection ends with it. Rejects
 * where the body broke; then part of it is written. The head leaves at once, so that events are seen when they happen.
 */
export async function writeAnswer(client: Client, request: RequestHead, answer: WebAnswer): Promise<boolean> {
  const { head, framing, goesOn } = headOf(request, answer);
  const { body } = answer;
  if (framing === 'none' || bodiless(request.method, answer.status)) {
    if (!Buffer.isBuffer(body)) body.on('error', () => {}).resume();
    await client.write(head);
    return goesOn;
  }
  if (Buffer.isBuffer(body)) {
    await client.write(Buffer.concat([head, framing === 'chunked' ? chunkOf(body) : body, framing === 'chunked' ? lastChunk(answer) : NOTHING]));
    return goesOn;
  }
  await writeStream(client, head, body, framing === 'chunked');
  if (framing === 'chunked') await client.write(lastChunk(answer));
  return goesOn;
}

const NOTHING = Buffer.alloc(0);

async function writeStream(client: Client, head: Buffer, body: Readable, chunked: boolean): Promise<void> {
  const { socket } = client;
  const closed = (): void => void body.destroy(new Error('the client went away'));
  socket.once('close', closed);
  // Together with what is here of the body, so that a short answer leaves in one piece.
  socket.cork();
  setImmediate(() => socket.uncork());
  try {
    void client.write(head);
    for await (const piece of body as AsyncIterable<Buffer>) await client.write(chunked ? chunkOf(piece) : piece);
  } finally {
    socket.off('close', closed);
  }
}

function chunkOf(piece: Buffer): Buffer {
  return piece.length === 0 ? piece : Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, CRLF]);
}

function lastChunk({ written }: WebAnswer): Buffer {
  const trailers = written?.trailers() ?? [];
  return Buffer.from(`0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
}

const CRLF = Buffer.from('\r\n');

function bodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

interface Head {
  head: Buffer;
  framing: WrittenAnswer['framing'];
  goesOn: boolean;
}

function headOf(request: RequestHead, answer: WebAnswer): Head {
  const { written, fields, body } = answer;
  if (written === undefined) return ownHead(request, answer);
  const lines = asWritten(written.lines, written.fields, fields);
  // Nobody has changed its body, but some answers were read before they are passed on.
  const framing = written.framing === 'length' && Buffer.isBuffer(body) && body.length === 0 ? 'none' : written.framing;
  const goesOn = persists(request) && persists(written) && framing !== 'close';
  return { head: headBytes(written.statusLine, checked(lines)), framing, goesOn };
}

/** Of an answer that was kept, or made here. */
function ownHead(request: RequestHead, { status, fields, body, spelling }: WebAnswer): Head {
  const letters = new Map(spelling?.names.map((name) => [name.toLowerCase(), name]));
  const line = (name: string, value: string): string => `${letters.get(name) ?? name}: ${value}`;
  // What is here has a length; of a 304 and to HEAD it is that of what is not (RFC 9110, section 8.6), and a 204 has none.
  const length = Buffer.isBuffer(body) && !bodiless(request.method, status) ? String(body.length) : null;
  const lines: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'content-length' && (status === 204 || length !== null)) {
      if (length !== null) lines.push(line(name, length));
      continue;
    }
    for (const one of typeof value === 'string' ? [value] : value) lines.push(line(name, one));
  }
  if (length !== null && fields['content-length'] === undefined) lines.push(line('content-length', length));
  let framing: Head['framing'] = 'length';
  if (!Buffer.isBuffer(body) && fields['content-length'] === undefined) {
    framing = request.version === '1.1' ? 'chunked' : 'close';
    if (framing === 'chunked' && !bodiless(request.method, status)) lines.push('transfer-encoding: chunked');
  }
  const goesOn = persists(request) && framing !== 'close';
  if (!goesOn) lines.push('connection: close');
  else if (request.version === '1.0') lines.push('connection: keep-alive');
  const reason = spelling?.reason ?? STATUS_CODES[status] ?? '';
  return { head: headBytes(`HTTP/1.1 ${status}${reason === '' ? '' : ` ${reason}`}`, checked(lines)), framing, goesOn };
}

/** No value ends its line, whoever made it. A folded line is one that came so. */
function checked(lines: string[]): string[] {
  // eslint-disable-next-line no-control-regex
  const wrong = lines.find((line) => /[\r\n\0]/.test(line.replace(/\r\n(?=[ \t])/g, '')));
  if (wrong !== undefined) throw new TypeError('a field holds a line end');
  return lines;
}
