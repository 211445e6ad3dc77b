import { ONE_CONNECTION } from '../core/fields.ts';
import type { Fields } from '../ports.ts';

/** `host` follows from the URL, so that the two cannot disagree; `expect` was met where the body was read. */
const NOT_SENT = new Set([...ONE_CONNECTION, 'host', 'expect']);

/** What undici read, name and value in turn, without what concerned its connection. Bytes stay bytes: one a character. */
export function answerFields(raw: readonly Buffer[]): Fields {
  const fields = new Map<string, string | string[]>();
  const dropped = new Set(ONE_CONNECTION);
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toString('latin1').toLowerCase();
    const value = raw[at + 1]!.toString('latin1');
    if (name === 'connection') for (const one of value.split(',')) dropped.add(one.trim().toLowerCase());
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  for (const name of dropped) fields.delete(name);
  return Object.fromEntries(fields);
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
