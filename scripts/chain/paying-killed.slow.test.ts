import { expect, it } from 'vitest';
import { onChain } from './on-chain.fixture.ts';
import { torture } from './torture.ts';

/** The long version is `npm run torture`. */
onChain('a daemon that is killed forty times while it pays', () => {
  it('signs for no request twice, loses no charge, and charges nothing without a signature', async () => {
    const { violations, requests, histogram, found, spent, ms } = await torture({ kills: 40, seed: 4_402 });
    console.log(`${requests} requests, ${spent} µ$, ${Math.round(ms / 1_000)} s; killed at, then told: ${JSON.stringify(histogram)}; the book after the kill: ${JSON.stringify(found)}`);
    expect(violations).toEqual([]);
    // Else it proves nothing: some were killed before a signature, some with one that was never cashed, some with one that was.
    expect(Object.keys(found)).toEqual(expect.arrayContaining(['no cheque', 'held']));
    expect(spent).toBeGreaterThan(0n);
  });
});
