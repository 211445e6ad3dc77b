import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorld, refusalOf, type World } from './world.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag0-attempts-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PRICES = [{ endpoint: 'api.example.com/cheap', price: '$0.10' }, { endpoint: 'api.example.com/dear', price: '$0.25' }];
const CHEAP = 'https://api.example.com/cheap';
let calls = 0;
const bash = (world: World, command: string, more: object = {}) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: `b${(calls += 1)}`, tool_input: { command }, ...more });
const worker = { agent_id: 'w1', agent_type: 'worker' };
const withBudget = (budget: string) => createWorld({ prices: PRICES, agents: { worker: { agentBudget: budget } } });

describe('what does not fit', () => {
  it.each([
    ['a loop of four calls', `for i in 1 2 3 4; do curl ${CHEAP}?$i; done`, '$0.30 is left, which pays for 3 of these 4 calls'],
    ['four calls in a row', [1, 2, 3, 4].map((n) => `curl ${CHEAP}?${n}`).join('; '), '$0.30 is left, which pays for 3 of these 4 calls'],
    ['a cheap and a dear one', `curl ${CHEAP}; curl https://api.example.com/dear`, '$0.30 is left, which pays for 1 of these 2 calls'],
    ['a dear one twice', `curl https://api.example.com/dear https://api.example.com/dear`, '$0.30 is left, which pays for 1 of these 2 calls'],
    ['free ones beside it', `curl https://free.example.com; for i in 1 2 3 4; do curl ${CHEAP}; done`, '$0.30 is left, which pays for 3 of these 4 calls'],
  ])('is refused with what would, and ends nobody who has money: %s', async (_, command, sentence) => {
    const world = withBudget('$0.30');
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const reply = await bash(world, command, worker);
      expect(refusalOf(reply!)).toMatchObject({ code: 'AGENT_BUDGET_EXCEEDED', ends: null, sentence: expect.stringContaining(sentence) as string });
      expect(reply?.stop).toBeUndefined();
    }
    expect(refusalOf((await bash(world, `for i in 1 2 3; do curl ${CHEAP}; done`, worker))!)).toBeNull();
  });

  it('with too little left for any of it ends who asks again, and not who is told', async () => {
    const world = withBudget('$0.15');
    await world.curl(CHEAP, worker);
    const first = await bash(world, `curl ${CHEAP}`, worker);
    expect(refusalOf(first!)).toMatchObject({ ends: null, sentence: expect.stringContaining('finish without paid calls, say what you have found') as string });
    expect(first?.stop).toBeUndefined();
    expect(world.live.session.agents.get('w1')?.stopped).toBeNull();
    const second = await bash(world, `curl ${CHEAP}`, worker);
    expect(second?.stop).toContain('worker-1 has spent $0.10 of $0.15');
    expect(world.live.session.agents.get('w1')?.stopped).toMatchObject({ code: 'AGENT_BUDGET_EXCEEDED' });
  });

  it('is asked for in one message at one attempt, as the transcript shows', async () => {
    const world = withBudget('$0.10');
    world.live.session.transcript = join(folder, 's1.jsonl');
    const said = (id: string, ...uses: string[]) => uses.map((use) => `${JSON.stringify({ type: 'assistant', message: { id, content: [{ type: 'tool_use', id: use }] } })}\n`).join('');
    writeFileSync(world.live.session.transcript, `${said('m1', 'p1', 'p2', 'p3')}${said('m2', 'p4')}`);
    const ask = (id: string) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: id, tool_input: { command: `curl https://api.example.com/dear` } });
    world.setPolicy({ prices: PRICES, policy: { sessionBudget: '$0.10' } });
    expect((await Promise.all(['p1', 'p2', 'p3'].map(ask))).map((reply) => reply?.stop)).toEqual([undefined, undefined, undefined]);
    expect((await ask('p4'))?.stop).toContain('SESSION_BUDGET_EXCEEDED');
  });

  it('is forgotten when a call has gone through since', async () => {
    const world = withBudget('$0.15');
    await bash(world, `curl https://api.example.com/dear`, worker);
    await world.curl(CHEAP, worker);
    expect((await bash(world, `curl https://api.example.com/dear`, worker))?.stop).toBeUndefined();
  });
});
