import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { dial, LeadsHere, type Far } from '../http1/connect.ts';
import type { WebAnswer, WebRequest } from '../ports.ts';
import { exchangeOn, NoAnswer, type ExchangeLimits } from './http1-connection.ts';
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
  send(request: WebRequest, far: Far, signal: AbortSignal): Promise<WebAnswer>;
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

  /** `anybodys`: another program's connection will do, for if it turns out to be gone the request can be sent again. */
  function take(key: string, by: object | undefined, anybodys: boolean): Socket | null {
    const kept = idle.get(key) ?? [];
    for (let at = kept.length - 1; at >= 0; at -= 1) {
      const one = kept[at]!;
      if (one.by !== by && !anybodys) continue;
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

  async function connectTo(key: string, far: Far, signal: AbortSignal): Promise<Socket> {
    const { connectMs, trust, ownPort } = options;
    const socket = await dial(far, { connectMs, trust, ownPort, signal, session: sessions.get(key) });
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

  async function send(request: WebRequest, far: Far, signal: AbortSignal): Promise<WebAnswer> {
    const key = `${far.secure ? 'https' : 'http'}://${far.host}:${far.port}`;
    const by = request.written?.connection;
    const repeatable = request.once !== true && request.body === null && SAFE.has(request.method);
    const known = signal.aborted ? null : take(key, by, repeatable);
    let connected = known !== null;
    try {
      if (known !== null) {
        try {
          return await over(key, known, request, signal);
        } catch (error) {
          // RFC 9112, section 9.3.1. Every client does so, and one that never had another connection would see no failure.
          if (!repeatable || !(error instanceof NoAnswer) || !error.nothing || signal.aborted) throw error;
        }
      }
      connected = false;
      const socket = await connectTo(key, far, signal);
      connected = true;
      return await over(key, socket, request, signal);
    } catch (error) {
      const sent = connected && !(error instanceof LeadsHere);
      if (signal.aborted && !(error instanceof UpstreamError)) throw new UpstreamError('UPSTREAM_FAILED', `The exchange with ${key} was given up.`, { sent, cause: signal.reason });
      throw upstreamError(error, key, sent);
    }
  }

  function over(key: string, socket: Socket, request: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
    return exchangeOn(socket, request, options, signal, {
      free: () => keep(key, socket, request.written?.connection),
      broke: (error) => upstreamError(signal.aborted ? new Error('given up', { cause: error }) : error, key, true),
    });
  }

  return {
    send,
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
