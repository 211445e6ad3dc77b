import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import type { Authority } from './authority.ts';
import { serverOptions, type GatewayLimits } from './limits.ts';
import { badRequest, endWithProblem, writeProblem } from './problem-answer.ts';
import type { GatewayLog } from './serve.ts';
import { answerUnreadable } from './unreadable.ts';

export interface InterceptParts<Context extends { authority: Authority }> {
  limits: GatewayLimits;
  log: GatewayLog;
  contextFor(host: string): Promise<SecureContext>;
  request(incoming: IncomingMessage, outgoing: ServerResponse, context: Context): void;
  upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer, context: Context, server: Server): void;
}

export interface Interceptor<Context> {
  /** A client that was told its tunnel stands. TLS is ended here; a client that speaks plain HTTP in a tunnel is understood, too. */
  accept(socket: Socket, head: Buffer, context: Context): void;
  close(): void;
}

/** The first byte of every TLS connection: a handshake record (RFC 8446, section 5.1). */
const HANDSHAKE = 0x16;

export function createInterceptor<Context extends { authority: Authority }>(parts: InterceptParts<Context>): Interceptor<Context> {
  const contexts = new WeakMap<Socket, Context>();
  const answering = new WeakMap<Socket, ServerResponse>();
  const server = createServer({ ...serverOptions(parts.limits), keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
    const context = contexts.get(incoming.socket)!;
    answering.set(incoming.socket, outgoing);
    if (incoming.socket instanceof TLSSocket && !namesItsHost(incoming.socket, context.authority)) {
      outgoing.setHeader('connection', 'close');
      return writeProblem(outgoing, badRequest('TLS names another host than the tunnel', 421));
    }
    parts.request(incoming, outgoing, context);
  });
  server.on('upgrade', (incoming, socket, head) => parts.upgrade(incoming, socket as Socket, head, contexts.get(socket as Socket)!, server));
  server.on('connect', (_incoming, socket) => endWithProblem(socket, badRequest('a tunnel within a tunnel')));
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    // A program that does not know our CA ends here: the log is where its owner finds out.
    const host = contexts.get(socket as Socket)?.authority.host ?? '';
    if (error.code?.startsWith('ERR_SSL_') === true) parts.log.info('a client ended TLS', { host, code: error.code });
    answerUnreadable(error, socket as Socket, answering.get(socket as Socket));
  });
  // It never listens. Node only starts to look for slow clients when it would.
  server.emit('listening');

  async function accept(socket: Socket, head: Buffer, context: Context): Promise<void> {
    const first = head.length > 0 ? head : await firstBytes(socket, parts.limits.headMs);
    if (first === null) return void socket.destroy();
    socket.unshift(first);
    const secure = first[0] === HANDSHAKE;
    const secureContext = secure ? await parts.contextFor(context.authority.host) : null;
    if (socket.destroyed) return;
    const speaking = secureContext === null ? socket : new TLSSocket(socket, { isServer: true, ALPNProtocols: ['http/1.1'], secureContext });
    contexts.set(speaking, { ...context, authority: { ...context.authority, secure } });
    speaking.once('close', () => socket.destroy());
    server.emit('connection', speaking);
  }

  return {
    accept(socket, head, context) {
      accept(socket, head, context).catch((error: unknown) => {
        parts.log.error('a tunnel could not be looked into', error, { host: context.authority.host });
        socket.destroy();
      });
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const KEEP_ALIVE_MS = 60_000;

/** The tunnel's host decides; a client that says another one to TLS is hiding where it goes (RFC 6066, section 3). Addresses are not named. */
function namesItsHost(socket: TLSSocket, { host }: Authority): boolean {
  const named = (socket as TLSSocket & { servername?: string | false }).servername;
  return typeof named !== 'string' || named === '' || named.toLowerCase() === host;
}

function firstBytes(socket: Socket, ms: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(null), ms);
    const read = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes !== null) done(bytes);
    };
    const ended = (): void => done(null);
    const done = (bytes: Buffer | null): void => {
      clearTimeout(timer);
      socket.off('readable', read).off('end', ended).off('close', ended);
      resolve(bytes);
    };
    socket.on('readable', read).once('end', ended).once('close', ended);
  });
}
