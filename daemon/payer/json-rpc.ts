import { Readable } from 'node:stream';
import type { Upstream, WebAnswer } from '../ports.ts';

const MAX_BYTES = 256 * 1024;

/** A node that was chosen, with the time it has left. */
export type Call = (method: string, ...params: unknown[]) => Promise<unknown>;

/** One call over HTTP (JSON-RPC 2.0). Rejects when the node gives no result; nobody reads why. */
export async function jsonRpc(upstream: Upstream, url: string, call: { method: string; params: readonly unknown[] }, signal: AbortSignal): Promise<unknown> {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...call }));
  const fields = { 'content-type': 'application/json', accept: 'application/json', 'accept-encoding': 'identity', 'content-length': String(body.length) };
  const answer = await upstream.send({ method: 'POST', url, fields, body }, signal);
  const read = JSON.parse((await whole(answer.body)).toString('utf8')) as { result?: unknown; error?: unknown } | null;
  // Some nodes give an error with status 200, some a result beside a null error.
  if (answer.status !== 200 || read?.result === undefined || read.result === null || (read.error ?? null) !== null) throw new Error('no result');
  return read.result;
}

async function whole(body: WebAnswer['body']): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of Buffer.isBuffer(body) ? [body] : (body satisfies Readable as AsyncIterable<Buffer>)) {
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new Error('too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
