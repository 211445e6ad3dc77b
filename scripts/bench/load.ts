import { connect, type Socket } from 'node:net';

/**
 * A load generator that costs little: raw sockets with one request in flight each, bytes prepared beforehand. With a
 * general client most of the time would be the client's own, and every ratio between two servers would drift towards 1.
 */
export interface Load {
  port: number;
  method: 'GET' | 'POST';
  /** As it goes on the request line: an absolute URL for a proxy. `${ID}` as in the body. */
  path: string;
  fields?: Readonly<Record<string, string>>;
  /** A body per request; `${ID}` in it is replaced by a number of twelve digits that never repeats. */
  body?: string;
  connections: number;
  seconds: number;
}

export interface LoadResult {
  requests: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Answers whose body held this text, by text: a benchmark of refusals is not one of decisions. */
  matched: number;
  failed: number;
}

export const ID = '000000000000';
let ids = Date.now() * 1_000;

export function nextId(): string {
  ids += 1;
  return String(ids).slice(-12).padStart(12, '0');
}

export async function load(options: Load, expected: string): Promise<LoadResult> {
  const latencies: number[] = [];
  const tally = { matched: 0, failed: 0 };
  const until = performance.now() + options.seconds * 1_000;
  const began = performance.now();
  await Promise.all(Array.from({ length: options.connections }, () => caller(options, expected, until, latencies, tally)));
  const took = (performance.now() - began) / 1_000;
  latencies.sort((a, b) => a - b);
  return { requests: latencies.length, perSecond: latencies.length / took, p50: at(latencies, 0.5), p99: at(latencies, 0.99), ...tally };
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** One connection: asks, waits, asks again, until the time is up. */
function caller(options: Load, expected: string, until: number, latencies: number[], tally: { matched: number; failed: number }): Promise<void> {
  const template = requestBytes(options);
  const idAt = template.indexOf(ID);
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(options.port, '127.0.0.1');
    socket.setNoDelay(true);
    let sent = 0;
    let text = '';
    const ask = (): void => {
      if (idAt >= 0) template.write(nextId(), idAt, 'latin1');
      sent = performance.now();
      socket.write(template);
    };
    socket.on('connect', ask);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!complete(text)) return;
      latencies.push(performance.now() - sent);
      if (!text.startsWith('HTTP/1.1 200')) tally.failed += 1;
      else if (text.endsWith(expected)) tally.matched += 1;
      text = '';
      if (performance.now() < until) ask();
      else socket.end();
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
}

function requestBytes({ port, method, path, fields = {}, body = '' }: Load): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, 'connection: keep-alive', ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)];
  if (method === 'POST') head.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function complete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end));
  return length !== null && text.length >= end + 4 + Number(length[1]);
}
