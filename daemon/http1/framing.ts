import { membersOf, valuesOf, type AnswerHead, type RequestHead } from './head.ts';

/** Where a message's body ends (RFC 9112, section 6.3). `close`: with the connection. */
export type Framing = { body: 'none' } | { body: 'length'; length: number } | { body: 'chunked' } | { body: 'close' };

export const NO_BODY: Framing = { body: 'none' };

/**
 * Of a request, as strictly as can be: whatever two readers might see differently is answered 400, for behind it could stand a
 * second request that nobody weighed (RFC 9112, section 11.2). Codings beside chunked change no boundary and pass.
 */
export function requestFraming({ lines, version }: RequestHead): Framing | { problem: string } {
  const lengths = valuesOf(lines, 'content-length');
  const codings = valuesOf(lines, 'transfer-encoding');
  if (lengths.length > 1 || lengths.some((value) => !LENGTH.test(value))) return { problem: 'Content-Length is not one number' };
  if (codings.length === 0) return lengths.length === 0 ? NO_BODY : ofLength(Number(lengths[0]));
  if (lengths.length > 0) return { problem: 'both Content-Length and Transfer-Encoding' };
  if (version === '1.0') return { problem: 'Transfer-Encoding in HTTP/1.0' };
  if (codings.length > 1 || !CODINGS.test(codings[0]!)) return { problem: 'a Transfer-Encoding that does not end in chunked, once' };
  return { body: 'chunked' };
}

const LENGTH = /^[0-9]{1,15}$/;
/** `identity` is no coding any more, and `chunked` comes once and last (RFC 9112, section 7). */
const CODINGS = /^(?:(?!chunked\b|identity\b)[!#$%&'*+.^_`|~0-9a-z-]+[ \t]*,[ \t]*)*chunked$/i;

/** Of an answer, as clients read it: chunks win over a length, and equal lengths are one. */
export function answerFraming({ status, lines }: AnswerHead, method: string): Framing | { problem: string } {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NO_BODY;
  const codings = membersOf(lines, 'transfer-encoding');
  if (codings.length > 0) return codings.at(-1) === 'chunked' ? { body: 'chunked' } : { body: 'close' };
  const lengths = membersOf(lines, 'content-length');
  if (lengths.length === 0) return { body: 'close' };
  if (lengths.some((value) => !LENGTH.test(value) || value !== lengths[0])) return { problem: 'its Content-Length is not one number' };
  return ofLength(Number(lengths[0]));
}

function ofLength(length: number): Framing {
  return length === 0 ? NO_BODY : { body: 'length', length };
}

/** Whether the connection goes on after this message (RFC 9112, section 9.3). */
export function persists({ version, lines }: Pick<RequestHead, 'version' | 'lines'>): boolean {
  const options = [...membersOf(lines, 'connection'), ...membersOf(lines, 'proxy-connection')];
  if (options.includes('close')) return false;
  return version === '1.1' || options.includes('keep-alive');
}
