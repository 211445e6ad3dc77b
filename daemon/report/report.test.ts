import { describe, expect, it } from 'vitest';
import { createGrove } from './grove.fixture.ts';
import { budgetText } from './budget-text.ts';
import { budgetView } from './budget.ts';
import { reportOf } from './report.ts';
import { reportText } from './report-text.ts';

const TAVILY = { tool: 'Bash', endpoint: 'api.tavily.com/search' };

describe('the report', () => {
  it('has the names users know, with amounts as atomic strings', async () => {
    const grove = createGrove({ agents: { 'researcher*': { agentBudget: '$1.50' } } });
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    await grove.pay(live, 'r1', 300_000n, { ...TAVILY, requests: 3 });
    await grove.note(live, 'r1', 'free');
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report).toMatchObject({ session: 's1', totalCost: '300000', totalRequests: 4, free: 1, cacheHitRate: 0, cacheSavings: '0', kinds: { settled: '0', billed: '300000', estimated: '0' } });
    expect(report.byAgent[0]).toEqual({
      agentId: 'researcher-1',
      id: 'r1',
      session: 's1',
      role: 'researcher',
      type: 'researcher',
      kind: 'subagent',
      parent: { session: 's1', agent: 'main' },
      cost: '300000',
      held: '0',
      requests: 4,
      free: 1,
      hits: 0,
      saved: '0',
      refused: 0,
      shadowed: 0,
      total: '300000',
      budgetUtilization: 0.2,
      iterations: 0,
      stopped: null,
    });
    expect(report.byAgent[1]).toMatchObject({ agentId: 'main', cost: '0', total: '300000', parent: null, budgetUtilization: null });
    expect(report.byTool[0]).toEqual({ tool: 'Bash', cost: '300000', held: '0', requests: 3, free: 0, hits: 0, saved: '0', refused: 0, shadowed: 0 });
    expect(report.byEndpoint.map((row) => row.endpoint)).toEqual(['api.tavily.com/search', 'docs.example.com/guide']);
  });

  it('counts refused calls by code and never among the requests', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    await grove.note(live, 'main', 'refused', { ...TAVILY, code: 'ENDPOINT_NOT_ALLOWED', requests: 2 });
    await grove.note(live, 'main', 'refused', { ...TAVILY, code: 'SESSION_BUDGET_EXCEEDED' });
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report).toMatchObject({ totalCost: '0', totalRequests: 0, refused: { total: 3, byCode: { ENDPOINT_NOT_ALLOWED: 2, SESSION_BUDGET_EXCEEDED: 1 } } });
    expect(report.byAgent).toMatchObject([{ agentId: 'main', requests: 0, refused: 3 }]);
  });

  it('keeps money in flight and unconfirmed money out of the cost', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    await grove.pay(live, 'main', 100_000n);
    await grove.pay(live, 'main', 20_000n, { ending: 'open' });
    await grove.pay(live, 'main', 3_000n, { ending: 'hold' });
    expect(await reportOf(grove.parts, { scope: 'session', session: live.session })).toMatchObject({ totalCost: '100000', reserved: '20000', held: '3000', totalRequests: 2 });
  });

  it("reports a turn's own spending as main's, and its stop as well", async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    const turn = grove.parts.sessions.beginTurn(live, 'p1', 'review');
    await grove.pay(live, turn.agent, 100_000n);
    live.session.agents.get(turn.agent)!.stopped = { code: 'SESSION_BUDGET_EXCEEDED', reason: 'it is spent', attempts: 2, at: grove.now };
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report.byAgent).toMatchObject([{ agentId: 'main', cost: '100000', stopped: { code: 'SESSION_BUDGET_EXCEEDED', reason: 'it is spent', attempts: 2 } }]);
    expect(report.stops).toMatchObject([{ agentId: 'main', code: 'SESSION_BUDGET_EXCEEDED', attempts: 2, reason: 'it is spent' }]);
  });

  it('says why a loop was stopped after how many attempts, in the order things happened', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    const turn = grove.parts.sessions.beginTurn(live, 'p1', 'ralph-loop');
    const loop = grove.parts.sessions.recogniseLoop(live, turn);
    loop.stopped = { code: 'AGENT_BUDGET_EXCEEDED', reason: 'ralph-loop has spent $3.00 of $3.00', attempts: 20, at: 20 };
    live.session.agents.get('r1')!.stopped = { code: 'KILL_SWITCH', reason: 'a person stopped it', attempts: 1, at: 10 };
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report.stops.map(({ agentId, code, attempts }) => [agentId, code, attempts])).toEqual([['researcher-1', 'KILL_SWITCH', 1], ['ralph-loop', 'AGENT_BUDGET_EXCEEDED', 20]]);
    expect(report.byAgent.find((row) => row.agentId === 'ralph-loop')).toMatchObject({ cost: '0', requests: 0, stopped: { attempts: 20 } });
  });

  it('takes nested sessions into the session that started them, and not into a stranger', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    grove.agent(live, 'e1', 'executor');
    const nested = grove.nested('n1', live, 'e1');
    grove.session('other');
    await grove.pay(nested, 'main', 50_000n);
    await grove.pay(grove.parts.sessions.get('other')!, 'main', 1_000_000n);
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report.totalCost).toBe('50000');
    expect(report.byAgent.map((row) => [row.agentId, row.cost, row.total, row.parent])).toEqual([
      ['executor-1/claude-1', '50000', '50000', { session: 's1', agent: 'e1' }],
      ['executor-1', '0', '50000', { session: 's1', agent: 'main' }],
      ['main', '0', '50000', null],
    ]);
    expect((await reportOf(grove.parts, { scope: 'all' })).totalCost).toBe('1050000');
  });

  it('reports a run, a project and today without what lies outside', async () => {
    const grove = createGrove();
    grove.now -= 86_400_000;
    await grove.pay(grove.session('yesterday', { project: '/a/.git', run: 'r' }), 'main', 1n);
    grove.now += 86_400_000;
    await grove.pay(grove.session('s2', { project: '/a/.git', run: 'r' }), 'main', 10n);
    await grove.pay(grove.session('s3', { project: '/b/.git', run: 'q' }), 'main', 100n);
    const cost = async (filter: Parameters<typeof reportOf>[1]) => (await reportOf(grove.parts, filter)).totalCost;
    expect(await cost({ scope: 'run', run: 'r' })).toBe('11');
    expect(await cost({ scope: 'project', project: '/b/.git' })).toBe('100');
    expect(await cost({ scope: 'today' })).toBe('110');
    expect(await cost({ scope: 'all' })).toBe('111');
    expect(await cost({ scope: 'run', run: 'nobody' })).toBe('0');
  });

  it('still reports the money of a session whose tree was lost in a crash', async () => {
    const grove = createGrove();
    const origin = { session: 'lost', run: 'lost', project: '/a/.git' };
    for (const [key, agent] of [['k1', 'turn-p1'], ['k2', 'a1b2']] as const) {
      await grove.parts.ledger.reserve({ key, origin: { ...origin, agent }, lines: [{ ...TAVILY, amount: 5n, requests: 1 }], scopes: [], kind: 'billed', at: grove.now });
      await grove.parts.ledger.post(key, grove.now);
    }
    const report = await reportOf(grove.parts, { scope: 'all' });
    expect(report.totalCost).toBe('10');
    expect(report.byAgent.map((row) => [row.agentId, row.kind, row.parent])).toEqual([['a1b2', 'subagent', null], ['main', 'main', null]]);
    expect(report.bySession).toMatchObject([{ session: 'lost', cwd: null, startedAt: null, cost: '10' }]);
  });

  it('says what the cache saved: by agent, by endpoint, in all, and on the budget page', async () => {
    const grove = createGrove();
    const live = grove.session('s1');
    grove.agent(live, 'r1', 'researcher');
    await grove.pay(live, 'main', 100_000n, { endpoint: 'docs.example/guide' });
    for (let hit = 0; hit < 4; hit += 1) await grove.note(live, 'r1', 'hit', { tool: 'Bash', endpoint: 'docs.example/guide', saved: 100_000n });
    const report = await reportOf(grove.parts, { scope: 'session', session: live.session });
    expect(report).toMatchObject({ totalCost: '100000', totalRequests: 5, cacheHitRate: 0.8, cacheSavings: '400000', free: 0 });
    expect(report.byAgent.map((row) => [row.agentId, row.hits, row.saved])).toEqual([['main', 0, '0'], ['researcher-1', 4, '400000']]);
    expect(report.byEndpoint).toEqual([{ endpoint: 'docs.example/guide', cost: '100000', held: '0', requests: 5, free: 0, hits: 4, saved: '400000', refused: 0, shadowed: 0 }]);
    expect(reportText(report, 'UTC')).toContain('  cache     80 % hits, $0.40 saved');
    expect(reportText(report, 'UTC')).toMatch(/researcher-1 +\$0\.00 +4 +4 +\$0\.40/);
    expect(budgetText(await budgetView(grove.parts, live))).toContain('saved $0.40 by 4 answers from the cache');
  });
});
