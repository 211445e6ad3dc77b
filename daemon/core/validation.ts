import { fieldValue, listed, ONE_CONNECTION, type HeaderFields } from './fields.ts';
import { dateOf } from './freshness.ts';
import { parseHttpDate } from './http-date.ts';

/** The fields that ask whether a stored answer is still good (RFC 9111, section 4.3.1); null when it has no validator. */
export function conditionsFor(stored: HeaderFields): HeaderFields | null {
  const etag = fieldValue(stored, 'etag');
  const modified = fieldValue(stored, 'last-modified');
  if (etag === null && modified === null) return null;
  return { ...(etag === null ? {} : { 'if-none-match': etag }), ...(modified === null ? {} : { 'if-modified-since': modified }) };
}

/** Whether the client itself asks for the answer only if it has changed. */
export function isConditional(fields: HeaderFields): boolean {
  return fields['if-none-match'] !== undefined || fields['if-modified-since'] !== undefined;
}

/** Whether a client that asks so has the stored answer already (section 4.3.2). If-None-Match goes first and alone. */
export function clientHas(request: HeaderFields, stored: HeaderFields, storedAt: number): boolean {
  const tags = fieldValue(request, 'if-none-match');
  if (tags !== null) {
    const etag = fieldValue(stored, 'etag');
    return tags.trim() === '*' || (etag !== null && entityTags(tags).some((tag) => weakly(tag) === weakly(etag)));
  }
  const since = parseHttpDate(fieldValue(request, 'if-modified-since') ?? '', storedAt);
  if (since === null) return false;
  return (parseHttpDate(fieldValue(stored, 'last-modified') ?? '', storedAt) ?? dateOf(stored, storedAt)) <= since;
}

function entityTags(text: string): string[] {
  return text.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** Weak comparison (RFC 9110, section 8.8.3.2): a cache's 304 needs no more. */
function weakly(tag: string): string {
  return tag.replace(/^W\//, '');
}

/** What a 304 carries (RFC 9110, section 15.4.5): enough to find and refresh the client's own copy. */
const WITH_304 = ['age', 'cache-control', 'content-location', 'date', 'etag', 'expires', 'last-modified', 'vary'];

export function fieldsOf304(fields: HeaderFields): HeaderFields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => WITH_304.includes(name)));
}

/** Whether a 304 is about the stored answer (RFC 9111, section 4.3.4). Without a validator of its own it is about what was asked. */
export function isAbout(update: HeaderFields, stored: HeaderFields): boolean {
  const [tag, had] = [fieldValue(update, 'etag'), fieldValue(stored, 'etag')];
  if (tag !== null) return had !== null && (tag.startsWith('W/') ? weakly(tag) === weakly(had) : tag === weakly(had));
  const modified = fieldValue(update, 'last-modified');
  return modified === null || modified === fieldValue(stored, 'last-modified');
}

/** They describe the bytes, and the bytes stay. */
const OF_THE_BODY = new Set(['content-length', 'content-encoding', 'content-range', 'content-md5']);

/** The stored fields with those of a 304 in their place (RFC 9111, section 3.2). Age starts anew. */
export function updated(stored: HeaderFields, update: HeaderFields): HeaderFields {
  const { age: _, ...kept } = stored;
  return { ...kept, ...Object.fromEntries(Object.entries(endToEnd(update)).filter(([name]) => !OF_THE_BODY.has(name))) };
}

/** And what a proxy and its client say to each other, which a cache must not keep (RFC 9111, section 3.1). */
const NOT_KEPT = new Set([...ONE_CONNECTION, 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization']);

/** Without what belongs to a connection or a proxy, and what Connection names (RFC 9111, section 3.1). */
export function endToEnd(fields: HeaderFields): HeaderFields {
  const named = new Set(listed(fields, 'connection'));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !NOT_KEPT.has(name) && !named.has(name)));
}
