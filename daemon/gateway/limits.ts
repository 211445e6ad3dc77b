import type { ServerOptions } from 'node:http';

export interface GatewayLimits {
  /** Bodies up to this size are looked at, kept and sent again; larger ones pass as a stream. */
  bufferedBodyBytes: number;
  headerBytes: number;
  headerFields: number;
  /** From the connection, or from a head's first byte, to its end. TLS is part of it. */
  headMs: number;
  /** Between two requests that are looked at. */
  keepAliveMs: number;
  /** Between two pieces of a request's body. */
  bodyIdleMs: number;
  /** Of a tunnel or a WebSocket, until the far end stands. */
  connectMs: number;
  /** A tunnel without a byte in either direction. */
  tunnelIdleMs: number;
}

/** Nobody's patience: who waits has its own, and what hangs for a day has ended. */
const DAY_MS = 24 * 60 * 60_000;

export const GATEWAY_LIMITS: GatewayLimits = {
  bufferedBodyBytes: 1024 * 1024,
  headerBytes: 64 * 1024,
  headerFields: 256,
  headMs: 30_000,
  keepAliveMs: 60_000,
  bodyIdleMs: DAY_MS,
  // As curl waits; most systems give up before.
  connectMs: 5 * 60_000,
  tunnelIdleMs: DAY_MS,
};

/** For the `http.Server` of the daemon's own routes: slow and oversized heads end there (RFC 9112, section 2.2). */
export function serverOptions({ headerBytes, headMs }: GatewayLimits = GATEWAY_LIMITS): ServerOptions {
  return {
    maxHeaderSize: headerBytes,
    headersTimeout: headMs,
    // None for a whole request: an upload may take its time, and its pauses are limited where it is read.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.max(50, Math.min(5_000, headMs / 2)),
    insecureHTTPParser: false,
  };
}
