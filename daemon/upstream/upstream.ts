import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { Upstream, WebRequest } from '../ports.ts';
import { exchange } from './exchange.ts';
import { requestFields } from './fields.ts';
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
}

const CONNECT_MS = 10_000;
const HEADERS_MS = 15 * 60_000;
const IDLE_MS = 10 * 60_000;
const MAX_HEADER_BYTES = 64 * 1024;
/** Short, because a server that closes an idle connection just as a request leaves makes its outcome unknown. */
const KEEP_ALIVE_MS = 4_000;

/**
 * HTTP/1.1 wherever a server speaks it. undici 7.30.2 fails every HTTP/2 request in flight when the server says GOAWAY, which
 * servers do in good order on each restart and after some thousand requests, and a paid request then has an unknown outcome.
 * So HTTP/2 is for servers that offer nothing else. Redirects are not followed and bodies not decoded: undici does neither
 * unless told to.
 */
export function createUpstream(options: UpstreamOptions = {}): Upstream {
  const http1 = new Agent(agentOptions(options, false));
  const http2 = new Agent(agentOptions(options, true));
  const http2Only = new Set<string>();

  return {
    async send(request, signal) {
      const sending = dispatchOptions(request);
      const origin = String(sending.origin);
      if (http2Only.has(origin)) return exchange(http2, sending, signal);
      try {
        return await exchange(http1, sending, signal);
      } catch (error) {
        if (!speaksNoHttp1(error) || !(error instanceof UpstreamError) || error.sent) throw error;
        http2Only.add(origin);
        // A stream was ended with the attempt; the next request finds the right way at once.
        if (isStream(request.body)) throw error;
        return exchange(http2, sending, signal);
      }
    },
    async close() {
      await Promise.all([http1.destroy(), http2.destroy()]);
    },
  };
}

function agentOptions(options: UpstreamOptions, allowH2: boolean): Agent.Options {
  const connect = {
    timeout: options.connectMs ?? CONNECT_MS,
    // Said aloud, since NODE_TLS_REJECT_UNAUTHORIZED=0 in somebody's environment would switch it off.
    rejectUnauthorized: true,
    // Made once: reading a hundred certificates for each connection costs more than the handshake.
    ...(options.ca === undefined ? {} : { secureContext: createSecureContext({ ca: [...options.ca] }) }),
  };
  return {
    connect,
    allowH2,
    // One request at a time on a connection, so that losing one leaves no other in doubt, in HTTP/2 neither.
    pipelining: 1,
    headersTimeout: options.headersMs ?? HEADERS_MS,
    bodyTimeout: options.idleMs ?? IDLE_MS,
    maxHeaderSize: options.maxHeaderBytes ?? MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 10 * KEEP_ALIVE_MS,
    strictContentLength: true,
  };
}

/** Taken apart by hand: `URL` would change the path, and what was signed or priced would not be what is sent (RFC 9110, 7.7). */
function dispatchOptions({ method, url, fields, body }: WebRequest): Dispatcher.DispatchOptions {
  const parts = /^(https?:\/\/[^/?#]+)([^#]*)/i.exec(url);
  if (parts === null) throw new UpstreamError('UPSTREAM_FAILED', `${url} is not an address.`, { sent: false });
  const path = parts[2]!.startsWith('/') ? parts[2]! : `/${parts[2]}`;
  const sent = body === null || (Buffer.isBuffer(body) && body.length === 0) ? null : body;
  return { origin: parts[1]!, path, method: method as Dispatcher.HttpMethod, headers: requestFields(fields, isStream(body)), body: sent };
}

function isStream(body: WebRequest['body']): boolean {
  return body !== null && !Buffer.isBuffer(body);
}

