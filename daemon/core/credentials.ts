import { fieldValue, type HeaderFields } from './fields.ts';

/**
 * Names under which people send what only they know. Wide on purpose: a field too many makes an answer be fetched twice,
 * a field too few gives one person's answer to another's key.
 */
const SECRET = /auth|cookie|token|secret|credential|passw|session|signature|jwt|api[-_]?key|access[-_]?key|subscription[-_]?key|(^|[-_])(key|sig|sid)$/i;

export function isSecretName(name: string): boolean {
  return SECRET.test(name);
}

/** Whatever the request carries to show who it comes from, in one text with one order. Never stored, only its digest. */
export function credentialsOf(fields: HeaderFields): string {
  const names = Object.keys(fields).filter(isSecretName).sort();
  return JSON.stringify(names.map((name) => [name, fieldValue(fields, name)]));
}

/** A URL that can be shown: user information and secret-looking parameters are covered up. */
export function coverUrl(url: string): string {
  const shown = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1');
  const query = shown.indexOf('?');
  if (query < 0) return shown;
  const parameters = shown.slice(query + 1).split('&').map((part) => {
    const equals = part.indexOf('=');
    return equals > 0 && isSecretName(part.slice(0, equals)) ? `${part.slice(0, equals)}=…` : part;
  });
  return `${shown.slice(0, query)}?${parameters.join('&')}`;
}
