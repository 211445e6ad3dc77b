import { describe, expect, it } from 'vitest';
import { counted } from '../core/transfer.ts';
import { createWorld, refusalOf } from './world.fixture.ts';

/** The figures of the use case, by the numbers it names. */
const at = (price: string, more: object = {}) => ({ prices: [{ endpoint: 'api.example.com/*', price }], ...more });
const URL = 'https://api.example.com/v1/step';

describe('the use case', () => {
  it('refuses call 21 of $0.25 in a $5 session and alerts once, at call 14', async () => {
    const world = createWorld(at('$0.25'));
    const alerts: number[] = [];
    for (let call = 1; call <= 20; call += 1) {
      const { before, after } = await world.curl(URL);
      expect(refusalOf(before)).toBeNull();
      if (after?.context !== undefined) alerts.push(call);
      if (call === 14) expect(after?.message).toContain('this session has spent $3.50 of $5.00 (70 %), $1.50 left');
    }
    expect(alerts).toEqual([14]);
    // Refused at once, and told so that it can say what it has; ended when it asks again.
    const refused = { code: 'SESSION_BUDGET_EXCEEDED', details: { spent: '5000000', limit: '5000000', price: '250000' } };
    const first = (await world.curl(URL)).before;
    expect(refusalOf(first)).toMatchObject({ ...refused, ends: null });
    expect(first.stop).toBeUndefined();
    const second = (await world.curl(URL)).before;
    expect(refusalOf(second)).toMatchObject({ ...refused, ends: expect.any(String) });
    expect(second.stop).toBeDefined();
  });

  it('ends a loop after the iteration that takes the session to 90 %', async () => {
    const world = createWorld(at('$0.25', { policy: { killSwitchAt: 0.9 } }));
    await world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: 'p1', command_name: 'omc:autopilot' });
    let ended = 0;
    for (let round = 1; round <= 20 && ended === 0; round += 1) {
      expect(refusalOf((await world.curl(URL, { prompt_id: 'p1' })).before)).toBeNull();
      const stop = await world.send({ hook_event_name: 'Stop', prompt_id: 'p1', stop_hook_active: round > 1 });
      if (stop?.stop !== undefined) ended = round;
      if (ended > 0) expect(stop?.stop).toContain('KILL_SWITCH: autopilot was ended after 18 iterations');
    }
    expect(ended).toBe(18);
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p2' })).before)).toBeNull();
  });

  it('ends Ralph at the 20th attempt of $0.15 with its own $3, and lets another agent of the session go on', async () => {
    const world = createWorld(at('$0.15', { agents: { 'ralph-loop': { agentBudget: '3000000' } } }));
    await world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: 'p1', command_name: 'ralph-loop:ralph-loop' });
    let ended = 0;
    for (let round = 1; ended === 0 && round < 40; round += 1) {
      await world.curl(URL, { prompt_id: 'p1' });
      const stop = await world.send({ hook_event_name: 'Stop', prompt_id: 'p1', stop_hook_active: round > 1 });
      if (stop?.stop !== undefined) ended = round;
      if (ended > 0) expect(stop?.stop).toContain('AGENT_BUDGET_EXCEEDED: ralph-loop was ended after 20 iterations because ralph-loop has spent $3.00 of $3.00');
    }
    expect(ended).toBe(20);
    const loop = [...world.live.session.agents.values()].find((agent) => agent.kind === 'loop');
    expect(loop).toMatchObject({ name: 'ralph-loop', iterations: 20, stopped: { attempts: 20, code: 'AGENT_BUDGET_EXCEEDED' } });
    expect(refusalOf((await world.curl(URL, { agent_id: 'a1', agent_type: 'executor' })).before)).toBeNull();
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p2' })).before)).toBeNull();
  });

  it('refuses and ends an exhausted researcher while the executor goes on', async () => {
    const world = createWorld(at('$0.25', { agents: { 'researcher*': { agentBudget: '$1.50' }, 'executor*': { agentBudget: '$2' } } }));
    const researcher = { agent_id: 'r1', agent_type: 'researcher' };
    for (let call = 1; call <= 6; call += 1) expect(refusalOf((await world.curl(URL, researcher)).before)).toBeNull();
    expect(refusalOf((await world.curl(URL, researcher)).before)).toMatchObject({ code: 'AGENT_BUDGET_EXCEEDED', ends: null });
    const { before } = await world.curl(URL, researcher);
    expect(refusalOf(before)).toMatchObject({ code: 'AGENT_BUDGET_EXCEEDED', ends: expect.any(String) });
    expect(refusalOf(before)?.sentence).toContain('researcher-1 has spent $1.50 of $1.50');
    expect(refusalOf((await world.curl(URL, { agent_id: 'e1', agent_type: 'executor' })).before)).toBeNull();
  });

  it('lets exactly 10 of 50 calls at once through a cap that fits 10', async () => {
    const world = createWorld(at('$0.50', { policy: { sessionBudget: '$5' } }));
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: `t${index}`, tool_input: { command: `curl ${URL}?${index}` } })),
    );
    expect(replies.filter((reply) => refusalOf(reply!) === null)).toHaveLength(10);
    const [session] = await world.parts.ledger.balances(['session:s1']);
    expect(counted(session!)).toBe(5_000_000n);
  });
});
