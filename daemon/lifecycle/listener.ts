import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { ROUTES } from '../contract/routes.ts';
import { serverOptions } from '../gateway/limits.ts';
import { problemAnswer, writePlain, type PlainAnswer } from '../http/plain.ts';
import type { Fetch } from './door.ts';

/** What is asked of the port besides the daemon's own routes: the forward proxy's part. */
export interface Proxy {
  /** False: it is for the daemon itself. */
  request(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  connect(incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, server: Server): void;
  clientError(error: Error, socket: Duplex): void;
}

/** Who answers once the ledger is open. */
export interface Serving {
  /** It comes out of a client's sandbox. False at once where that needs no look. Never rejects. */
  confined(connection: Socket): false | Promise<boolean>;
  /** One event of the client's hooks: the path of every tool call. Never rejects. */
  hook(incoming: IncomingMessage): Promise<PlainAnswer>;
  proxy: Proxy;
}

export interface ListenerOptions {
  door: Fetch;
  /** null while the daemon starts or ends: then the door says so. */
  serving(): Serving | null;
  /** True while it ends: a connection that is kept would go on talking to it after another daemon has taken the port. */
  leaving(): boolean;
}

/** One port for all: the forward proxy is asked first, then the client's hooks, which skip every layer they can, then the door. */
export function createListener({ door, serving, leaving }: ListenerOptions): Server {
  const toDoor = getRequestListener(async (request, env) => {
    const answer = await door(request, env);
    if (leaving()) answer.headers.set('connection', 'close');
    return answer;
  });
  const server = createServer(serverOptions(), (incoming, outgoing) => {
    const now = serving();
    if (now?.proxy.request(incoming, outgoing) === true) return;
    const confined = now?.confined(incoming.socket) ?? false;
    if (confined === false) return answerOwn(now, incoming, outgoing);
    void confined.then((yes) => {
      if (!yes) return answerOwn(serving(), incoming, outgoing);
      incoming.resume();
      writePlain(outgoing, CONFINED);
    });
  });

  function answerOwn(now: Serving | null, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const answer = now !== null && incoming.url === ROUTES.hook && incoming.method === 'POST' ? now.hook(incoming) : null;
    if (answer === null) return void toDoor(incoming, outgoing);
    void answer.then((plain) => {
      if (leaving()) outgoing.setHeader('connection', 'close');
      writePlain(outgoing, plain);
    });
  }

  server.on('connect', (incoming, socket, head) => (serving()?.proxy.connect ?? unavailable)(incoming, socket, head));
  server.on('upgrade', (incoming, socket, head) => (serving()?.proxy.upgrade ?? unavailable)(incoming, socket, head, server));
  server.on('clientError', (error, socket) => (serving()?.proxy.clientError ?? broken)(error, socket));
  return server;
}

/** What the daemon is asked it answers, or does, outside of the sandbox; and there a hook's event would be the client's. */
const CONFINED = problemAnswer(403, 'FORBIDDEN', 'a sandbox leads through pag0 and not to it, so nothing was done');

function unavailable(_: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => {});
  socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
}

function broken(_: Error, socket: Duplex): void {
  socket.destroy();
}
