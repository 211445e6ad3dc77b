import { fieldValue, type HeaderFields } from './fields.ts';

/**
 * Names under which people send what only they know. Wide on purpose: a field too many makes an answer be fetched twice,
 * a field too few gives one person's answer to another's key.
 */
const SECRET = /auth|cookie|token|secret|credential|passw|session|signature|jwt|api[-_]?key|access[-_]?key|subscription[-_]?key|(^|[-_])(key|sig|sid)$/i;

/** A key that names an attempt, new with every call: it shows nobody's identity. */
const NO_SECRET = /^(?:x-)?idempotency-key$/i;

export function isSecretName(name: string): boolean {
  return SECRET.test(name) && !NO_SECRET.test(name);
}

/** Whatever the request carries to show who it comes from, in one text with one order. Never stored, only its digest. */
export function credentialsOf(fields: HeaderFields): string {
  const names = Object.keys(fields).filter(isSecretName).sort();
  return JSON.stringify(names.map((name) => [name, fieldValue(fields, name)]));
}

/** A URL that can be shown: user information and secret-looking parameters, in the fragment too, are covered up. */
export function coverUrl(url: string): string {
  const shown = url.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)[^/?#]*@/i, '$1');
  return shown.replace(/([?&#])([^=&#]+)=[^&#]*/g, (part, mark: string, name: string) => (isSecretName(name) ? `${mark}${name}=…` : part));
}

/** Fields whose values are addresses. */
const ADDRESSES = new Set(['location', 'content-location']);

/** Header fields that can be shown: what they say of other addresses is covered like an address itself. */
export function coverFields(fields: HeaderFields): HeaderFields {
  const cover = (name: string, value: string): string => {
    if (ADDRESSES.has(name)) return coverUrl(value);
    return name === 'link' ? value.replace(/(?<=<)[^>]*/g, coverUrl) : value;
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? cover(name, value) : value.map((line) => cover(name, line))]));
}
