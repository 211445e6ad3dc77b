import { describe, expect, it } from 'vitest';
import { createExchangeWorld, ok, turns, type Asking } from './exchange.fixture.ts';

const URL = 'https://api.tavily.com/search';
const RULES = { prices: [{ endpoint: 'api.tavily.com/*', price: '$0.02' }] };

async function posts(bodies: readonly string[], config: object = RULES, more: Asking = {}, status = 200) {
  const one = createExchangeWorld(config);
  for (const [index, text] of bodies.entries()) {
    const answer = one.get(URL, { method: 'POST', body: Buffer.from(text), ...more });
    await turns();
    one.asked[index]!.answer({ ...ok('found'), status });
    await answer;
  }
  const call = { tool_name: 'Bash', tool_use_id: 't1', tool_input: { command: 'true' } };
  await one.world.send({ hook_event_name: 'PreToolUse', ...call });
  const end = async () => one.world.send({ hook_event_name: 'PostToolUse', ...call, tool_response: { stdout: '' } });
  return { one, end };
}

describe('equal POSTs that are paid for again', () => {
  it('are told of once, to the person and the agent, with the line that would have saved them and how much', async () => {
    const { one, end } = await posts(['a', 'a', 'b', 'a']);
    const sentence = 'pag0: $0.04 went to 2 POSTs to api.tavily.com/search that had been paid for with the same body before; if they only read, a person can write {"endpoint": "api.tavily.com/search", "method": "POST"} into `cache.reuse` of pag0\'s configuration, and the next equal one costs nothing.';
    expect(await end()).toEqual({ context: sentence, message: sentence });
    const again = one.get(URL, { method: 'POST', body: Buffer.from('a') });
    await turns();
    one.asked.at(-1)!.answer(ok('found'));
    await again;
    expect(await end()).toEqual({});
    expect((await one.spent()).posted).toBe(100_000n);
  });

  it.each([
    ['that differ', ['a', 'b'], RULES, {}, 200],
    ['that are no POSTs', ['a', 'a'], RULES, { method: 'PUT' }, 200],
    ['that cost nothing', ['a', 'a'], {}, {}, 200],
    ['that failed', ['a', 'a'], RULES, {}, 500],
    ['where the person wants no cache', ['a', 'a'], { ...RULES, cache: { enabled: false } }, {}, 200],
  ] as const)('are not spoken of: %s', async (_, bodies, config, more, status) => {
    const { end } = await posts(bodies, config, more, status);
    expect(await end()).toEqual({});
  });
});
