import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { HOST, type Signed } from './test-ca.ts';

/** Who is asked in the end: an API on this machine. */
export interface Seller {
  /** `localhost:port` */
  authority: string;
  port: number;
  close(): void;
}

/** What `…/doc` is answered with. */
export const DOCUMENT = JSON.stringify({ text: 'a short document, as an API gives it' });
/** What `…/page` is answered with: 4 kB. */
export const PAGE = JSON.stringify({ text: 'a page of a search '.repeat(215) });

/** `…/bytes/<n>` is made while it is sent. */
export async function startSeller(signed: Signed | null): Promise<Seller> {
  const server: Server = signed === null ? createServer(answer) : createSecureServer({ key: signed.key, cert: signed.certificate }, answer);
  // No proxy is to meet a connection that ends just now.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    authority: `${HOST}:${port}`,
    port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const bytes = /\/bytes\/(\d+)/.exec(request.url ?? '')?.[1];
  if (bytes !== undefined) {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
    return void Readable.from(zeros(Number(bytes)), { objectMode: false }).pipe(response);
  }
  const text = request.url?.includes('/page') === true ? PAGE : DOCUMENT;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
  response.end(text);
}

function* zeros(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024);
  for (let left = bytes; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
}
