/** A value that a field or body should have as JSON, and has not. */
export const UNREADABLE = Symbol('unreadable');

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const BYTE_ORDER_MARK = /^\uFEFF/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * What the values of a field say that holds JSON in base64, as x402's fields do. Sellers also send
 * base64url, leave the padding out, and put plain JSON there; and whoever stands between may have
 * joined several values with commas (RFC 9110, section 5.3). None of that changes what is said.
 */
export function valuesIn(fields: readonly string[]): unknown[] {
  return fields.flatMap((field) => {
    const text = field.trim();
    return /^(\xEF\xBB\xBF|\uFEFF)?[{[]/.test(text)
      ? plainValues(text)
      : text.split(',').map((one) => coded(one.trim()));
  });
}

/** The JSON of a text, whether or not it begins with a byte order mark. */
export function valueIn(text: string): unknown {
  try {
    return JSON.parse(text.replace(BYTE_ORDER_MARK, ''));
  } catch {
    return UNREADABLE;
  }
}

/** A field's characters are bytes, one each. */
function plainValues(text: string): unknown[] {
  const values = valueIn(`[${decoded(Buffer.from(text, 'latin1'))}]`);
  return Array.isArray(values) ? values : [UNREADABLE];
}

function coded(text: string): unknown {
  return BASE64.test(text) ? valueIn(decoded(Buffer.from(text, 'base64'))) : UNREADABLE;
}

/**
 * Without its byte order mark. What is no UTF-8 is nothing that could be read, and so an empty
 * text.
 */
function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return '';
  }
}
