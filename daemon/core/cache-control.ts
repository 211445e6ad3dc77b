import { fieldLines, fieldValue, type HeaderFields } from './fields.ts';

/** Cache-Control by lower-case name; `''` where a directive has no argument or one that cannot be read. */
export type Directives = ReadonlyMap<string, string>;

const MEMBER = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9a-z-]*)))?$/i;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+/i;

/**
 * RFC 9111, section 5.2. Names do not care about case, arguments come as token or quoted string, and of two directives of
 * one name the first counts (section 4.2.1). What does not fit the grammar still counts as named, so that a badly written
 * `no-store` is one.
 */
export function directivesOf(fields: HeaderFields): Directives {
  const found = new Map<string, string>();
  for (const member of members(fieldValue(fields, 'cache-control') ?? '')) {
    const read = MEMBER.exec(member);
    const name = (read?.[1] ?? NAME.exec(member)?.[0] ?? '').toLowerCase();
    if (name === '' || found.has(name)) continue;
    found.set(name, read === null ? '' : (read[2]?.replace(/\\(.)/g, '$1') ?? read[3] ?? ''));
  }
  return found;
}

/** Split at the commas outside quoted strings; where a quote never ends, at every comma, so that it hides nothing. */
function members(value: string): string[] {
  const quotes = value.replace(/\\./g, '').split('"').length - 1;
  const parts = quotes % 2 === 0 ? (value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []) : value.split(',');
  return parts.map((part) => part.trim());
}

/** More seconds than any cache lives; RFC 9111, section 1.2.2, wants large numbers to be taken as very large. */
export const FOREVER = 10 * 365 * 86_400;

/** Delta-seconds (RFC 9111, section 1.2.2); null when the text is no such number. */
export function deltaSeconds(text: string): number | null {
  return /^\d+$/.test(text) ? Math.min(Number(text), FOREVER) : null;
}

/**
 * Never stored, or never used without asking. A response that says it in the old way only, with Pragma, is taken at its
 * word as long as it has no Cache-Control.
 */
export function alwaysValidated(fields: HeaderFields, directives: Directives): boolean {
  if (directives.has('no-cache')) return true;
  return fieldLines(fields, 'cache-control').length === 0 && /\bno-cache\b/i.test(fieldValue(fields, 'pragma') ?? '');
}
