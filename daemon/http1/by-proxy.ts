import type { Socket } from 'node:net';
import { proxyAuthorization, type ProxyAddress } from '../core/own-proxy.ts';
import { endOfHead, headBytes, readAnswerHead } from './head.ts';

/** Longer than any head of a proxy. */
const MAX_HEAD = 64 * 1024;

/** A proxy's own answer to CONNECT that is no tunnel. */
export class ProxyRefused extends Error {
  readonly code = 'PROXY_REFUSED';
  readonly status: number;
  /** Its head, and what came with it. The connection has the rest. */
  readonly answer: Buffer;
  readonly socket: Socket;

  constructor(status: number, answer: Buffer, socket: Socket) {
    super(`the proxy answered ${status}`);
    this.status = status;
    this.answer = answer;
    this.socket = socket;
  }
}

/** Asks a proxy for a tunnel (RFC 9110, section 9.3.6) on a connection to it; `fields` go with the question. */
export function openTunnel(socket: Socket, proxy: ProxyAddress, to: { host: string; port: number }, fields: readonly string[]): Promise<void> {
  const target = `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`;
  const authorization = proxyAuthorization(proxy);
  socket.write(headBytes(`CONNECT ${target} HTTP/1.1`, [`Host: ${target}`, ...(authorization === null ? [] : [`Proxy-Authorization: ${authorization}`]), ...fields]));
  return new Promise((resolve, reject) => {
    let unread = Buffer.alloc(0);
    const done = (): void => void socket.off('readable', read).off('end', ended).off('close', ended).off('error', failed);
    const failed = (error: Error): void => {
      done();
      reject(error);
    };
    const ended = (): void => failed(Object.assign(new Error('the proxy hung up'), { code: 'PROXY_HUNG_UP' }));
    const read = (): void => {
      for (let piece = socket.read() as Buffer | null; piece !== null; piece = socket.read() as Buffer | null) {
        unread = Buffer.concat([unread, piece]);
        const end = endOfHead(unread, 0);
        if (end < 0 && unread.length <= MAX_HEAD) continue;
        const head = end < 0 ? null : readAnswerHead(unread.subarray(0, end));
        if (head === null) return failed(Object.assign(new Error('what came is no answer of a proxy'), { code: 'PROXY_UNREADABLE' }));
        if (head.status < 200) {
          unread = unread.subarray(end);
          continue;
        }
        done();
        if (head.status > 299) return reject(new ProxyRefused(head.status, unread, socket));
        if (unread.length > end) socket.unshift(unread.subarray(end));
        return resolve();
      }
    };
    socket.on('readable', read).once('end', ended).once('close', ended).once('error', failed);
    read();
  });
}
