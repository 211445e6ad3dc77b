import { createHash } from 'node:crypto';

/** Part of an answer that changes though nothing was learnt. */
const NOISE = new Set(['durationMs', 'duration_ms', 'durationSeconds']);

/** A number for "the same again": equal values give equal numbers. */
export function digestOf(value: unknown): number {
  const text = JSON.stringify(value, (key, item: unknown) => (NOISE.has(key) ? undefined : item)) ?? '';
  return createHash('sha1').update(text).digest().readUIntBE(0, 6);
}
