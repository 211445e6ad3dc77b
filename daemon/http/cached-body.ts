import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { CachedBodyView } from '../contract/cache-views.ts';

/** More than anybody reads; a few kilobytes can unpack to gigabytes. */
const MAX_SHOWN = 1024 * 1024;

const DECODERS: Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** A kept body as a person can look at it. */
export function cachedBody(body: Uint8Array, contentEncoding: string): CachedBodyView {
  let bytes: Uint8Array = body;
  for (const coding of contentEncoding.toLowerCase().split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity').reverse()) {
    const decode = DECODERS[coding];
    if (decode === undefined) return { unread: `it is encoded as ${coding}, which is not decoded here` };
    try {
      bytes = decode(bytes, { maxOutputLength: MAX_SHOWN });
    } catch (error) {
      return { unread: (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'it is longer than what is shown here' : `it is not the ${coding} that it says it is` };
    }
  }
  const shown = bytes.subarray(0, MAX_SHOWN);
  const cut = shown.length < bytes.length;
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
