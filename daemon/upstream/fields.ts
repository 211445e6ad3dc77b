import type { Readable } from 'node:stream';
import { fieldsOf, ONE_CONNECTION, oneConnection } from '../core/fields.ts';
import type { Fields } from '../ports.ts';

/** `host` follows from the URL, so that the two cannot disagree; `expect` was met where the body was read. */
const NOT_SENT = new Set([...ONE_CONNECTION, 'host', 'expect']);

/** What undici read, name and value in turn, without what concerned its connection. Bytes stay bytes: one a character. */
export function answerFields(raw: readonly Buffer[]): Fields {
  const lines = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at]!.toString('latin1'), raw[at + 1]!.toString('latin1')];
    lines.push({ name: name.toLowerCase(), value, text: `${name}: ${value}` });
  }
  const hops = oneConnection(lines);
  return fieldsOf(lines, (name) => hops.has(name));
}

/**
 * For undici, name and value in turn. A length is only said where the body is a stream, whose length nobody else knows.
 */
export function requestFields(fields: Fields, streamed: boolean): string[] {
  const flat: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (NOT_SENT.has(name) || (name === 'content-length' && !streamed)) continue;
    for (const one of typeof value === 'string' ? [value] : value) flat.push(name, one);
  }
  return flat;
}

/** The lines of a request that is the daemon's own. */
export function generatedLines(host: string, method: string, fields: Fields, body: Buffer | Readable | null): string[] {
  const streamed = body !== null && !Buffer.isBuffer(body);
  const flat = requestFields(fields, streamed);
  const lines = [`host: ${host}`];
  for (let at = 0; at < flat.length; at += 2) lines.push(`${flat[at]}: ${flat[at + 1]}`);
  if (streamed) return fields['content-length'] === undefined ? [...lines, 'transfer-encoding: chunked'] : lines;
  // RFC 9110, section 8.6: a length of nothing only where a body is expected.
  if (body !== null && body.length > 0) lines.push(`content-length: ${body.length}`);
  else if (EXPECT_BODY.has(method)) lines.push('content-length: 0');
  return lines;
}

const EXPECT_BODY = new Set(['POST', 'PUT', 'PATCH']);
