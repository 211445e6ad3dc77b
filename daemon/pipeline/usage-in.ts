import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { usageOf, type Usage } from '../core/usage.ts';
import type { Fields } from '../ports.ts';

/** Decoded, an answer may be a hundred times its size; a bomb is not unpacked to find a number in it. */
const MAX_DECODED = 32 * 1024 * 1024;

const DECODERS: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** The usage that an answer of the gateway tells; null where it tells none, or hides it in a coding we do not read. */
export function usageIn(fields: Fields, body: Buffer): Usage | null {
  const coding = String(fields['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (coding === 'identity' || coding === '') return usageOf(body.toString('utf8'));
  const decode = DECODERS[coding];
  if (decode === undefined) return null;
  try {
    return usageOf(decode(body, { maxOutputLength: MAX_DECODED }).toString('utf8'));
  } catch {
    return null;
  }
}
