import type { Socket } from 'node:net';
import { openConnection, type Way } from './connection.ts';

/**
 * A load generator that costs little: raw sockets with one request in flight each, bytes prepared beforehand. With a
 * general client most of the time would be the client's own, and every ratio between two servers would drift towards 1.
 */
export interface Load extends Way {
  method: 'GET' | 'POST';
  /** As it goes on the request line: an absolute URL for a proxy. `${ID}` as in the body. */
  path: string;
  /** Of the server, where the port is a proxy's. */
  host?: string;
  fields?: Readonly<Record<string, string>>;
  /** A body per request; `${ID}` in it is replaced by a number of twelve digits that never repeats. */
  body?: string;
  connections: number;
  seconds: number;
  /** No more than these in all. */
  requests?: number;
  /** What every answer ends with, and what stands in its head: a benchmark of refusals is not one of decisions. */
  expected: string;
  mark?: string;
}

export interface LoadResult {
  requests: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

export const ID = '000000000000';
let ids = Date.now() * 1_000;

export function nextId(): string {
  ids += 1;
  return String(ids).slice(-12).padStart(12, '0');
}

/** The connections stand before the time begins: what is compared is requests on connections that are kept. */
export async function load(options: Load): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: options.connections }, () => openConnection(options)));
  const latencies: number[] = [];
  const began = performance.now();
  const until = began + options.seconds * 1_000;
  let left = options.requests ?? Number.POSITIVE_INFINITY;
  const another = (): boolean => performance.now() < until && (left -= 1) >= 0;
  await Promise.all(sockets.map((socket) => caller(socket, options, another, latencies)));
  const took = (performance.now() - began) / 1_000;
  latencies.sort((a, b) => a - b);
  return { requests: latencies.length, perSecond: latencies.length / took, p50: at(latencies, 0.5), p99: at(latencies, 0.99) };
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** One connection: asks, waits, asks again, as long as there is `another`. An answer that is not what it should be ends it all. */
function caller(socket: Socket, options: Load, another: () => boolean, latencies: number[]): Promise<void> {
  const template = requestBytes(options);
  const idAt = template.indexOf(ID);
  return new Promise((resolve, reject) => {
    let sent = 0;
    let text = '';
    let waiting = false;
    const ask = (): void => {
      waiting = another();
      if (!waiting) return void socket.end();
      if (idAt >= 0) template.write(nextId(), idAt, 'latin1');
      sent = performance.now();
      socket.write(template);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!complete(text)) return;
      latencies.push(performance.now() - sent);
      if (!isExpected(text, options)) {
        socket.destroy();
        return reject(new Error(`${options.method} ${options.path} was answered with\n${text}`));
      }
      text = '';
      ask();
    });
    socket.on('close', () => (waiting ? reject(new Error(`${options.path}: the connection ended before its answer`)) : resolve()));
    socket.on('error', reject);
    ask();
  });
}

function isExpected(text: string, { expected, mark = '' }: Load): boolean {
  return text.startsWith('HTTP/1.1 200') && text.endsWith(expected) && text.includes(mark);
}

function requestBytes({ port, host = `127.0.0.1:${port}`, method, path, fields = {}, body = '' }: Load): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `host: ${host}`, 'connection: keep-alive', ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)];
  if (method === 'POST') head.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function complete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end));
  return length !== null && text.length >= end + 4 + Number(length[1]);
}
