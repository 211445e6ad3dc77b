import { directivesOf } from './cache-control.ts';
import { varyNames } from './cache-key.ts';
import type { CacheRules } from './cache-rules.ts';
import type { HeaderFields } from './fields.ts';
import { isDeclaredRead } from './reuse.ts';

/** Requests that only they themselves can answer: parts, conditions on the server's state, a method in disguise, a payment, another host than the address. */
const OWN_ANSWER = ['host', 'range', 'if-range', 'if-match', 'if-unmodified-since', 'x-http-method-override', 'x-http-method', 'x-method-override', 'x-payment', 'payment-signature'];

/**
 * Whether a request can have an answer that is kept. GET alone is a read by its method: HEAD has no answer worth keeping,
 * and a GET with a body is asking something that its URL does not say.
 */
export function keepableRequest(rules: CacheRules, request: { method: string; url: string; fields: HeaderFields; body: unknown }): boolean {
  if (!rules.enabled || OWN_ANSWER.some((name) => request.fields[name] !== undefined)) return false;
  if (directivesOf(request.fields).has('no-store')) return false;
  if (isDeclaredRead(rules, request)) return request.body === null || request.body instanceof Uint8Array;
  return request.method === 'GET' && isEmpty(request.body);
}

function isEmpty(body: unknown): boolean {
  return body === null || (body instanceof Uint8Array && body.length === 0);
}

/** Meant for one recipient, once: parts, cookies, receipts. */
const OWN_FIELDS = ['content-range', 'set-cookie', 'set-cookie2', 'x-payment-response', 'payment-response'];
/** Who asks decides, or when. A redirect is an answer; a refusal, a demand for money and a failure are not. */
const NEVER = new Set([206, 401, 402, 403, 407, 429]);

/** Whether an answer may be kept, by what is never kept; the semantics of HTTP say the rest (`cache/semantics.ts`). */
export function keepableAnswer(answer: { status: number; fields: HeaderFields }): boolean {
  if (answer.status < 200 || answer.status >= 500 || NEVER.has(answer.status)) return false;
  if (OWN_FIELDS.some((name) => answer.fields[name] !== undefined)) return false;
  return !directivesOf(answer.fields).has('no-store') && varyNames(answer.fields) !== null;
}
