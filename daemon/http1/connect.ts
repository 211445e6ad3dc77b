import { connect as connectNet, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { ProxyAddress } from '../core/own-proxy.ts';
import { openTunnel, ProxyRefused } from './by-proxy.ts';

export interface Far {
  host: string;
  port: number;
  secure: boolean;
}

export interface DialOptions {
  connectMs: number;
  /** Whom TLS trusts; undefined: Node's own choice. */
  trust?: SecureContext | undefined;
  /** Of an earlier connection to there. */
  session?: Buffer | undefined;
  /** The daemon's own port. A name may lead there whatever it says, and what asks would be the daemon itself. */
  ownPort?: number | undefined;
  signal?: AbortSignal | undefined;
  /** The proxy to go by, and what it is told besides where to; null: none. */
  by?: { proxy: ProxyAddress; fields: readonly string[] } | null | undefined;
}

export class LeadsHere extends Error {
  readonly code = 'GATEWAY_LOOP';
}

export class TooLate extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`nothing came in time (${code})`);
    this.code = code;
  }
}

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;
/** An address that does not answer must not spoil the next one: Node gives each a quarter of a second, and far networks take longer. */
const ATTEMPT_MS = 3_000;
const KEEP_ALIVE_MS = 60_000;

/** A connection that stands: TCP, and TLS whose certificate was verified. HTTP/1.1 is all that is offered. */
export async function dial(far: Far, options: DialOptions): Promise<Socket> {
  const { by, ...direct } = options;
  if (by === undefined || by === null) return connect(far, direct);
  const { proxy, fields } = by;
  // What a session keeps of TLS is of the server behind it.
  const socket = await connect(proxy, { ...direct, session: undefined });
  const limit = setTimeout(() => socket.destroy(new TooLate('CONNECT_TIMEOUT')), options.connectMs);
  const leave = (): void => void socket.destroy();
  options.signal?.addEventListener('abort', leave, { once: true });
  try {
    await openTunnel(socket, proxy, far, fields);
    return far.secure ? await connect(far, direct, socket) : socket;
  } catch (error) {
    if (!(error instanceof ProxyRefused)) socket.on('error', () => {}).destroy();
    throw error;
  } finally {
    clearTimeout(limit);
    options.signal?.removeEventListener('abort', leave);
  }
}

function connect({ host, port, secure }: Far, options: DialOptions, over?: Socket): Promise<Socket> {
  const { connectMs, trust, session, ownPort, signal } = options;
  return new Promise((resolve, reject) => {
    const to = { host, port, allowHalfOpen: !secure, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, autoSelectFamilyAttemptTimeout: ATTEMPT_MS };
    const socket: Socket = secure
      ? connectTls({
          ...(over === undefined ? to : { socket: over, host }),
          servername: isIP(host) === 0 ? host : '',
          ALPNProtocols: ['http/1.1'],
          // Said aloud, since NODE_TLS_REJECT_UNAUTHORIZED=0 in somebody's environment would switch it off.
          rejectUnauthorized: true,
          ...(trust === undefined ? {} : { secureContext: trust }),
          ...(session === undefined ? {} : { session }),
        })
      : connectNet(to);
    const timer = setTimeout(() => fail(new TooLate('CONNECT_TIMEOUT')), connectMs);
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.off('error', fail).off('close', closed);
    };
    const fail = (error: Error): void => {
      done();
      socket.on('error', () => {}).destroy();
      reject(error);
    };
    const closed = (): void => fail(new Error('the connection was closed while it was made'));
    const abort = (): void => fail(signal!.reason instanceof Error ? signal!.reason : new Error('given up'));
    socket.once('error', fail).once('close', closed);
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => {
      if (ownPort !== undefined && socket.remotePort === ownPort && LOOPBACK.test(socket.remoteAddress ?? '')) fail(new LeadsHere('it leads back to pag0 itself'));
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      if (socket.destroyed) return;
      done();
      resolve(socket);
    });
    if (signal?.aborted === true) abort();
  });
}

