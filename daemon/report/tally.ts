import type { Counts } from '../contract/views.ts';
import type { JournalSum } from '../ports.ts';

/** Journal rows added up. Requests that went out and requests that were refused are told apart throughout. */
export interface Tally {
  cost: bigint;
  held: bigint;
  requests: number;
  free: number;
  hits: number;
  saved: bigint;
  refused: number;
  /** In shadow: they went out, and would have been refused or asked about. */
  shadowed: number;
}

export function emptyTally(): Tally {
  return { cost: 0n, held: 0n, requests: 0, free: 0, hits: 0, saved: 0n, refused: 0, shadowed: 0 };
}

export function add(tally: Tally, sum: JournalSum): void {
  if (sum.what === 'refused') {
    tally.refused += sum.requests;
    return;
  }
  if (sum.what === 'shadow') {
    if (sum.code !== null) tally.shadowed += sum.requests;
    return;
  }
  tally.requests += sum.requests;
  if (sum.what === 'free') tally.free += sum.requests;
  else if (sum.what === 'hit') {
    tally.hits += sum.requests;
    tally.saved += sum.amount;
  } else if (sum.what === 'held') tally.held += sum.amount;
  else tally.cost += sum.amount;
}

/** Rows of a report added up again. */
export function addCounts(tally: Tally, row: Counts): void {
  tally.cost += BigInt(row.cost);
  tally.held += BigInt(row.held);
  tally.requests += row.requests;
  tally.free += row.free;
  tally.hits += row.hits;
  tally.saved += BigInt(row.saved);
  tally.refused += row.refused;
  tally.shadowed += row.shadowed;
}

export function tallyBy(sums: readonly JournalSum[], keyOf: (sum: JournalSum) => string): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const sum of sums) {
    const key = keyOf(sum);
    const tally = tallies.get(key) ?? emptyTally();
    add(tally, sum);
    tallies.set(key, tally);
  }
  return tallies;
}

export function countsOf(tally: Tally): Counts {
  return { cost: tally.cost.toString(), held: tally.held.toString(), requests: tally.requests, free: tally.free, hits: tally.hits, saved: tally.saved.toString(), refused: tally.refused, shadowed: tally.shadowed };
}
