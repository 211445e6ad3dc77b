import { createHash } from 'node:crypto';

/**
 * What the daemon is told of a prompt in place of its text: enough to see that the same one comes again, from a schedule
 * or from a loop outside the client. 16 hex digits are kept, in memory only.
 */
export function promptDigest(prompt: string): string {
  return createHash('sha256').update(prompt.trim()).digest('hex').slice(0, 16);
}
