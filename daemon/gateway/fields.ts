import { fieldsOf, oneConnection, type FieldLine } from '../core/fields.ts';
import type { Fields } from '../ports.ts';

/** `host` is in the URL, `expect` has been met. What is said to a proxy alone (RFC 9110, section 11.7) goes by its prefix. */
const MET = new Set(['host', 'expect']);

/** The fields of Node's own reading that concern the server, by lower-case name; those that came several times as a list. */
export function requestFields(rawHeaders: readonly string[]): Fields {
  const lines: FieldLine[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push({ name: rawHeaders[at]!.toLowerCase(), value: rawHeaders[at + 1]!, text: '' });
  return serverFields(lines);
}

/** The fields that concern the server and its answer. */
export function serverFields(lines: readonly FieldLine[]): Fields {
  const hops = oneConnection(lines);
  return fieldsOf(lines, (name) => hops.has(name) || MET.has(name) || name.startsWith('proxy-'));
}

/** All that is not said to the server when a request was written for a proxy (RFC 9110, section 11.7.2). */
export function isForProxy({ name }: FieldLine): boolean {
  return name === 'proxy-authorization' || name === 'proxy-connection';
}
