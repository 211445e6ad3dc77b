import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

const DECODERS: Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Nobody packs more often; a hostile server may, some thousand times. */
const MAX_CODINGS = 3;

/** `problem`: why it cannot be read, to stand behind "because". */
export type Decoded = { bytes: Uint8Array } | { problem: string };

/**
 * A body without its content codings (RFC 9110, section 8.4). A few kilobytes can unpack to gigabytes, so nothing grows
 * beyond `limit` bytes.
 */
export function decoded(body: Uint8Array, contentEncoding: string, limit: number): Decoded {
  let bytes = body;
  const codings = contentEncoding.toLowerCase().split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
  if (codings.length > MAX_CODINGS) return { problem: `it is encoded ${codings.length} times over` };
  for (const coding of codings.reverse()) {
    const decode = DECODERS[coding];
    if (decode === undefined) return { problem: `it is encoded as ${coding}, which is not decoded here` };
    try {
      bytes = decode(bytes, { maxOutputLength: limit });
    } catch (error) {
      return { problem: (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'it is longer than what is shown here' : `it is not the ${coding} that it says it is` };
    }
  }
  return { bytes };
}
