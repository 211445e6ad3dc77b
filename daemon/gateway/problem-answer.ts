import { STATUS_CODES, type ServerResponse } from 'node:http';
import { Pag0Error, type Code, type Refusal, type RefusalDetails } from '../core/errors.ts';
import { persists } from '../http1/framing.ts';
import { headBytes, type RequestHead } from '../http1/head.ts';
import type { Client } from './client.ts';
import { isCurl } from './failure.ts';

/** What the gateway itself says instead of an answer: a code to branch on, a sentence to read. */
export interface GatewayProblem {
  status: number;
  code: Code;
  message: string;
  details?: RefusalDetails;
}

export function badRequest(message: string, status = 400): GatewayProblem {
  return { status, code: 'BAD_REQUEST', message: `pag0 does not pass this request on: ${message}.` };
}

export function refused(refusal: Refusal, status = STATUS[refusal.code] ?? 403): GatewayProblem {
  return { status, code: refusal.code, message: refusal.sentence, details: refusal.details };
}

export const LOOP: GatewayProblem = { status: 508, code: 'GATEWAY_LOOP', message: 'pag0 GATEWAY_LOOP: this request leads back to pag0 itself.' };

const STATUS: Partial<Record<Code, number>> = {
  BAD_REQUEST: 400,
  APPROVAL_REQUIRED: 402,
  PRICE_CHANGED: 402,
  PAYEE_CHANGED: 402,
  INSUFFICIENT_FUNDS: 402,
  PAYMENT_FAILED: 402,
  PROXY_CREDENTIALS_INVALID: 407,
  REQUEST_TOO_LARGE: 413,
  UPSTREAM_FAILED: 502,
  PAYMENT_UNKNOWN: 502,
  UPSTREAM_UNTRUSTED: 502,
  UPSTREAM_TIMEOUT: 504,
  LEDGER_UNAVAILABLE: 503,
  CACHE_UNAVAILABLE: 503,
  CONFIG_INVALID: 503,
  DRAINING: 503,
  GATEWAY_LOOP: 508,
};

/** null: an error that nobody expected; it is written to the log and answered without its text. */
export function expectedProblem(error: unknown): GatewayProblem | null {
  return error instanceof Pag0Error ? { status: STATUS[error.code] ?? 403, code: error.code, message: error.message } : null;
}

export const UNEXPECTED: GatewayProblem = { status: 502, code: 'UPSTREAM_FAILED', message: 'pag0 could not pass this request on; its log says why.' };

export function writeProblem(outgoing: ServerResponse, problem: GatewayProblem): void {
  const text = problemText(problem);
  for (const [name, value] of problemFields(problem, text)) outgoing.setHeader(name, value);
  outgoing.writeHead(problem.status).end(text);
}

/**
 * To whoever asked. curl takes any answer for a success, and `curl -o f && deploy` would deploy what pag0 said: it is told of one
 * byte more than comes, prints what is here and fails (18). False: the connection ends with it.
 */
export async function writeProblemTo(client: Client, request: RequestHead, problem: GatewayProblem, last = false): Promise<boolean> {
  // Where two readers may disagree about where a request ends, nothing after it is read (RFC 9112, section 11.2).
  const short = isCurl(request) && request.method !== 'HEAD' ? 1 : 0;
  const goesOn = !last && short === 0 && problem.code !== 'BAD_REQUEST' && persists(request);
  const text = problemText(problem);
  const fields = [...problemFields(problem, text, short), ...(goesOn ? [] : [['connection', 'close']])].map(([name, value]) => `${name}: ${value}`);
  const head = headBytes(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Refused'}`, fields);
  await client.write(request.method === 'HEAD' ? head : Buffer.concat([head, Buffer.from(text)]));
  if (!goesOn) client.end();
  return goesOn;
}

/** To whoever asked for a tunnel, or wrote what could not be read. The connection ends with it. */
export function endWithProblem(client: Client, problem: GatewayProblem, reason = STATUS_CODES[problem.status] ?? 'Refused'): void {
  const text = problemText(problem);
  const fields = [...problemFields(problem, text), ['connection', 'close']].map(([name, value]) => `${name}: ${value}`);
  void client.write(Buffer.concat([headBytes(`HTTP/1.1 ${problem.status} ${reason}`, fields), Buffer.from(text)]));
  client.end();
}

function problemText({ code, message, details }: GatewayProblem): string {
  return JSON.stringify({ error: { code, message, ...(details === undefined ? {} : { details }) } });
}

function problemFields({ status }: GatewayProblem, text: string, more = 0): [string, string][] {
  return [
    ['content-type', 'application/json'],
    ['content-length', String(Buffer.byteLength(text) + more)],
    // RFC 9110, section 15.5.8: a 407 names what would be accepted.
    ...(status === 407 ? [['proxy-authenticate', 'Basic realm="pag0"'] as [string, string]] : []),
  ];
}
