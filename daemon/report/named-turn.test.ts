import { describe, expect, it } from 'vitest';
import { createOrders, forPerson } from '../pipeline/orders.ts';
import { answerSlash } from '../pipeline/slash.ts';
import { budgetText } from './budget-text.ts';
import { budgetView } from './budget.ts';
import { createGrove } from './grove.fixture.ts';
import { reportOf } from './report.ts';

/** A person typed `/infinite`, for which there is a rule, and it has paid by itself and through an agent. */
async function setUp(agents: object = { infinite: { agentBudget: '$3' } }) {
  const grove = createGrove({ agents });
  const live = grove.session('s1');
  const turn = grove.parts.sessions.beginTurn(live, 'p1', 'infinite');
  grove.agent(live, 'w1', 'worker', turn.agent);
  await grove.pay(live, turn.agent, 600_000n);
  await grove.pay(live, 'w1', 300_000n);
  const orders = forPerson(createOrders(grove.parts), () => Promise.resolve(true));
  return { grove, live, turn: turn.agent, say: (command: string, args: string) => answerSlash(grove.parts, live, command, args, orders) };
}

describe('a budget held by a turn that a slash command began', () => {
  it('stands in the tree with what it has spent of it, and what it started below it', async () => {
    const { grove, live } = await setUp();
    const view = await budgetView(grove.parts, live);
    expect(view.tree).toMatchObject({ agentId: 'main', spent: '900000', own: '0' });
    expect(view.tree.children).toMatchObject([{ agentId: 'infinite', kind: 'turn', spent: '900000', own: '600000', limit: '3000000', state: 'working', children: [{ agentId: 'worker-1', spent: '300000' }] }]);
    expect(budgetText(view)).toMatch(/^ {4}infinite +███░░░░░░░ +\$0\.90 of \$3\.00 +30 % +working$/m);
  });

  it('stands in the report, its own row beside main’s', async () => {
    const { grove, live } = await setUp();
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report.byAgent).toMatchObject([
      { agentId: 'infinite', kind: 'turn', cost: '600000', total: '900000', budgetUtilization: 0.3, parent: { agent: 'main' } },
      { agentId: 'worker-1', cost: '300000', parent: { agent: 'turn-p1' } },
      { agentId: 'main', cost: '0', total: '900000' },
    ]);
  });

  it('is over when the next prompt is answered, and keeps its row', async () => {
    const { grove, live } = await setUp();
    grove.parts.sessions.beginTurn(live, 'p2', null);
    expect((await budgetView(grove.parts, live)).tree.children).toMatchObject([{ agentId: 'infinite', state: 'ended' }]);
  });

  it('is raised and lowered by name', async () => {
    const { grove, turn, say } = await setUp();
    expect(await say('pag0-budget', 'raise infinite $5')).toBe('infinite: the limit is $5.00 now (it was $3.00).');
    expect(await say('pag0-budget', 'lower agent infinite $1')).toBe('infinite: the limit is $1.00 now (it was $5.00).');
    expect(grove.parts.directives.limit(`agent:s1/${turn}`)).toBe(1_000_000n);
    expect(await say('pag0-kill', 'infinite')).toMatch(/^Paid calls are stopped for infinite/);
  });

  it('is given to one that had none, which is then shown', async () => {
    const { grove, live, say } = await setUp({});
    expect((await budgetView(grove.parts, live)).tree.children).toMatchObject([{ agentId: 'worker-1' }]);
    expect(await say('pag0-budget', 'lower infinite $1')).toBe('infinite: the limit is $1.00 now (it was no limit).');
    expect((await budgetView(grove.parts, live)).tree.children).toMatchObject([{ agentId: 'infinite', limit: '1000000', children: [{ agentId: 'worker-1' }] }]);
  });

  it('tells its own stop apart from main’s', async () => {
    const { grove, live, turn } = await setUp();
    live.session.agents.get(turn)!.stopped = { code: 'AGENT_BUDGET_EXCEEDED', reason: 'infinite has spent $3.00 of $3.00', attempts: 2, at: grove.now };
    const { tree } = await budgetView(grove.parts, live);
    expect(tree).toMatchObject({ state: 'working', stopped: null, children: [{ state: 'stopped', stopped: { attempts: 2 } }] });
    expect((await reportOf(grove.parts, { scope: 'session', session: live.session })).stops).toMatchObject([{ agentId: 'infinite' }]);
  });

  // Every prompt is a turn; a person is shown those that have an account of their own.
  it.each([[{}], [{ '*': { agentBudget: '$3' } }], [{ loop: { agentBudget: '$3' } }], [{ 'inf*': { agentBudget: '$3' } }], [{ infinite: { maxPerRequest: '$1' } }]])('is none with %j, and then the turn is main', async (agents) => {
    const { grove, live } = await setUp(agents);
    expect((await reportOf(grove.parts, { scope: 'session', session: live.session })).byAgent).toMatchObject([{ agentId: 'main', cost: '600000' }, { agentId: 'worker-1', parent: { agent: 'main' } }]);
  });
});
