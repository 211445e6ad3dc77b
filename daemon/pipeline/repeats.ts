import { createHash } from 'node:crypto';
import { formatDollars } from '../core/amount.ts';
import { callLabel } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import type { WebRequest } from '../ports.ts';
import type { Live } from './sessions.ts';

/** POSTs to one endpoint of a session that were paid for again though nothing in them was new. */
export interface Repeated {
  endpoint: string;
  /** Who paid last for one that had been paid for. */
  agent: string;
  /** Paid requests that an earlier one was equal to. */
  times: number;
  /** µ$: what those cost. */
  saved: bigint;
  told: boolean;
}

/** Of one session, the newest stay. */
const MAX_PAID = 1_000;
const MAX_ENDPOINTS = 50;

/** One POST was paid for and answered. Whether it only reads nobody but a person can say, and till then each is paid for. */
export function notePaid(live: Live, agent: string, { method, url, body }: WebRequest, amount: bigint): void {
  if (method !== 'POST' || amount === 0n || (body !== null && !Buffer.isBuffer(body))) return;
  const print = createHash('sha256').update(`${url}\n`).update(body ?? '').digest('base64');
  if (!live.paidPosts.has(print)) {
    if (live.paidPosts.size >= MAX_PAID) live.paidPosts.delete(live.paidPosts.values().next().value!);
    live.paidPosts.add(print);
    return;
  }
  const endpoint = callLabel({ tool: 'Bash', method, endpoint: endpointOf(url), known: true, times: 1 });
  const known = live.repeated.get(endpoint);
  if (known === undefined && live.repeated.size >= MAX_ENDPOINTS) return;
  live.repeated.set(endpoint, { endpoint, agent, times: (known?.times ?? 0) + 1, saved: (known?.saved ?? 0n) + amount, told: known?.told ?? false });
}

/** Said once for each endpoint, at the end of a call of whoever paid, or of the main thread. */
export function repeatHints(live: Live, agent: string, isMain: boolean): string[] {
  const due = [...live.repeated.values()].filter((one) => !one.told && (isMain || one.agent === agent));
  return due.map((one) => {
    one.told = true;
    const posts = one.times === 1 ? 'a POST' : `${one.times} POSTs`;
    return `pag0: ${formatDollars(one.saved)} went to ${posts} to ${one.endpoint} that had been paid for with the same body before; if they only read, a person can write {"endpoint": "${one.endpoint}", "method": "POST"} into \`cache.reuse\` of pag0's configuration, and the next equal one costs nothing.`;
  });
}
