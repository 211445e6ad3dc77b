import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Refusal } from '../core/errors.ts';
import type { Asker, Governor, Passage, Upstream } from '../ports.ts';
import { connectAuthority, isOwn, originOf, type Authority, type Destination } from './authority.ts';
import { createPseudonym, requestFields } from './fields.ts';
import { absoluteTarget, headProblem, targetWithin } from './head.ts';
import { createInterceptor } from './intercept.ts';
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';
import { badRequest, endWithProblem, expectedProblem, LOOP, refused, UNEXPECTED, writeProblem, type GatewayProblem } from './problem-answer.ts';
import { serve, type Exchange, type GatewayLog } from './serve.ts';
import { openTunnel } from './tunnel.ts';
import { answerUnreadable } from './unreadable.ts';
import { isWebSocket, passUpgrade, readAgain } from './upgrade.ts';

export interface GatewayOptions {
  governor: Governor;
  upstream: Upstream;
  /** The certificate that TLS for a host is ended with. */
  contextFor(host: string): Promise<SecureContext>;
  /** The daemon's own port. */
  port: number;
  log: GatewayLog;
  limits?: Partial<GatewayLimits>;
  /** Whom WebSockets trust; the upstream has its own. Undefined: Node's own choice. */
  trust?: () => SecureContext;
}

/** A forward proxy (RFC 9110, section 3.7) on the daemon's own server, which asks it first about everything. */
export interface Gateway {
  /** False: it is for the daemon itself, and `incoming.url` says what for in origin-form. */
  request(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  connect(incoming: IncomingMessage, socket: Socket, head: Buffer): void;
  /** `server`: who reads the request again where nothing is to be upgraded. */
  upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer, server: Server): void;
  clientError(error: Error, socket: Socket): void;
  /** Ends every tunnel at once. */
  close(): void;
}

/** What is known since the tunnel was asked for. Who asks is found out anew for every request inside: a session may have ended. */
interface Ended {
  shown: string | undefined;
  connection: Socket;
  authority: Authority;
  refusal: Refusal | null;
}

type Asking = { asker: Asker | null } | { problem: GatewayProblem };
type Decided = { asker: Asker | null; passage: Passage } | { problem: GatewayProblem };

export function createGateway(options: GatewayOptions): Gateway {
  const { governor, upstream, log, port } = options;
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const pseudonym = createPseudonym();
  const sockets = new Set<Socket>();
  const answering = new WeakMap<Socket, ServerResponse>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const serving = { limits, pseudonym, log };
  const upgrading = { limits, pseudonym, track, trust: options.trust };
  const interceptor = createInterceptor<Ended>({ limits, log, contextFor: options.contextFor, request: requestWithin, upgrade: upgradeWithin });

  async function orProblem<T>(host: string, decide: () => Promise<T>): Promise<T | { problem: GatewayProblem }> {
    try {
      return await decide();
    } catch (error) {
      log.error('a passage could not be decided', error, { host });
      return { problem: expectedProblem(error) ?? UNEXPECTED };
    }
  }

  function decide(incoming: IncomingMessage, authority: Authority): Promise<Decided> {
    return orProblem<Decided>(authority.host, async () => {
      const who = await governor.whoAsks(incoming.headers['proxy-authorization'], incoming.socket);
      if ('rejected' in who) return { problem: refused(who.rejected, 407) };
      return { asker: who.asker, passage: await governor.passage(who.asker, authority) };
    });
  }

  /** Inside a tunnel nobody is asked for credentials: 407 is said by proxies, and there we stand for the server. */
  function asksWithin({ shown, connection, authority }: Ended): Promise<Asking> {
    return orProblem<Asking>(authority.host, async () => {
      const who = await governor.whoAsks(shown, connection);
      return 'rejected' in who ? { problem: refused(who.rejected, 403) } : who;
    });
  }

  /** The head of a request to the proxy itself. null: it is for the daemon. */
  function proxied(incoming: IncomingMessage): Destination | { problem: GatewayProblem } | null {
    if (pseudonym.signed(incoming.headers.via)) return { problem: LOOP };
    const target = incoming.url ?? '';
    if (target.startsWith('/') || target === '*') return null;
    const wrong = headProblem(incoming, limits.headerFields);
    if (wrong !== null) return { problem: badRequest(wrong) };
    const parsed = absoluteTarget(target);
    if ('problem' in parsed) return { problem: badRequest(parsed.problem) };
    if (!isOwn(parsed.authority, port)) return parsed;
    incoming.url = parsed.path;
    return null;
  }

  function request(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    answering.set(incoming.socket, outgoing);
    const to = proxied(incoming);
    if (to === null) return false;
    if ('problem' in to) answerProblem(incoming, outgoing, to.problem);
    else void passOn(incoming, outgoing, to);
    return true;
  }

  async function passOn(incoming: IncomingMessage, outgoing: ServerResponse, to: Destination): Promise<void> {
    const decided = await decide(incoming, to.authority);
    if (outgoing.destroyed) return;
    if ('problem' in decided) return answerProblem(incoming, outgoing, decided.problem);
    const { asker, passage } = decided;
    if (passage.passage === 'refuse') return answerProblem(incoming, outgoing, refused(passage.refusal));
    const exchange: Exchange = passage.passage === 'look' ? (web, signal) => governor.exchange(asker, web, signal) : async (web, signal) => ({ answer: await upstream.send(web, signal) });
    await serve(serving, incoming, outgoing, to, exchange);
  }

  function connect(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    track(socket);
    const wrong = headProblem(incoming, limits.headerFields);
    if (wrong !== null) return endWithProblem(socket, badRequest(wrong));
    const authority = connectAuthority(incoming.url ?? '');
    if (authority === null) return endWithProblem(socket, badRequest('CONNECT does not name a host and a port'));
    if (isOwn(authority, port) || pseudonym.signed(incoming.headers.via)) return endWithProblem(socket, LOOP);
    void passTunnel(incoming, socket, head, authority);
  }

  async function passTunnel(incoming: IncomingMessage, socket: Socket, head: Buffer, authority: Authority): Promise<void> {
    const decided = await decide(incoming, authority);
    if (socket.destroyed) return;
    if ('problem' in decided) return endWithProblem(socket, decided.problem);
    const { asker, passage } = decided;
    if (passage.passage === 'tunnel') return openTunnel({ limits, port, track }, socket, head, authority);
    const refusal = passage.passage === 'refuse' ? passage.refusal : null;
    // curl shows nobody the body of a refused CONNECT. Who trusts our CA is told inside, where it is read.
    if (refusal !== null && asker === null) return endWithProblem(socket, refused(refusal));
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    interceptor.accept(socket, head, { shown: incoming.headers['proxy-authorization'], connection: socket, authority, refusal });
  }

  function within(incoming: IncomingMessage, { authority, refusal }: Ended): Destination | { problem: GatewayProblem } {
    if (refusal !== null) return { problem: refused(refusal) };
    if (pseudonym.signed(incoming.headers.via)) return { problem: LOOP };
    const wrong = headProblem(incoming, limits.headerFields);
    if (wrong !== null) return { problem: badRequest(wrong) };
    const target = targetWithin(incoming, authority);
    return 'problem' in target ? { problem: badRequest(target.problem, target.misdirected ? 421 : 400) } : { authority, path: target.path };
  }

  function requestWithin(incoming: IncomingMessage, outgoing: ServerResponse, ended: Ended): void {
    const to = within(incoming, ended);
    if ('problem' in to) answerProblem(incoming, outgoing, to.problem);
    else void passWithin(incoming, outgoing, to, ended);
  }

  async function passWithin(incoming: IncomingMessage, outgoing: ServerResponse, to: Destination, ended: Ended): Promise<void> {
    const who = await asksWithin(ended);
    if (outgoing.destroyed) return;
    if ('problem' in who) return answerProblem(incoming, outgoing, who.problem);
    await serve(serving, incoming, outgoing, to, (web, signal) => governor.exchange(who.asker, web, signal));
  }

  function upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer, server: Server): void {
    socket.on('error', () => socket.destroy());
    if (!isWebSocket(incoming)) return readAgain(incoming, socket, head, server);
    track(socket);
    const to = proxied(incoming);
    if (to === null) return endWithProblem(socket, badRequest('pag0 has no WebSocket of its own', 404));
    if ('problem' in to) return endWithProblem(socket, to.problem);
    void passSocket(incoming, socket, head, to);
  }

  async function passSocket(incoming: IncomingMessage, socket: Socket, head: Buffer, to: Destination): Promise<void> {
    const decided = await decide(incoming, to.authority);
    if (socket.destroyed) return;
    if ('problem' in decided) return endWithProblem(socket, decided.problem);
    const { asker, passage } = decided;
    if (passage.passage === 'refuse') return endWithProblem(socket, refused(passage.refusal));
    if (passage.passage === 'look') return passAdmitted(incoming, socket, head, to, asker);
    passUpgrade(upgrading, incoming, socket, head, to);
  }

  /** The handshake is a request like any other until the server agreed, so it is weighed before a byte of it leaves. */
  async function passAdmitted(incoming: IncomingMessage, socket: Socket, head: Buffer, to: Destination, asker: Asker | null): Promise<void> {
    const request = { method: 'GET', url: originOf(to.authority) + to.path, fields: requestFields(incoming.rawHeaders), body: null };
    const admitted = await orProblem(to.authority.host, async () => ({ refusal: await governor.admitSocket(asker, request) }));
    if (socket.destroyed) return;
    if ('problem' in admitted) return endWithProblem(socket, admitted.problem);
    if (admitted.refusal !== null) return endWithProblem(socket, refused(admitted.refusal));
    passUpgrade(upgrading, incoming, socket, head, to);
  }

  function upgradeWithin(incoming: IncomingMessage, socket: Socket, head: Buffer, ended: Ended, server: Server): void {
    socket.on('error', () => socket.destroy());
    if (!isWebSocket(incoming)) return readAgain(incoming, socket, head, server);
    const to = within(incoming, ended);
    if ('problem' in to) endWithProblem(socket, to.problem);
    else void passSocketWithin(incoming, socket, head, to, ended);
  }

  async function passSocketWithin(incoming: IncomingMessage, socket: Socket, head: Buffer, to: Destination, ended: Ended): Promise<void> {
    const who = await asksWithin(ended);
    if (socket.destroyed) return;
    if ('problem' in who) return endWithProblem(socket, who.problem);
    await passAdmitted(incoming, socket, head, to, who.asker);
  }

  return {
    request,
    connect,
    upgrade,
    clientError: (error, socket) => answerUnreadable(error, socket, answering.get(socket)),
    close() {
      for (const socket of sockets) socket.destroy();
      interceptor.close();
    },
  };
}

/** The rest of a body that is not wanted is read and dropped, else the client might never see why. */
function answerProblem(incoming: IncomingMessage, outgoing: ServerResponse, problem: GatewayProblem): void {
  // Where two readers may disagree about where a request ends, nothing after it is read (RFC 9112, section 11.2).
  if (problem.code === 'BAD_REQUEST') outgoing.setHeader('connection', 'close');
  incoming.resume();
  writeProblem(outgoing, problem);
}
