import type { Socket } from 'node:net';
import { BodyScanner } from '../http1/body-scanner.ts';
import { answerFraming } from '../http1/framing.ts';
import { endOfHead, headBytes, membersOf, readAnswerHead, valuesOf, type RequestHead } from '../http1/head.ts';
import type { Client } from './client.ts';
import { breakOff } from './failure.ts';
import type { Destination } from './head.ts';
import { join } from './tunnel.ts';

/**
 * A whole handshake (RFC 6455, section 4.1). Everything else that can be asked for with `Upgrade` may be ignored (RFC 9110,
 * section 7.8), and is: `h2c` above all, and a request that only says the word.
 */
export function isWebSocket({ method, lines }: RequestHead): boolean {
  const bodiless = valuesOf(lines, 'transfer-encoding').length === 0 && Number(valuesOf(lines, 'content-length')[0] ?? 0) === 0;
  const keyed = /^[A-Za-z0-9+/]{22}==$/.test(valuesOf(lines, 'sec-websocket-key').join()) && valuesOf(lines, 'sec-websocket-version').join() === '13';
  return method === 'GET' && valuesOf(lines, 'upgrade').join().toLowerCase() === 'websocket' && membersOf(lines, 'connection').includes('upgrade') && keyed && bodiless;
}

const UPGRADE = /^(upgrade|http2-settings)$/i;

/** Where another protocol could not be looked at, none is asked for: it is the ordinary request that it also is. */
export function withoutUpgrade(head: RequestHead): RequestHead {
  if (!head.lines.some(({ name }) => name === 'upgrade')) return head;
  const lines = head.lines.flatMap((line) => {
    if (UPGRADE.test(line.name)) return [];
    if (line.name !== 'connection') return [line];
    const value = line.value.split(',').map((one) => one.trim()).filter((one) => !UPGRADE.test(one)).join(', ');
    return value === '' ? [] : [{ name: line.name, value, text: `Connection: ${value}` }];
  });
  return { ...head, lines };
}

/** Longest head of an answer. */
const MAX_HEAD = 300 * 1024;

/**
 * Asks the server for the WebSocket, on a line of its own, and joins the two connections once it agreed. Until then nothing but
 * this one request passes: a server that only answers would otherwise leave an open line past the governor. Its answer is passed
 * back, for the request was weighed before, and is the last on this connection.
 */
export function passUpgrade(client: Client, far: Socket, head: RequestHead, to: Destination, idleMs: number): void {
  let unread: Buffer = Buffer.alloc(0);
  let scanner: BodyScanner | null = null;
  const gone = (): void => void far.destroy();
  client.socket.once('close', gone);
  const over = (): void => {
    far.off('data', onData).off('end', onEnd).off('error', onError);
    client.socket.off('close', gone);
  };
  const finish = (): void => {
    over();
    far.on('error', () => {}).destroy();
    client.end();
  };
  const onEnd = (): void => (scanner?.endsWithConnection === true ? finish() : (over(), client.end()));
  const onError = (error: Error): void => (over(), breakOff(client, error));
  const onData = (piece: Buffer): void => {
    if (scanner !== null) return passBody(scanner, piece);
    unread = Buffer.concat([unread, piece]);
    for (let end = endOfHead(unread, 0); end >= 0; end = endOfHead(unread, 0)) {
      const bytes = unread.subarray(0, end);
      const answer = readAnswerHead(bytes);
      if (answer === null) return finish();
      unread = unread.subarray(end);
      void client.write(bytes);
      if (answer.status === 101) {
        over();
        if (unread.length > 0) void client.write(unread);
        client.source.release();
        return join(client.socket, far, idleMs);
      }
      if (answer.status < 200) continue;
      const framing = answerFraming(answer, head.method);
      if ('problem' in framing) return finish();
      scanner = new BodyScanner(framing, false);
      return scanner.done ? finish() : passBody(scanner, unread);
    }
    if (unread.length > MAX_HEAD) finish();
  };
  const passBody = (body: BodyScanner, piece: Buffer): void => {
    try {
      const { end } = body.scan(piece);
      void client.write(end === null ? piece : piece.subarray(0, end));
      if (end !== null) finish();
    } catch {
      finish();
    }
  };
  far.on('data', onData).on('end', onEnd).on('error', onError);
  far.write(headBytes(`${head.method} ${to.target} HTTP/${head.version}`, head.lines.map(({ text }) => text)));
}
