import { describe, expect, it } from 'vitest';
import type { AgentView } from '../contract/views.ts';
import { agentScope } from '../pipeline/scopes.ts';
import { createWorld, refusalOf, type World } from '../pipeline/world.fixture.ts';
import { budgetView } from './budget.ts';
import { reportOf } from './report.ts';

const URL = 'https://api.example.com/v1/step';
const PRICED = { prices: [{ endpoint: 'api.example.com/*', price: '$0.10' }] };

const begin = (world: World, prompt: string, command: string) => world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: prompt, command_name: command });
const stop = (world: World, prompt: string, driven: boolean) => world.send({ hook_event_name: 'Stop', prompt_id: prompt, stop_hook_active: driven });

/** So many rounds of one call each. */
async function rounds(world: World, prompt: string, count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await world.curl(URL, { prompt_id: prompt });
    await stop(world, prompt, round > 0);
  }
}

/** The same amount for each agent, whoever is asked: the bars, the table and the accounts. */
async function toldAlike(world: World): Promise<Record<string, { own: string; total: string }>> {
  const { parts, live } = world;
  const budget = everyone((await budgetView(parts, live)).tree);
  const report = await reportOf(parts, { scope: 'session', session: live.session });
  const byBudget = Object.fromEntries(budget.map(({ agentId, own, spent }) => [agentId, { own, total: spent }]));
  const byReport = Object.fromEntries(report.byAgent.map(({ agentId, cost, total }) => [agentId, { own: cost, total }]));
  const balances = await parts.ledger.balances(budget.map(({ session, id }) => agentScope(session, id)));
  const byLedger = Object.fromEntries(budget.map(({ agentId }, index) => [agentId, balances[index]!.posted.toString()]));
  for (const [name, { total }] of Object.entries(byBudget)) expect([name, byLedger[name]]).toEqual([name, total]);
  const spent = (rows: typeof byBudget): typeof byBudget => Object.fromEntries(Object.entries(rows).filter(([, { total }]) => total !== '0'));
  expect(spent(byBudget)).toEqual(spent(byReport));
  return byReport;
}

function everyone(agent: AgentView): AgentView[] {
  return [agent, ...agent.children.flatMap(everyone)];
}

describe('budget, report and ledger tell the same', () => {
  it('of a loop of three rounds, and of a second one', async () => {
    const world = createWorld(PRICED);
    await begin(world, 'p1', 'ralph-loop');
    await rounds(world, 'p1', 3);
    await rounds(world, 'p2', 1);
    await begin(world, 'p3', 'ralph-loop');
    await rounds(world, 'p3', 2);
    expect(await toldAlike(world)).toEqual({ main: { own: '100000', total: '600000' }, 'ralph-loop': { own: '300000', total: '300000' }, 'ralph-loop-2': { own: '200000', total: '200000' } });
  });

  it('of a loop that was ended, and of the next prompt that its hook drives on', async () => {
    const world = createWorld({ ...PRICED, agents: { 'ralph-loop': { agentBudget: '$0.30' } } });
    await begin(world, 'p1', 'ralph-loop');
    await rounds(world, 'p1', 3);
    await rounds(world, 'p2', 3);
    const told = await toldAlike(world);
    expect(told['ralph-loop']).toEqual({ own: '300000', total: '300000' });
  });

  it('of a loop that a person lets go on, with what its subagents spend', async () => {
    const world = createWorld({ ...PRICED, loops: { maxIterations: 2 } });
    await begin(world, 'p1', 'ralph-loop');
    await rounds(world, 'p1', 2);
    world.now += 1;
    await world.parts.directives.give({ kind: 'resume', scope: 'session:s1', limit: null, by: 'person', at: world.now });
    world.now += 1;
    await rounds(world, 'p2', 2);
    world.parts.sessions.learnChild(world.live, { id: 'a1', type: 'worker', parent: world.live.turn!.agent });
    await world.curl(URL, { prompt_id: 'p2', agent_id: 'a1', agent_type: 'worker' });
    await toldAlike(world);
  });
});

describe('main', () => {
  it('is called so when it is refused, whatever its turn may become', async () => {
    const world = createWorld({ ...PRICED, policy: { allowedEndpoints: ['api.other.com/*'] } });
    const { before } = await world.curl(URL, { prompt_id: 'p1' });
    expect(refusalOf(before)?.sentence).toContain('main may not spend at api.example.com/v1/step');
  });
});
