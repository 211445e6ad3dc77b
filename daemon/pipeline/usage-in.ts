import { framesAsText } from '../core/event-frames.ts';
import { fieldValue } from '../core/fields.ts';
import { usageOf, type Usage } from '../core/usage.ts';
import type { Fields } from '../ports.ts';
import { decoded } from './decoded.ts';

/** Decoded, an answer may be a hundred times its size; a bomb is not unpacked to find a number in it. */
const MAX_DECODED = 32 * 1024 * 1024;

/** The usage that an answer of the gateway tells; null where it tells none, or hides it in a coding we do not read. */
export function usageIn(fields: Fields, body: Buffer): Usage | null {
  const read = decoded(body, fieldValue(fields, 'content-encoding') ?? '', MAX_DECODED);
  if ('problem' in read) return null;
  const isFramed = (fieldValue(fields, 'content-type') ?? '').startsWith('application/vnd.amazon.eventstream');
  return usageOf(isFramed ? framesAsText(read.bytes) : Buffer.from(read.bytes).toString('utf8'));
}
