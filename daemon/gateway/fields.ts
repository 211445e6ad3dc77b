import { randomBytes } from 'node:crypto';
import { ONE_CONNECTION } from '../core/fields.ts';
import type { Fields } from '../ports.ts';

/** `host` is in the URL, `expect` has been met. What is said to a proxy alone (RFC 9110, section 11.7) goes by its prefix, below. */
const NOT_FORWARDED = new Set([...ONE_CONNECTION, 'host', 'expect']);

/** The fields that concern the server, by lower-case name; those that came several times as a list. */
export function requestFields(rawHeaders: readonly string[]): Fields {
  const dropped = new Set(NOT_FORWARDED);
  const fields = new Map<string, string | string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    const value = rawHeaders[at + 1]!;
    // Naming `content-length` there would hide where the body ends; such a wish is not followed.
    if (name === 'connection') for (const one of value.split(',')) if (one.trim().toLowerCase() !== 'content-length') dropped.add(one.trim().toLowerCase());
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries([...fields].filter(([name]) => !dropped.has(name) && !name.startsWith('proxy-')));
}

/** RFC 9110, section 7.6.3: every proxy signs what it passes on. Another name in each process, so that only a real loop is one. */
export interface Pseudonym {
  sign(fields: Fields): Fields;
  signed(via: string | undefined): boolean;
}

export function createPseudonym(): Pseudonym {
  const name = `pag0-${randomBytes(6).toString('hex')}`;
  return {
    sign: (fields) => ({ ...fields, via: [fields['via'] ?? [], `1.1 ${name}`].flat().join(', ') }),
    signed: (via) => via?.includes(name) ?? false,
  };
}
