import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Authority } from './authority.ts';
import type { GatewayLimits } from './limits.ts';
import { endWithProblem, LOOP, type GatewayProblem } from './problem-answer.ts';

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

export interface TunnelParts {
  limits: GatewayLimits;
  /** The daemon's own. */
  port: number;
  /** Learns of the far socket, so that it can be ended with the gateway. */
  track(socket: Socket): void;
}

/** Bytes both ways and nothing else. */
export function openTunnel({ limits, port, track }: TunnelParts, client: Socket, head: Buffer, to: Authority): void {
  const far = connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true });
  track(far);
  const late = `${to.host}:${to.port} cannot be reached in ${limits.connectMs / 1000} s.`;
  const timer = setTimeout(() => fail({ status: 504, code: 'UPSTREAM_TIMEOUT', message: late }), limits.connectMs);
  const fail = (problem: GatewayProblem): void => {
    clearTimeout(timer);
    far.destroy();
    endWithProblem(client, problem);
  };
  const notReached = (error: Error & { code?: string }): void =>
    fail({ status: 502, code: 'UPSTREAM_FAILED', message: `${to.host}:${to.port} cannot be reached (${error.code ?? error.message}).` });
  const givenUp = (): void => {
    clearTimeout(timer);
    far.destroy();
  };
  far.once('error', notReached);
  client.once('close', givenUp);
  far.once('connect', () => {
    // Whatever name led there: what is asked of the daemon would come from its own process.
    if (far.remotePort === port && LOOPBACK.test(far.remoteAddress ?? '')) return fail(LOOP);
    clearTimeout(timer);
    far.off('error', notReached);
    client.off('close', givenUp);
    client.write(ESTABLISHED);
    if (head.length > 0) far.write(head);
    join(client, far, limits.tunnelIdleMs);
  });
}

/** Each side's end is passed on and the other goes on talking; an error, or silence for too long, ends both. */
export function join(one: Socket, other: Socket, idleMs: number): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setNoDelay(true);
    from.setKeepAlive(true, KEEP_ALIVE_MS);
    from.setTimeout(idleMs, () => from.destroy());
    from.on('error', () => breakOff(to));
    from.once('close', () => {
      // After a clean end there may be bytes that the other side has still to be given.
      if (from.readableEnded) to.end();
      else to.destroy();
    });
    from.pipe(to);
  }
}

/** A reset is passed on as one: an end would say that this was all (TLS has no way to say it from outside). */
function breakOff(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Finds out when the machine at the other end is gone without a word. */
const KEEP_ALIVE_MS = 60_000;
