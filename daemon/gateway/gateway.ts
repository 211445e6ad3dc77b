import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Refusal } from '../core/errors.ts';
import { proxyAuthorization, type ProxyAddress } from '../core/own-proxy.ts';
import { ProxyRefused } from '../http1/by-proxy.ts';
import { dial } from '../http1/connect.ts';
import type { Framing } from '../http1/framing.ts';
import { BodyScanner, FramingError } from '../http1/body-scanner.ts';
import { headBytes, membersOf, readRequestHead, valuesOf, type RequestHead } from '../http1/head.ts';
import type { Asker, FindWayOut, Governor, Passage, WayOut } from '../ports.ts';
import { connectAuthority, isOwn, originOf, type Authority } from './authority.ts';
import { Client } from './client.ts';
import { codeOf, fail, reasonOf } from './failure.ts';
import { isForProxy, serverFields } from './fields.ts';
import { needsHost, otherHost, proxiedTarget, readFraming, targetWithin, type Destination } from './head.ts';
import { intercept, namesItsHost } from './intercept.ts';
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';
import { badRequest, endWithProblem, expectedProblem, LOOP, refused, UNEXPECTED, writeProblemTo, type GatewayProblem } from './problem-answer.ts';
import { Relay } from './relay.ts';
import { serve, type GatewayLog } from './serve.ts';
import { join } from './tunnel.ts';
import { STRAIGHT } from './ways-out.ts';
import { isWebSocket, passUpgrade, withoutUpgrade } from './upgrade.ts';

export interface GatewayOptions {
  governor: Governor;
  /** The certificate that TLS for a host is ended with. */
  contextFor(host: string): Promise<SecureContext>;
  /** The daemon's own port. */
  port: number;
  log: GatewayLog;
  limits?: Partial<GatewayLimits>;
  /** Whom WebSockets trust; the upstream has its own. Undefined: Node's own choice. */
  trust?: () => SecureContext;
  /** By which way a session's connections leave; without it straight. */
  wayOut?: FindWayOut;
}

/**
 * A forward proxy (RFC 9110, section 3.7) on the daemon's own port. It reads HTTP/1.1 itself: Node's parser knows a list of
 * methods and refuses bytes that programs send every day, and what no rule names is to pass as it is.
 */
export interface Gateway {
  /** A connection to the daemon's port. `own` gets it, with all its bytes, where it is for the daemon itself. */
  accept(socket: Socket, own: (socket: Socket) => void): void;
  /** Ends every connection at once. */
  close(): void;
}

/** What is known since the tunnel was asked for. Who asks is found out anew for every request inside: a session may have ended. */
interface Ended {
  shown: string | undefined;
  authority: Authority;
  refusal: Refusal | null;
}

type Asking = { asker: Asker | null } | { problem: GatewayProblem };
type Decided = { asker: Asker | null; passage: Passage } | { problem: GatewayProblem };

export function createGateway(options: GatewayOptions): Gateway {
  const { governor, log, port } = options;
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };

  async function orProblem<T>(host: string, decide: () => Promise<T>): Promise<T | { problem: GatewayProblem }> {
    try {
      return await decide();
    } catch (error) {
      log.error('a passage could not be decided', error, { host });
      return { problem: expectedProblem(error) ?? UNEXPECTED };
    }
  }

  function decide(head: RequestHead, connection: Socket, authority: Authority): Promise<Decided> {
    return orProblem<Decided>(authority.host, async () => {
      const who = await governor.whoAsks(shownBy(head), connection);
      if ('rejected' in who) return { problem: refused(who.rejected, 407) };
      return { asker: who.asker, passage: await governor.passage(who.asker, authority) };
    });
  }

  /** Inside a tunnel nobody is asked for credentials: 407 is said by proxies, and there we stand for the server. */
  function asksWithin({ shown, authority }: Ended, connection: Socket): Promise<Asking> {
    return orProblem<Asking>(authority.host, async () => {
      const who = await governor.whoAsks(shown, connection);
      return 'rejected' in who ? { problem: refused(who.rejected, 403) } : who;
    });
  }

  /** `Host` names another host than the one that is asked, and that one is not passed on unseen: what came of it would be judged by the wrong rules. */
  async function misleads(asker: Asker | null, head: RequestHead, authority: Authority): Promise<boolean> {
    const named = otherHost(head, authority)?.authority ?? null;
    if (named === null) return false;
    return (await governor.passage(asker, { ...named, secure: authority.secure })).passage !== 'tunnel';
  }

  function accept(socket: Socket, own: (socket: Socket) => void): void {
    socket.on('error', () => {});
    track(socket);
    const client = new Client(socket, socket);
    converse(client, own).catch((error: unknown) => {
      log.error('a connection could not be served', error);
      socket.destroy();
    });
  }

  async function converse(client: Client, own: (socket: Socket) => void): Promise<void> {
    const { source, socket } = client;
    let relay: Relay | null = null;
    for (let first = true; ; first = false) {
      const read = await source.head(limits.headerBytes, first ? limits.headMs : limits.tunnelIdleMs, limits.headMs);
      if (read.head === null) {
        if (read.why === 'ended') return relay === null ? client.end() : relay.end();
        if (read.why === 'late' && source.waiting === 0) return void socket.destroy();
        await relay?.idle();
        return endUnread(client, read.why);
      }
      const head = readRequestHead(read.head);
      if (typeof head === 'string' || (head.method !== 'CONNECT' && proxiedTarget(head, port) === null)) {
        await relay?.idle();
        relay?.close();
        if (typeof head !== 'string' || isOrigin(read.head)) return handOver(client, read.head, head, own);
        return endWithProblem(client, badRequest(head));
      }
      const framing = readFraming(head, limits.headerFields);
      const wrong = 'problem' in framing ? framing.problem : head.method !== 'CONNECT' && needsHost(head) ? 'no Host field' : null;
      const to = head.method === 'CONNECT' ? null : proxiedTarget(head, port)!;
      if (wrong !== null || (to !== null && 'problem' in to)) {
        await relay?.idle();
        relay?.close();
        return void (await writeProblemTo(client, head, badRequest(wrong ?? (to as { problem: string }).problem), true));
      }
      if (to === null) {
        await relay?.idle();
        relay?.close();
        return connect(client, head);
      }
      const next: Relay | 'served' | 'over' = await passOn(client, head, framing as Framing, to as Destination, relay);
      if (next === 'over') return;
      relay = next === 'served' ? null : next;
    }
  }

  /** One request in absolute form. A relay is the line to a server that nobody looks at; it stays for the next request to there. */
  async function passOn(client: Client, head: RequestHead, framing: Framing, to: Destination, relay: Relay | null): Promise<Relay | 'served' | 'over'> {
    const decided = await decide(head, client.connection, to.authority);
    if (client.socket.destroyed) return 'over';
    if ('asker' in decided && decided.passage.passage === 'tunnel') return relayTo(client, await meant(head, to.authority, decided.asker), framing, to, relay, decided.asker);
    await relay?.idle();
    relay?.close();
    const no = 'problem' in decided ? decided.problem : decided.passage.passage === 'refuse' ? refused(decided.passage.refusal) : null;
    if (no !== null) return (await writeProblemTo(client, head, no, framing.body !== 'none')) ? 'served' : 'over';
    const { asker } = decided as { asker: Asker | null };
    const bare = { ...head, lines: head.lines.filter((line) => !isForProxy(line)) };
    return (await look(client, await meant(bare, to.authority, asker), framing, to, asker)) ? 'served' : 'over';
  }

  /** Of a request in absolute form a proxy writes `Host` anew (RFC 9112, section 3.2.2). Here only where it would mislead; else it is the program's own affair. */
  async function meant(head: RequestHead, authority: Authority, asker: Asker | null): Promise<RequestHead> {
    if (!(await misleads(asker, head, authority))) return head;
    const value = new URL(originOf(authority)).host;
    return { ...head, lines: head.lines.map((line) => (line.name === 'host' ? { name: 'host', value, text: `Host: ${value}` } : line)) };
  }

  async function relayTo(client: Client, head: RequestHead, framing: Framing, to: Destination, before: Relay | null, asker: Asker | null): Promise<Relay | 'over'> {
    const { authority } = to;
    let relay = before;
    if (relay !== null && (originOf(relay.to) !== originOf(authority) || !relay.usable)) {
      await relay.idle();
      relay.close();
      relay = null;
    }
    if (relay === null) {
      const far = await reach(client, head, authority, asker);
      if (far === null) return 'over';
      relay = new Relay(client, far, authority);
    }
    const { proxy } = wayOut(asker, authority);
    const lines = head.lines.filter((line) => !isForProxy(line)).map(({ text }) => text);
    // A proxy is asked in absolute form, and shown what it asks for (RFC 9112, section 3.2.2).
    const target = proxy === null ? to.target : originOf(authority) + (to.target === '*' ? '' : to.target);
    await relay.begin(head, headBytes(`${head.method} ${target} HTTP/${head.version}`, proxy === null ? lines : [...lines, ...shownTo(proxy)]));
    const scanner = new BodyScanner(framing, true);
    while (!scanner.done) {
      const piece = await client.source.read();
      if (piece === null) {
        relay.end();
        return 'over';
      }
      try {
        const { end } = scanner.scan(piece);
        await relay.write(end === null ? piece : piece.subarray(0, end));
        if (end !== null) client.source.unread(piece.subarray(end));
      } catch (error) {
        if (!(error instanceof FramingError)) throw error;
        relay.close();
        await writeProblemTo(client, head, badRequest(`its body is malformed: ${error.message}`), true);
        return 'over';
      }
    }
    if (membersOf(head.lines, 'connection').includes('upgrade') && (await relay.switched(limits.tunnelIdleMs))) return 'over';
    return relay;
  }

  /** A connection to a server that nobody looks at; null: there is none, and the client has been told as much as it would have seen. */
  async function reach(client: Client, head: RequestHead, authority: Authority, asker: Asker | null): Promise<Socket | null> {
    const { host } = authority;
    const gone = new AbortController();
    const leave = (): void => gone.abort(new Error('the client went away'));
    client.socket.once('close', leave);
    try {
      const secure = authority.secure && head.method !== 'CONNECT';
      const { proxy, trust } = wayOut(asker, authority);
      const isTunnel = head.method === 'CONNECT' || secure;
      const by = proxy === null || !isTunnel ? null : { proxy, fields: head.lines.filter(({ name }) => name === 'user-agent').map(({ text }) => text) };
      const to = proxy !== null && !isTunnel ? proxy : { host, port: authority.port, secure };
      const far = await dial(to, { connectMs: limits.connectMs, ownPort: port, signal: gone.signal, by, trust: trust ?? options.trust?.() });
      track(far);
      far.on('error', () => {});
      if (!client.socket.destroyed) return far;
      far.destroy();
      return null;
    } catch (error) {
      if (gone.signal.aborted) return null;
      unreachable(asker, authority, error);
      if (head.method === 'CONNECT' && error instanceof ProxyRefused) return void passRefusal(client, error), null;
      if (head.method === 'CONNECT') endWithProblem(client, tunnelProblem(authority, error), reasonOf(error));
      else await fail(client, head, { error, connected: false });
      return null;
    } finally {
      client.socket.off('close', leave);
    }
  }

  function wayOut(asker: Asker | null, { host, secure }: Authority): WayOut {
    return options.wayOut === undefined ? STRAIGHT : options.wayOut(asker?.session, { host, secure });
  }

  /** What its own proxy says to a program that asks for a tunnel is passed on as it came. */
  function passRefusal(client: Client, { answer, socket: far }: ProxyRefused): void {
    track(far);
    far.on('error', () => client.socket.destroy());
    client.socket.once('close', () => far.destroy());
    client.socket.write(answer);
    far.pipe(client.socket);
  }

  function unreachable(asker: Asker | null, { host, port: at }: Authority, error: unknown): void {
    log.info('no connection', { host, port: at, reason: reasonOf(error), code: codeOf(error) });
    governor.failed(asker, `pag0: ${host}:${at} cannot be reached (${reasonOf(error)}); through pag0's proxy a program sees that as a connection that ended, or as a tunnel that failed with 502.`);
  }

  async function connect(client: Client, head: RequestHead): Promise<void> {
    const { socket } = client;
    const authority = connectAuthority(head.target);
    if (authority === null) return endWithProblem(client, badRequest('CONNECT does not name a host and a port'));
    if (isOwn(authority, port)) return endWithProblem(client, LOOP);
    const decided = await decide(head, socket, authority);
    if (socket.destroyed) return;
    if ('problem' in decided) return endWithProblem(client, decided.problem);
    const { asker, passage } = decided;
    if (passage.passage === 'tunnel') {
      const far = await reach(client, head, authority, asker);
      if (far === null) return;
      await client.write(ESTABLISHED);
      client.source.release();
      return join(socket, far, limits.tunnelIdleMs);
    }
    const refusal = passage.passage === 'refuse' ? passage.refusal : null;
    // curl shows nobody the body of a refused CONNECT. Who trusts our CA is told inside, where it is read.
    if (refusal !== null && asker === null) return endWithProblem(client, refused(refusal));
    await client.write(ESTABLISHED);
    const inner = await intercept({ headMs: limits.headMs, log, contextFor: options.contextFor }, client, authority);
    if (inner !== null) await converseWithin(inner.client, { shown: shownBy(head), authority: inner.authority, refusal });
  }

  async function converseWithin(client: Client, ended: Ended): Promise<void> {
    const { source, socket } = client;
    const { authority } = ended;
    for (let first = true; ; first = false) {
      const read = await source.head(limits.headerBytes, first ? limits.headMs : limits.keepAliveMs, limits.headMs);
      if (read.head === null) {
        if (read.why === 'ended') return client.end();
        if (read.why === 'late' && source.waiting === 0) return first ? void socket.destroy() : client.end();
        return endUnread(client, read.why);
      }
      const head = readRequestHead(read.head);
      if (typeof head === 'string') return endWithProblem(client, badRequest(head));
      if (head.method === 'CONNECT') return endWithProblem(client, badRequest('a tunnel within a tunnel'));
      const framing = readFraming(head, limits.headerFields);
      const to = targetWithin(head, authority);
      const wrong = 'problem' in framing ? badRequest(framing.problem) : needsHost(head) ? badRequest('no Host field') : 'problem' in to ? badRequest(to.problem, to.misdirected === true ? 421 : 400) : null;
      const misnamed = client.secure && !namesItsHost(client, authority) ? badRequest('TLS names another host than the tunnel', 421) : null;
      const no = ended.refusal !== null ? refused(ended.refusal) : (misnamed ?? wrong);
      if (no !== null) return void (await writeProblemTo(client, head, no, true));
      const who = await asksWithin(ended, client.connection);
      if (socket.destroyed) return;
      const problem = 'problem' in who ? who.problem : (await misleads(who.asker, head, authority)) ? badRequest('Host is not the host of this connection', 421) : null;
      if (problem !== null) {
        if (!(await writeProblemTo(client, head, problem, (framing as Framing).body !== 'none'))) return;
        continue;
      }
      if (!(await look(client, head, framing as Framing, to as Destination, (who as { asker: Asker | null }).asker))) return;
    }
  }

  /** One request that is looked at. False: nothing comes after it. */
  async function look(client: Client, head: RequestHead, framing: Framing, to: Destination, asker: Asker | null): Promise<boolean> {
    const failed = (why: string): void => governor.failed(asker, why);
    if (isWebSocket(head)) {
      await passSocket(client, head, to, asker);
      return false;
    }
    return serve({ limits, log, failed }, client, withoutUpgrade(head), framing, to, (web, signal) => governor.exchange(asker, web, signal));
  }

  /** The handshake is a request like any other until the server agreed, so it is weighed before a byte of it leaves. */
  async function passSocket(client: Client, head: RequestHead, to: Destination, asker: Asker | null): Promise<void> {
    const { authority } = to;
    const request = { method: head.method, url: originOf(authority) + to.path, fields: serverFields(head.lines), body: null };
    const admitted = await orProblem(authority.host, async () => ({ refusal: await governor.admitSocket(asker, request) }));
    if (client.socket.destroyed) return;
    const no = 'problem' in admitted ? admitted.problem : admitted.refusal === null ? null : refused(admitted.refusal);
    if (no !== null) return void (await writeProblemTo(client, head, no, true));
    try {
      const { proxy, trust } = wayOut(asker, authority);
      const far = await dial(authority, { connectMs: limits.connectMs, ownPort: port, by: proxy === null ? null : { proxy, fields: [] }, trust: trust ?? options.trust?.() });
      track(far);
      if (client.socket.destroyed) return void far.destroy();
      passUpgrade(client, far, head, to, limits.tunnelIdleMs);
    } catch (error) {
      unreachable(asker, authority, error);
      await fail(client, head, { error, connected: false });
    }
  }

  /** The connection is the daemon's own server's, which reads the request again. In absolute form it is the last one, for another might lead elsewhere. */
  function handOver(client: Client, bytes: Buffer, head: RequestHead | string, own: (socket: Socket) => void): void {
    const { source, socket } = client;
    const isAbsolute = typeof head !== 'string' && !head.target.startsWith('/') && head.target !== '*';
    source.unread(isAbsolute ? inOriginForm(head) : bytes);
    source.release();
    own(socket);
  }

  function endUnread(client: Client, why: 'late' | 'too long'): void {
    endWithProblem(client, why === 'late' ? badRequest('its head stalled', 408) : badRequest('its header fields are too large', 431));
  }

  return {
    accept,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function shownTo(proxy: ProxyAddress): string[] {
  const authorization = proxyAuthorization(proxy);
  return authorization === null ? [] : [`Proxy-Authorization: ${authorization}`];
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

function shownBy({ lines }: RequestHead): string | undefined {
  return valuesOf(lines, 'proxy-authorization')[0];
}

/** A request to the daemon itself, whatever is wrong with it: its own server says so. */
function isOrigin(head: Buffer): boolean {
  return /^[^ \r\n]+ [/*]/.test(head.subarray(0, 64).toString('latin1'));
}

function inOriginForm({ method, target, version, lines }: RequestHead): Buffer {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const kept = lines.filter(({ name }) => name !== 'connection' && !name.startsWith('proxy-')).map(({ text }) => text);
  return headBytes(`${method} ${path.startsWith('/') ? path : `/${path}`} HTTP/${version}`, [...kept, 'Connection: close']);
}

function tunnelProblem({ host, port }: Authority, error: unknown): GatewayProblem {
  const code = codeOf(error);
  if (code === 'GATEWAY_LOOP') return LOOP;
  if (code === 'CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return { status: 504, code: 'UPSTREAM_TIMEOUT', message: `${host}:${port} cannot be reached in time (${code}).` };
  return { status: 502, code: 'UPSTREAM_FAILED', message: `${host}:${port} cannot be reached (${code === '' ? reasonOf(error) : code}).` };
}
