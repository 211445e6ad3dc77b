import { connect as connectNet, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';

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
export function dial({ host, port, secure }: Far, options: DialOptions): Promise<Socket> {
  const { connectMs, trust, session, ownPort, signal } = options;
  return new Promise((resolve, reject) => {
    const to = { host, port, allowHalfOpen: !secure, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, autoSelectFamilyAttemptTimeout: ATTEMPT_MS };
    const socket: Socket = secure
      ? connectTls({
          ...to,
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

