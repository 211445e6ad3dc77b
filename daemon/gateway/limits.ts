import type { ServerOptions } from 'node:http';

export interface GatewayLimits {
  /** Bodies up to this size are looked at, kept and sent again; larger ones pass as a stream. */
  bufferedBodyBytes: number;
  headerBytes: number;
  headerFields: number;
  /** From the connection, or from the last answer's successor, to the end of its head. TLS is part of it. */
  headMs: number;
  /** Between two pieces of a request's body. */
  bodyIdleMs: number;
  /** Of a tunnel or a WebSocket, until the far end stands. */
  connectMs: number;
  /** A tunnel without a byte in either direction. */
  tunnelIdleMs: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  bufferedBodyBytes: 1024 * 1024,
  headerBytes: 64 * 1024,
  headerFields: 256,
  headMs: 30_000,
  bodyIdleMs: 60_000,
  connectMs: 10_000,
  tunnelIdleMs: 60 * 60_000,
};

/** For every `http.Server` that speaks to clients of the gateway: slow and oversized heads end there (RFC 9112, section 2.2). */
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
