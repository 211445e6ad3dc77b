import type { StoredAnswer } from '../ports.ts';
import type { Spender } from './exchange.ts';
import type { Landing } from './flights.ts';
import type { Parts } from './parts.ts';
import { alerts } from './settle.ts';
import type { Weighed } from './weigh.ts';

/**
 * A request on its way: the money set aside for it, and those who wait for its answer. Each of its ends comes once, and
 * none of them throws: when the book cannot be written the reservation stays, and counts, and is settled later; what was
 * paid for is not thrown away for that.
 */
export interface Departure {
  key: string;
  voided(reason: string): Promise<void>;
  /** Spent: what was set aside, or `actual`. `proof`: the transaction. */
  posted(actual?: bigint, proof?: string): Promise<void>;
  /** Nobody knows yet whether it is spent. */
  held(reason: string): Promise<void>;
  land(landing: Landing<StoredAnswer>): void;
  /** Nothing more comes of it. */
  over(): void;
}

export type Land = (landing: Landing<StoredAnswer>) => void;

export function depart(parts: Parts, failed: (error: unknown) => void, spender: Spender, weighed: Weighed, key: string, land: Land): Departure {
  if (weighed.amount > 0n) parts.underway.add(key);
  return {
    key,
    voided: (reason) => parts.ledger.void(key, parts.clock(), reason).then(() => {}, failed),
    async posted(actual, proof) {
      try {
        await parts.ledger.post(key, parts.clock(), actual, proof);
        const sentences = await alerts(parts, spender.live, weighed.standing.scopes);
        spender.live.notices.push(...sentences);
        spender.alerts?.push(...sentences);
      } catch (error) {
        failed(error);
      }
    },
    held: (reason) => parts.ledger.hold(key, parts.clock(), reason).then(() => {}, failed),
    land,
    over: () => void parts.underway.delete(key),
  };
}
