import { describe, expect, it } from 'vitest';
import type { AgentView } from '../contract/views.ts';
import { agentScope, sessionScope } from '../pipeline/scopes.ts';
import { budgetView } from './budget.ts';
import { createGrove, type Grove } from './grove.fixture.ts';

const RULES = { agents: { 'researcher*': { agentBudget: '$1.50' } } };

function find(tree: AgentView, agentId: string): AgentView | undefined {
  return tree.agentId === agentId ? tree : tree.children.map((child) => find(child, agentId)).find((found) => found !== undefined);
}

async function treeOf(grove: Grove, id = 's1'): Promise<AgentView> {
  return (await budgetView(grove.parts, grove.parts.sessions.get(id)!)).tree;
}

describe('the budget view', () => {
  it('counts what an agent spent for everyone above it, and says what was its own', async () => {
    const grove = createGrove(RULES);
    const live = grove.session('s1');
    grove.agent(live, 'e1', 'executor');
    grove.agent(live, 'r1', 'researcher', 'e1');
    await grove.pay(live, 'main', 100_000n);
    await grove.pay(live, 'e1', 200_000n);
    await grove.pay(live, 'r1', 300_000n);
    const tree = await treeOf(grove);
    expect(tree).toMatchObject({ agentId: 'main', spent: '600000', own: '100000', limit: null, utilizationRate: null });
    expect(find(tree, 'executor-1')).toMatchObject({ id: 'e1', role: 'executor', spent: '500000', own: '200000' });
    expect(find(tree, 'researcher-1')).toMatchObject({ spent: '300000', own: '300000', limit: '1500000', remaining: '1200000', utilizationRate: 0.2, children: [] });
  });

  it('keeps what is in flight and what is unconfirmed apart from what is spent, and counts them all', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    await grove.pay(live, 'main', 1_000_000n);
    await grove.pay(live, 'main', 500_000n, { ending: 'open' });
    await grove.pay(live, 'main', 250_000n, { ending: 'hold' });
    await grove.pay(live, 'main', 900_000n, { ending: 'void' });
    const view = await budgetView(grove.parts, live);
    expect(view.scopes[0]).toEqual({ scope: 'session', label: 'this session', spent: '1000000', reserved: '500000', held: '250000', limit: '5000000', remaining: '3250000', utilizationRate: 0.35 });
    expect(view.utilizationRate).toBe(0.35);
  });

  it('shows session and day always, the run and the project only when they say something of their own', async () => {
    const scopesOf = async (grove: Grove, more = {}) => (await budgetView(grove.parts, grove.session('s1', more))).scopes.map((one) => one.scope);
    expect(await scopesOf(createGrove())).toEqual(['session', 'day']);
    expect(await scopesOf(createGrove(), { run: 'night' })).toEqual(['session', 'run', 'day']);
    expect(await scopesOf(createGrove({ policy: { runBudget: '$9', projectBudget: '$50' } }))).toEqual(['session', 'run', 'project', 'day']);
  });

  it('hides turns, and hangs what they started below main', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    const turn = grove.parts.sessions.beginTurn(live, 'p1', null);
    grove.agent(live, 'e1', 'executor', turn.agent);
    await grove.pay(live, turn.agent, 70_000n);
    await grove.pay(live, 'e1', 30_000n);
    const tree = await treeOf(grove);
    expect(tree).toMatchObject({ own: '70000', spent: '100000' });
    expect(tree.children.map((child) => child.agentId)).toEqual(['executor-1']);
  });

  it('shows a loop once it is one, with its iterations, its first round included', async () => {
    const grove = createGrove({ agents: { 'ralph-loop': { agentBudget: '$3' } } });
    const live = grove.session('s1');
    const turn = grove.parts.sessions.beginTurn(live, 'p1', 'ralph-loop');
    await grove.pay(live, turn.agent, 150_000n);
    grove.parts.sessions.recogniseLoop(live, turn).iterations = 4;
    expect(find(await treeOf(grove), 'ralph-loop')).toMatchObject({ kind: 'loop', iterations: 4, spent: '150000', limit: '3000000', state: 'working' });
    grove.parts.sessions.beginTurn(live, 'p2', null);
    expect(find(await treeOf(grove), 'ralph-loop')).toMatchObject({ state: 'ended' });
  });

  it('hangs nested sessions below the agent that started them, each with a name of its own', async () => {
    const grove = createGrove(RULES);
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    grove.nested('n1', live, 'r1');
    grove.now += 1_000;
    const second = grove.nested('n2', live, 'r1');
    grove.agent(second, 'x1', 'executor');
    const deepest = grove.nested('n3', second, 'x1');
    await grove.pay(deepest, 'main', 40_000n);
    const tree = await treeOf(grove);
    expect(find(tree, 'researcher-1')!.children.map((child) => [child.agentId, child.session])).toEqual([['researcher-1/claude-1', 'n1'], ['researcher-1/claude-2', 'n2']]);
    expect(find(tree, 'researcher-1/claude-2/executor-1/claude-1')).toMatchObject({ session: 'n3', id: 'main', spent: '40000', own: '40000' });
    for (const name of ['main', 'researcher-1', 'researcher-1/claude-2', 'researcher-1/claude-2/executor-1']) expect(find(tree, name)).toMatchObject({ spent: '40000', own: '0' });
  });

  it('shows a nested session the budgets that bind it from above', async () => {
    const grove = createGrove(RULES);
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    const nested = grove.nested('n1', live, 'r1');
    const { scopes, tree } = await budgetView(grove.parts, nested);
    expect(scopes.map(({ scope, label }) => [scope, label])).toEqual([
      ['agent', 'researcher-1'],
      ['session', 'this session'],
      ['session', 'the session that started this one'],
      ['run', 'this run'],
      ['day', 'today'],
    ]);
    expect(tree.agentId).toBe('researcher-1/claude-1');
  });

  it('shows a raised limit at once', async () => {
    const grove = createGrove(RULES);
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    for (const [scope, limit] of [[sessionScope('s1'), 8_000_000n], [agentScope('s1', 'r1'), 2_000_000n]] as const) {
      await grove.parts.directives.give({ kind: 'limit', scope, limit, by: 'person', at: grove.now });
    }
    const view = await budgetView(grove.parts, live);
    expect(view.scopes[0]!.limit).toBe('8000000');
    expect(find(view.tree, 'researcher-1')!.limit).toBe('2000000');
  });

  it('says why an agent was stopped, until a person lets it go on', async () => {
    const grove = createGrove(RULES);
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    live.session.agents.get('r1')!.stopped = { code: 'AGENT_BUDGET_EXCEEDED', reason: 'it is spent', attempts: 3, at: grove.now };
    expect(find(await treeOf(grove), 'researcher-1')).toMatchObject({ state: 'stopped', stopped: { code: 'AGENT_BUDGET_EXCEEDED', reason: 'it is spent', attempts: 3 } });
    await grove.parts.directives.give({ kind: 'resume', scope: agentScope('s1', 'r1'), limit: null, by: 'person', at: grove.now + 1 });
    expect(find(await treeOf(grove), 'researcher-1')).toMatchObject({ state: 'working', stopped: null });
  });

  it('shows the kill switch on everyone below it', async () => {
    const grove = createGrove(RULES);
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    const nested = grove.nested('n1', live, 'r1');
    await grove.parts.directives.give({ kind: 'kill', scope: agentScope('s1', 'r1'), limit: null, by: 'agent', at: grove.now });
    const tree = await treeOf(grove);
    expect([tree.state, find(tree, 'researcher-1')!.state, find(tree, 'researcher-1/claude-1')!.killed]).toEqual(['working', 'stopped', true]);
    expect((await budgetView(grove.parts, nested)).tree.killed).toBe(true);
  });

  it('invents no limit where no policy is in force, and says what is wrong', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    const parts = { ...grove.parts, policies: { of: () => null, problems: () => [{ says: 'config.json: policy.sessionBudget: "lots" is not an amount', stays: 'the last good configuration stays in force' }], remarks: () => [], timeZone: () => 'UTC', mode: () => 'enforce' as const } };
    const view = await budgetView(parts, live);
    expect(view.scopes.every((scope) => scope.limit === null && scope.utilizationRate === null)).toBe(true);
    expect(view.problems).toEqual(['config.json: policy.sessionBudget: "lots" is not an amount; the last good configuration stays in force']);
  });

  it('reads stored sessions without taking them back into memory, where they would push out those at work', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    await grove.pay(grove.nested('n1', live, 'main'), 'main', 40_000n);
    const restarted = grove.restart();
    const { tree } = await budgetView(restarted, live);
    expect(find(tree, 'main/claude-1')).toMatchObject({ spent: '40000' });
    expect(restarted.sessions.all()).toEqual([]);
  });
});
