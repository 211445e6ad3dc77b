import type { CachedBodyView } from '../contract/cache-views.ts';
import { decoded } from '../pipeline/decoded.ts';

/** More than anybody reads. */
const MAX_SHOWN = 1024 * 1024;

/** A kept body as a person can look at it. */
export function cachedBody(body: Uint8Array, contentEncoding: string): CachedBodyView {
  const read = decoded(body, contentEncoding, MAX_SHOWN);
  if ('problem' in read) return { unread: read.problem };
  const shown = read.bytes.subarray(0, MAX_SHOWN);
  const cut = shown.length < read.bytes.length;
  const text = asText(shown, cut);
  return text === null ? { bytes: Buffer.from(shown).toString('base64'), cut } : { text, cut };
}

function asText(bytes: Uint8Array, cut: boolean): string | null {
  if (bytes.includes(0)) return null;
  try {
    // A character that the cut has halved is left out.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}
