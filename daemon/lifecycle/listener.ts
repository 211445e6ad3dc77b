import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { ROUTES } from '../contract/routes.ts';
import { serverOptions } from '../gateway/limits.ts';
import { problemAnswer, writePlain, type PlainAnswer } from '../http/plain.ts';
import type { Fetch } from './door.ts';

/** What is asked of the port besides the daemon's own routes: the proxies' part. */
export interface Proxy {
  /** Of what the daemon itself is asked, the proxy of MCP servers. False: it is for nobody but the daemon. */
  request(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  /** A connection. `own` gets it where it is for the daemon itself. */
  accept(socket: Socket, own: (socket: Socket) => void): void;
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
    const wait = serving() === null && incoming.url === ROUTES.hook ? opened(HOOK_WAITS_MS) : null;
    if (wait === null) answer(incoming, outgoing);
    else void wait.then(() => answer(incoming, outgoing));
  });

  /**
   * A client's event that comes while the ledger is being opened is heard when it is: turned away it would be lost. The daemon's own
   * callers wait by themselves, and want to know how far it is. null: nothing is to be waited for.
   */
  function opened(limitMs: number): Promise<unknown> | null {
    const wait = opening();
    if (wait === null) return null;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, limitMs)));
    return Promise.race([wait, late]).finally(() => clearTimeout(timer));
  }

  function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const now = serving();
    // What is led through us is taken before it comes here; on a connection that speaks to the daemon itself nothing is.
    if (incoming.url?.startsWith('/') !== true && incoming.url !== '*') return turnAway(incoming, outgoing);
    if (now?.proxy.request(incoming, outgoing) === true) return;
    const confined = now?.confined(incoming.socket) ?? false;
    if (confined === false) return answerOwn(now, incoming, outgoing);
    void confined.then((yes) => {
      if (!yes) return answerOwn(serving(), incoming, outgoing);
      incoming.resume();
      writePlain(outgoing, CONFINED);
    });
  }

  function turnAway(incoming: IncomingMessage, outgoing: ServerResponse): void {
    incoming.resume();
    outgoing.setHeader('connection', 'close');
    writePlain(outgoing, MISDIRECTED);
  }

  function answerOwn(now: Serving | null, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const answer = now !== null && incoming.url === ROUTES.hook && incoming.method === 'POST' ? now.hook(incoming) : null;
    if (answer === null) return void toDoor(incoming, outgoing);
    void answer.then((plain) => {
      if (leaving()) outgoing.setHeader('connection', 'close');
      writePlain(outgoing, plain);
    });
  }

  const [toOwn] = server.listeners('connection') as [(socket: Socket) => void];
  const own = (socket: Socket): void => toOwn.call(server, socket);
  const accept = (socket: Socket): void => {
    const now = serving();
    if (now === null) void whileAway(socket);
    else now.proxy.accept(socket, own);
  };
  server.removeListener('connection', toOwn).on('connection', accept);

  /** While it starts the door answers for itself. What is led through it waits, as on a slow connection. */
  async function whileAway(socket: Socket): Promise<void> {
    socket.on('error', () => {});
    const begun = await firstBytes(socket);
    if (begun === null) return void socket.destroy();
    socket.unshift(begun);
    if (!FOR_PROXY.test(begun.subarray(0, 64).toString('latin1'))) return own(socket);
    await opened(PROXY_WAITS_MS);
    if (socket.destroyed) return;
    if (serving() === null) socket.destroy();
    else accept(socket);
  }

  return server;
}

/** Below the shortest time that a client gives its http hooks. */
const HOOK_WAITS_MS = 4_000;
/** Programs wait longer for a connection than that. */
const PROXY_WAITS_MS = 10_000;
const FOR_PROXY = /^(CONNECT |[^ ]+ https?:\/\/)/i;

function firstBytes(socket: Socket): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const read = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes !== null) done(bytes);
    };
    const ended = (): void => done(null);
    const done = (bytes: Buffer | null): void => {
      socket.off('readable', read).off('end', ended).off('close', ended);
      resolve(bytes);
    };
    socket.on('readable', read).once('end', ended).once('close', ended);
  });
}

const MISDIRECTED = problemAnswer(400, 'BAD_REQUEST', 'what is led through pag0 needs a connection of its own');

/** What the daemon is asked it answers, or does, outside of the sandbox; and there a hook's event would be the client's. */
const CONFINED = problemAnswer(403, 'FORBIDDEN', 'a sandbox leads through pag0 and not to it, so nothing was done');
