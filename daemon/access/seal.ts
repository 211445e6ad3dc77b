import { createHmac, timingSafeEqual } from 'node:crypto';

/** Secrets that can be told for ours without being remembered. */
export interface Seal {
  /** Always the same for one name. */
  of(name: string): string;
  same(expected: string, shown: string): boolean;
}

export function createSeal(token: string): Seal {
  // The token proves the daemon itself; what crosses the wire here is made with a key of its own. Its label is as it was in
  // 0.1.0, whose sessions may be at work.
  const key = createHmac('sha256', token).update('tickets').digest();
  return { of: (name) => createHmac('sha256', key).update(name).digest('base64url'), same };
}

function same(expected: string, shown: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(shown)];
  return a.length === b.length && timingSafeEqual(a, b);
}
