import type { Figures } from './compare.ts';
import { row } from './stats.ts';

/** What the use case gives a hit, in ms: its median, and a tenth of 50 ms for all but one in a hundred. */
const TARGETS = { p50: 2, p99: 5 };

/** For one who asks alone: with more at once it is the queue that is measured. */
export function sayTargets(hit: Figures): void {
  const met = (share: 'p50' | 'p99'): string => `${hit[share] < TARGETS[share] ? 'below' : 'ABOVE'} ${TARGETS[share]}`;
  row('a hit against its targets (ms)', '', met('p50'), met('p99'));
}
