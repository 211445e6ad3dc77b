import { describe, expect, it } from 'vitest';
import { createFlights, type Landing } from './flights.ts';

type Land = (landing: Landing<string>) => void;

/** Leads that land when they are told to. */
function airport(waitMs = 60_000) {
  const flights = createFlights<string>(waitMs);
  const leaders: Land[] = [];
  const join = (key = 'k'): Promise<string> =>
    flights.join(key, {
      lead: async (land) => {
        leaders.push(land);
        return `led ${leaders.length}`;
      },
      follow: async (landing) => (landing === 'waited' ? 'waited' : landing.landed === 'shared' ? landing.value : landing.landed),
    });
  return { flights, leaders, join };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a flight', () => {
  it('lets one of many ask, and gives all the others what it brought', async () => {
    const { leaders, join } = airport();
    const all = [1, 2, 3, 4, 5].map(() => join());
    await turn();
    expect(leaders).toHaveLength(1);
    leaders[0]!({ landed: 'shared', value: 'the answer' });
    expect(await Promise.all(all)).toEqual(['led 1', ...Array(4).fill('the answer')]);
  });

  it('is taken over by exactly one when its leader failed before money could move', async () => {
    const { leaders, join } = airport();
    const all = [1, 2, 3].map(() => join());
    await turn();
    leaders[0]!({ landed: 'failed' });
    await turn();
    expect(leaders).toHaveLength(2);
    leaders[1]!({ landed: 'shared', value: 'x' });
    expect((await Promise.all(all)).sort()).toEqual(['led 1', 'led 2', 'x']);
  });

  it.each(['unknown', 'alone'] as const)('tells all who wait when it landed %s', async (landed) => {
    const { leaders, join } = airport();
    const all = [join(), join(), join()];
    await turn();
    leaders[0]!({ landed });
    expect(await Promise.all(all)).toEqual(['led 1', landed, landed]);
    expect(leaders).toHaveLength(1);
  });

  it('counts as unknown when its leader broke without a word', async () => {
    const flights = createFlights<string>(1_000);
    const lead = async (): Promise<string> => {
      await turn();
      throw new Error('broke');
    };
    const first = flights.join('k', { lead, follow: async () => 'followed' });
    const second = flights.join('k', { lead, follow: async (landing) => (landing === 'waited' ? landing : landing.landed) });
    await expect(first).rejects.toThrow('broke');
    expect(await second).toBe('unknown');
  });

  it('is waited for only so long', async () => {
    const { leaders, join } = airport(10);
    const all = [join(), join()];
    expect(await all[1]).toBe('waited');
    expect(leaders).toHaveLength(1);
  });

  it('keeps different wishes apart, and begins anew after it landed', async () => {
    const { leaders, join } = airport();
    await Promise.all([join('a'), join('b')]);
    expect(leaders).toHaveLength(2);
    leaders[0]!({ landed: 'shared', value: 'x' });
    await join('a');
    expect(leaders).toHaveLength(3);
  });
});
