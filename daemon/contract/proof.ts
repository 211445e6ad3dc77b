import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * How the daemon and its callers prove to each other that they belong to the same person. Both can read the owner-only token;
 * it never crosses the wire, so a stranger who took the port learns nothing he could use. A request's proof covers everything
 * that gives it meaning, the port included: otherwise a stranger on 4402 could pass it on to a real daemon elsewhere. An
 * answer's proof covers the nonce of its question, so yesterday's answer proves nothing today.
 */
export const NONCE_HEADER = 'x-pag0-nonce';
export const TIME_HEADER = 'x-pag0-time';
export const PROOF_HEADER = 'x-pag0-proof';

/** Both ends share one clock. The width is for a machine that slept between writing and sending. */
export const MAX_AGE_MS = 60_000;

/** Only proven requests are remembered, so only the owner could fill it; past it requests are refused, not forgotten. */
const MAX_NONCES = 200_000;

type Bytes = string | Uint8Array;

export interface RequestFacts {
  method: string;
  /** Path and query exactly as sent. */
  target: string;
  port: number;
  nonce: string;
  /** Milliseconds since 1970, decimal. */
  time: string;
  body: Bytes;
}

export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

export function requestProof(token: string, facts: RequestFacts): string {
  return sign(token, ['request', facts.method.toUpperCase(), facts.target, String(facts.port), facts.nonce, facts.time, digest(facts.body)]);
}

export function answerProof(token: string, nonce: string, status: number, body: Bytes): string {
  return sign(token, ['answer', nonce, String(status), digest(body)]);
}

export function sameProof(expected: string, given: string | undefined): boolean {
  if (given === undefined || given.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}

function sign(token: string, parts: readonly string[]): string {
  return createHmac('sha256', token).update(parts.join('\n')).digest('hex');
}

function digest(body: Bytes): string {
  return createHash('sha256').update(body).digest('hex');
}

export type Rejection = 'unsigned' | 'forged' | 'late' | 'replayed' | 'crowded';

export interface RequestHeaders {
  nonce: string | undefined;
  time: string | undefined;
  proof: string | undefined;
}

export type CheckRequest = (request: { method: string; target: string; body: Bytes } & RequestHeaders, now: number) => Rejection | null;

/**
 * The daemon's side. A request made before this daemon started was made for somebody else: a stranger may have caught it on
 * the port and be sending it now, when no nonce is remembered yet.
 */
export function createRequestCheck(options: { token: string; port: number; startedAt: number }): CheckRequest {
  let current = new Set<string>();
  let previous = new Set<string>();
  let turned = options.startedAt;

  return ({ method, target, body, nonce, time, proof }, now) => {
    if (nonce === undefined || time === undefined || proof === undefined || !/^[0-9a-f]{32}$/.test(nonce) || !/^\d{1,16}$/.test(time)) return 'unsigned';
    if (!sameProof(requestProof(options.token, { method, target, port: options.port, nonce, time, body }), proof)) return 'forged';
    const made = Number(time);
    if (Math.abs(now - made) > MAX_AGE_MS || made < options.startedAt) return 'late';
    // Two generations: a nonce outlives its request's validity (at most 2 * MAX_AGE_MS), and forgetting costs nothing.
    if (Math.abs(now - turned) > 2 * MAX_AGE_MS) {
      previous = current;
      current = new Set();
      turned = now;
    }
    if (current.has(nonce) || previous.has(nonce)) return 'replayed';
    if (current.size + previous.size >= MAX_NONCES) return 'crowded';
    current.add(nonce);
    return null;
  };
}
