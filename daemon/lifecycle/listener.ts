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
  /** Resolves when a daemon that starts has got as far as it will; null: it has. Never rejects. */
  opening(): Promise<void> | null;
  /** True while it ends: a connection that is kept would go on talking to it after another daemon has taken the port. */
  leaving(): boolean;
}

/** One port for all: the forward proxy is asked first, then the client's hooks, which skip every layer they can, then the door. */
export function createListener({ door, serving, opening, leaving }: ListenerOptions): Server {
  const toDoor = getRequestListener(async (request, env) => {
    const answer = await door(request, env);
    if (leaving()) answer.headers.set('connection', 'close');
    return answer;
  });
  const server = createServer(serverOptions(), (incoming, outgoing) => {
    const wait = serving() === null && isWorth(incoming) ? opened() : null;
    if (wait === null) answer(incoming, outgoing);
    else void wait.then(() => answer(incoming, outgoing));
  });

  /**
   * Whoever comes while the ledger is being opened is heard when it is, and not turned away: a client's event would be lost, and
   * a program's request would fail that had nothing to do with it. null: nothing is to be waited for.
   */
  function opened(): Promise<unknown> | null {
    const wait = opening();
    if (wait === null) return null;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, OPENING_MS)));
    return Promise.race([wait, late]).finally(() => clearTimeout(timer));
  }

  function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const now = serving();
    if (now?.proxy.request(incoming, outgoing) === true) return;
    const confined = now?.confined(incoming.socket) ?? false;
    if (confined === false) return answerOwn(now, incoming, outgoing);
    void confined.then((yes) => {
      if (!yes) return answerOwn(serving(), incoming, outgoing);
      incoming.resume();
      writePlain(outgoing, CONFINED);
    });
  }

  function answerOwn(now: Serving | null, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const answer = now !== null && incoming.url === ROUTES.hook && incoming.method === 'POST' ? now.hook(incoming) : null;
    if (answer === null) return void toDoor(incoming, outgoing);
    void answer.then((plain) => {
      if (leaving()) outgoing.setHeader('connection', 'close');
      writePlain(outgoing, plain);
    });
  }

  /** Node has let go of the connection: until somebody takes it over, an error of it would be nobody's. */
  function handOver(socket: Duplex, take: () => void): void {
    const wait = serving() === null ? opened() : null;
    if (wait === null) return take();
    const broke = (): void => void socket.destroy();
    socket.on('error', broke);
    void wait.then(() => {
      if (socket.destroyed) return;
      take();
      socket.off('error', broke);
    });
  }

  server.on('connect', (incoming, socket, head) => handOver(socket, () => (serving()?.proxy.connect ?? unavailable)(incoming, socket, head)));
  server.on('upgrade', (incoming, socket, head) => handOver(socket, () => (serving()?.proxy.upgrade ?? unavailable)(incoming, socket, head, server)));
  server.on('clientError', (error, socket) => (serving()?.proxy.clientError ?? broken)(error, socket));
  return server;
}

/** Below the shortest time that a client gives its http hooks. */
const OPENING_MS = 4_000;

/** The client's events and what goes through the proxy; the daemon's own callers wait by themselves, and want to know how far it is. */
function isWorth({ url = '' }: IncomingMessage): boolean {
  return url === ROUTES.hook || !url.startsWith('/');
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
