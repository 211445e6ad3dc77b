import { load, type Load, type LoadResult } from './load.ts';
import { median, row, show } from './stats.ts';

export type Kind = [name: string, ask: Load];
export type Figures = Omit<LoadResult, 'requests'>;

/**
 * Several kinds of request against the first of them, in turns within one run: the machine's mood hits all alike. The first
 * round warms up; of the others it is the median that is shown.
 */
export async function compare(title: string, against: string, kinds: readonly Kind[], rounds: number): Promise<Map<string, Figures>> {
  const results = new Map<string, LoadResult[]>(kinds.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, ask] of kinds) {
      const result = await load(ask);
      if (round > 0) results.get(name)!.push(result);
    }
  }
  const figures = new Map([...results].map(([name, all]) => [name, figuresOf(all)]));
  const base = figures.get(kinds[0]![0])!.perSecond;
  console.log(`\n${title} (median of ${rounds - 1} rounds)`);
  row('', 'a second', 'p50 ms', 'p99 ms', against);
  for (const [name, { perSecond, p50, p99 }] of figures) row(name, show(perSecond, 0), show(p50, 2), show(p99, 2), `${show(perSecond / base, 2)} x`);
  return figures;
}

export function inFlight(connections: number): string {
  return `${connections} ${connections === 1 ? 'caller' : 'callers'} in flight`;
}

function figuresOf(all: readonly LoadResult[]): Figures {
  const of = (figure: keyof Figures): number => median(all.map((result) => result[figure]));
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99') };
}
