import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { dial, LeadsHere, type Far } from '../http1/connect.ts';
import { proxyAuthorization, type ProxyAddress } from '../core/own-proxy.ts';
import type { WayOut, WebAnswer, WebRequest } from '../ports.ts';
import { exchangeOn, type ByProxy, type ExchangeLimits } from './http1-connection.ts';
import { UpstreamError, upstreamError } from './upstream-error.ts';

export interface Http1Options extends ExchangeLimits {
  connectMs: number;
  trust: SecureContext | undefined;
  ownPort: number | undefined;
}

/** Short, because a server that closes an idle connection just as a request leaves makes its outcome unknown. */
const KEEP_ALIVE_MS = 4_000;
const MAX_IDLE = 64;
const MAX_SESSIONS = 256;

interface Idle {
  socket: Socket;
  /** Whose request came over it last. */
  by: object | undefined;
}

export interface Http1 {
  /** `way`: of a session whose person has a proxy or certificates of their own. */
  send(request: WebRequest, far: Far, signal: AbortSignal, way?: WayOut): Promise<WebAnswer>;
  close(): void;
}

/**
 * HTTP/1.1 of our own, since what passes is to be what was written: any token as a method, any byte in a target or a field,
 * names in their letters and order, interim answers, nothing added. Node's client and undici are strict about all of these.
 */
export function createHttp1(options: Http1Options): Http1 {
  const idle = new Map<string, Idle[]>();
  const open = new Set<Socket>();
  const sessions = new Map<string, Buffer>();

  /** As the program itself would use it again. Another's is none of its own: where the server just closed that one, it would see a failure that is not its own. */
  function take(key: string, by: object | undefined): Socket | null {
    const kept = idle.get(key) ?? [];
    for (let at = kept.length - 1; at >= 0; at -= 1) {
      const one = kept[at]!;
      if (one.by !== by) continue;
      kept.splice(at, 1);
      one.socket.removeAllListeners('timeout').setTimeout(0).off('data', gone).off('end', gone);
      if (!one.socket.destroyed && one.socket.readableLength === 0) return one.socket;
    }
    return null;
  }

  /** Whatever comes unasked, an end above all, is the end of it. */
  function gone(this: Socket): void {
    this.destroy();
  }

  function keep(key: string, socket: Socket, by: object | undefined): void {
    if (socket.destroyed || !socket.writable) return;
    let kept = idle.get(key);
    if (kept === undefined) idle.set(key, (kept = []));
    kept.push({ socket, by });
    if (kept.length > MAX_IDLE) kept.shift()!.socket.destroy();
    socket.on('data', gone).on('end', gone).setTimeout(KEEP_ALIVE_MS, () => socket.destroy());
    socket.resume();
  }

  async function connectTo(key: string, far: Far, signal: AbortSignal, way: WayOut | undefined): Promise<Socket> {
    const { connectMs, trust, ownPort } = options;
    const by = way === undefined || way.proxy === null || !far.secure ? null : { proxy: way.proxy, fields: [] };
    // A proxy is itself asked for what is not secret.
    const to = way !== undefined && way.proxy !== null && by === null ? way.proxy : far;
    const socket = await dial(to, { connectMs, trust: way?.trust ?? trust, ownPort, signal, by, session: sessions.get(key) });
    open.add(socket);
    socket.on('error', () => {}).once('close', () => {
      open.delete(socket);
      const left = idle.get(key)?.filter((one) => one.socket !== socket) ?? [];
      if (left.length === 0) idle.delete(key);
      else idle.set(key, left);
    });
    socket.on('session', (session: Buffer) => {
      sessions.delete(key);
      sessions.set(key, session);
      if (sessions.size > MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
    });
    return socket;
  }

  async function send(request: WebRequest, far: Far, signal: AbortSignal, way?: WayOut): Promise<WebAnswer> {
    const origin = `${far.secure ? 'https' : 'http'}://${far.host}:${far.port}`;
    const key = way === undefined ? origin : `${origin} ${way.name}`;
    const asked = way !== undefined && way.proxy !== null && !far.secure ? askedOf(way.proxy) : null;
    let connected = false;
    try {
      const known = signal.aborted ? null : take(key, request.written?.connection);
      const socket = known ?? (await connectTo(key, far, signal, way));
      connected = true;
      return await over(key, origin, socket, request, signal, asked);
    } catch (error) {
      const sent = connected && !(error instanceof LeadsHere);
      if (signal.aborted && !(error instanceof UpstreamError)) throw new UpstreamError('UPSTREAM_FAILED', `The exchange with ${origin} was given up.`, { sent, cause: signal.reason });
      throw upstreamError(error, origin, sent);
    }
  }

  function over(key: string, origin: string, socket: Socket, request: WebRequest, signal: AbortSignal, asked: ByProxy | null): Promise<WebAnswer> {
    return exchangeOn(socket, request, options, signal, asked, {
      free: () => keep(key, socket, request.written?.connection),
      broke: (error) => upstreamError(signal.aborted ? new Error('given up', { cause: error }) : error, origin, true),
    });
  }

  return {
    send,
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** How a proxy is asked: by the whole address, and shown what it asks for (RFC 9112, section 3.2.2). */
function askedOf(proxy: ProxyAddress): ByProxy {
  const authorization = proxyAuthorization(proxy);
  return { lines: authorization === null ? [] : [`Proxy-Authorization: ${authorization}`] };
}
