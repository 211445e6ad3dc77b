import { canonicalJson } from './canonical-json.ts';
import { credentialsOf } from './credentials.ts';
import { fieldValue, listed, type HeaderFields } from './fields.ts';
import { selectingFields, selectingValue } from './selecting-fields.ts';

/** SHA-256 in hex; handed in, because core imports nothing. */
export type Digest = (data: string | Uint8Array) => string;

export interface KeyedRequest {
  method: string;
  url: string;
  fields: HeaderFields;
  body: Uint8Array | null;
}

/**
 * What RFC 9111, section 2, calls the cache key: method and target URI, here with everything that makes an answer somebody's
 * own: the scope it is shared in, the wallet that would pay and the credentials the request carries. The body belongs to it
 * only where the call is declared a read; any other request with a body has no key.
 */
export function lookUpKey(place: { scope: string; wallet: string }, request: KeyedRequest, withBody: boolean, digest: Digest): string {
  const body = withBody ? bodyKey(request, digest) : null;
  return digest(JSON.stringify([1, place.scope, place.wallet, request.method, normalUrl(request.url), digest(credentialsOf(request.fields)), body]));
}

/** Every method's answers for one resource, for whom ever they are kept: what a write to it makes worthless. */
export function resourceKey(url: string, digest: Digest): string {
  return digest(normalUrl(url));
}

/** In the place of a name in Vary: everything that may choose an answer, and the same but for which program asks. */
export const ANYTHING = '*';
export const ANYTHING_BUT_PROGRAM = '*-';

/** One of several answers for a key, told apart by the request fields that Vary names (RFC 9111, section 4.1). */
export function variantKey(lookUp: string, vary: readonly string[], fields: HeaderFields, digest: Digest): string {
  return vary.length === 0 ? lookUp : digest(JSON.stringify([lookUp, ...vary.map((name) => [name, selected(fields, name)])]));
}

function selected(fields: HeaderFields, name: string): string | null | [string, string][] {
  if (name === ANYTHING || name === ANYTHING_BUT_PROGRAM) return selectingFields(fields, name === ANYTHING);
  return selectingValue(fields, name);
}

/** Beside what may choose an answer, what asks for none: unlike requests do not wait for one another. */
const NEGOTIATING = ['accept-encoding', 'if-none-match', 'if-modified-since', ANYTHING_BUT_PROGRAM];

/** Requests in flight with one of these get one answer, whatever Vary that answer turns out to carry. */
export function flightKey(lookUp: string, fields: HeaderFields, digest: Digest): string {
  return variantKey(lookUp, NEGOTIATING, fields, digest);
}

/**
 * What tells the answers of one key apart; null: nothing ever matches. A server that says itself how long its answer
 * lasts, or that everybody may keep it, has Vary to say for whom (RFC 9111, section 4.1), and means everybody without.
 * An answer that we keep on our own account (it cost, or a rule names it, or its age was estimated) is kept apart by
 * whatever may have chosen it, as nothing says that it did not. What was paid for, or is named, is for every program.
 */
export function variesBy(answer: HeaderFields, by: { explicit: boolean; claimed: boolean }): string[] | null {
  const names = varyNames(answer);
  if (names === null || by.explicit) return names;
  return [...new Set([...names, by.claimed ? ANYTHING_BUT_PROGRAM : ANYTHING])].sort();
}

/** The names in Vary, sorted; null for `*`, which nothing ever matches. */
export function varyNames(fields: HeaderFields): string[] | null {
  const names = [...new Set(listed(fields, 'vary'))].sort();
  return names.includes('*') ? null : names;
}

/**
 * RFC 3986, section 6.2.2: case of scheme, host and percent-encoding, dot segments, the default port; and percent-encoded
 * characters that need no encoding. The order of the query stays, because it may mean something. A fragment never travels.
 */
export function normalUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return text;
  }
  url.hash = '';
  return url.href.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : encoded.toUpperCase();
  });
}

/** The kind of body and its bytes, or what it says if it is JSON. curl sends JSON as a form, so a form may be JSON, too. */
function bodyKey(request: KeyedRequest, digest: Digest): string {
  const { body } = request;
  if (body === null || body.length === 0) return '';
  const type = (fieldValue(request.fields, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  const coding = fieldValue(request.fields, 'content-encoding') ?? '';
  const maybeJson = coding === '' && /^$|[/+]json$|^application\/x-www-form-urlencoded$|^text\/plain$/.test(type);
  const text = maybeJson ? jsonText(body) : null;
  return JSON.stringify([type, coding, text === null ? 'bytes' : 'json', digest(text ?? body)]);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Only objects and arrays: a form that happens to be a number is a form. */
function jsonText(body: Uint8Array): string | null {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return null;
  }
  return /^\s*[{[]/.test(text) ? canonicalJson(text) : null;
}
