import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { Far } from '../http1/connect.ts';
import type { FindWayOut, Upstream, WebRequest } from '../ports.ts';
import { exchange } from './exchange.ts';
import { requestFields } from './fields.ts';
import { createHttp1 } from './http1.ts';
import { speaksNoHttp1, UpstreamError } from './upstream-error.ts';

export interface UpstreamOptions {
  /** PEM. Instead of Node's own roots and `NODE_EXTRA_CA_CERTS`. */
  ca?: readonly string[];
  /** Until TCP and TLS stand. */
  connectMs?: number;
  /** Until the first byte of the answer: a model may think for minutes. */
  headersMs?: number;
  /** Between two pieces of a body. */
  idleMs?: number;
  maxHeaderBytes?: number;
  /** By which way a session's requests leave; without it straight. */
  wayOut?: FindWayOut;
  /** The daemon's own, where nothing may lead. */
  ownPort?: number;
}

/** As curl waits; most systems give up before. */
const CONNECT_MS = 5 * 60_000;
/** Nobody's patience: whoever asks has its own. What hangs for a day has ended, and machines that are gone are found out by TCP. */
const SILENCE_MS = 24 * 60 * 60_000;
/** What curl reads. */
const MAX_HEADER_BYTES = 300 * 1024;
/** Short, because a server that closes an idle connection just as a request leaves makes its outcome unknown. */
const KEEP_ALIVE_MS = 4_000;

/**
 * HTTP/1.1 wherever a server speaks it. undici 7.30.2 fails every HTTP/2 request in flight when the server says GOAWAY, which
 * servers do in good order on each restart and after some thousand requests, and a paid request then has an unknown outcome.
 * So HTTP/2 is for servers that offer nothing else. Redirects are not followed and bodies not decoded.
 */
export function createUpstream(options: UpstreamOptions = {}): Upstream {
  // Made once: reading a hundred certificates for each connection costs more than the handshake.
  const trust = options.ca === undefined ? undefined : createSecureContext({ ca: [...options.ca] });
  const limits = { headersMs: options.headersMs ?? SILENCE_MS, idleMs: options.idleMs ?? SILENCE_MS, maxHeaderBytes: options.maxHeaderBytes ?? MAX_HEADER_BYTES };
  const connectMs = options.connectMs ?? CONNECT_MS;
  const http1 = createHttp1({ ...limits, connectMs, trust, ownPort: options.ownPort });
  const http2 = new Agent({
    connect: { timeout: connectMs, rejectUnauthorized: true, ...(trust === undefined ? {} : { secureContext: trust }) },
    allowH2: true,
    // One request at a time on a connection, so that losing one leaves no other in doubt.
    pipelining: 1,
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.idleMs,
    maxHeaderSize: limits.maxHeaderBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 10 * KEEP_ALIVE_MS,
    strictContentLength: true,
  });
  const http2Only = new Set<string>();

  return {
    async send(request, signal) {
      const { origin, far, path } = destination(request);
      const way = options.wayOut?.(request.session, far);
      // What speaks nothing but HTTP/2 is reached straight only.
      if (way !== undefined && (way.proxy !== null || way.trust !== undefined)) return http1.send(request, far, signal, way);
      if (http2Only.has(origin)) return exchange(http2, dispatchOptions(request, origin, path), signal);
      try {
        return await http1.send(request, far, signal);
      } catch (error) {
        if (!speaksNoHttp1(error) || !(error instanceof UpstreamError) || error.sent) throw error;
        http2Only.add(origin);
        return exchange(http2, dispatchOptions(request, origin, path), signal);
      }
    },
    async close() {
      http1.close();
      await http2.destroy();
    },
  };
}

/** Taken apart by hand: `URL` would change the path, and what was signed or priced would not be what is sent (RFC 9110, 7.7). */
function destination({ url }: WebRequest): { origin: string; far: Far; path: string } {
  const parts = /^((https?):\/\/(?:\[([0-9a-f:.]+)\]|([^/?#:[\]]+))(?::([0-9]{1,5}))?)([/?][^#]*)?(?:#|$)/i.exec(url);
  if (parts === null) throw new UpstreamError('UPSTREAM_FAILED', `${url} is not an address.`, { sent: false });
  const [, origin, scheme, ipv6, name, port, path = '/'] = parts;
  const secure = scheme!.toLowerCase() === 'https';
  const far = { host: ipv6 ?? name!, port: port === undefined ? (secure ? 443 : 80) : Number(port), secure };
  return { origin: origin!, far, path: path.startsWith('/') ? path : `/${path}` };
}

function dispatchOptions({ method, fields, body }: WebRequest, origin: string, path: string): Dispatcher.DispatchOptions {
  const sent = body === null || (Buffer.isBuffer(body) && body.length === 0) ? null : body;
  return { origin, path, method: method as Dispatcher.HttpMethod, headers: requestFields(fields, sent !== null && !Buffer.isBuffer(sent)), body: sent };
}
