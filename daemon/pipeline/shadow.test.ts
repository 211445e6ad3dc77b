import { describe, expect, it } from 'vitest';
import { counted } from '../core/transfer.ts';
import { memoryLedger } from '../ledger/memory.ts';
import { demandV2, offerV2 } from '../payer/sellers.fixture.ts';
import { budgetText } from '../report/budget-text.ts';
import { budgetView } from '../report/budget.ts';
import { reportText } from '../report/report-text.ts';
import { reportOf } from '../report/report.ts';
import { createExchangeWorld, ok, textOf, turns } from './exchange.fixture.ts';
import { createGovernor } from './governor.ts';
import { createOrders } from './orders.ts';
import { createPayingWorld, demandsV2 } from './paying.fixture.ts';
import { createRecallWorld } from './recall.fixture.ts';
import { registerSession } from './register.ts';
import { createWorld, refusalOf, startedBy, type World } from './world.fixture.ts';

const URL = 'https://api.tavily.com/search';
const PRICED = { mode: 'shadow', prices: [{ endpoint: 'api.tavily.com/*', price: '$0.02' }, { tool: 'mcp__exa__*', price: '$0.02' }] };
const bash = (command: string, id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: id, tool_input: { command }, ...more });
const report = (world: World) => reportOf(world.parts, { scope: 'session', session: world.live.session });
const spentIn = async (world: World) => counted((await world.parts.ledger.balances(['session:s1']))[0]!);
const PASSES = { verdict: { verdict: 'pass' } };

describe('a call in shadow', () => {
  it('passes beyond its budget, is metered all the same, and counts as one that would have been refused', async () => {
    const world = createWorld({ ...PRICED, policy: { sessionBudget: '$0.03' } });
    for (let index = 0; index < 3; index += 1) expect((await world.curl(URL)).before).toEqual(PASSES);
    expect(await spentIn(world)).toBe(60_000n);
    expect(await report(world)).toMatchObject({ mode: 'shadow', totalCost: '60000', totalRequests: 3, refused: { total: 0 }, shadow: { refused: 2, byCode: { SESSION_BUDGET_EXCEEDED: 2 } }, stops: [] });
    expect(world.watched).toContainEqual({ text: 'shadow: would have been refused', code: 'SESSION_BUDGET_EXCEEDED', call: 'api.tavily.com/search', agent: 'main', session: 's1' });
  });

  it('lets all fifty that come at once go, and knows that ten would have fitted', async () => {
    const world = createWorld({ ...PRICED, policy: { sessionBudget: '$0.20' } });
    await Promise.all(Array.from({ length: 50 }, (_, index) => world.send(bash(`curl ${URL}`, `t${index}`))));
    expect(await spentIn(world)).toBe(1_000_000n);
    expect((await report(world)).shadow).toMatchObject({ refused: 40 });
  });

  const policies: [code: string, policy: object][] = [
    ['REQUEST_LIMIT_EXCEEDED', { maxPerRequest: '$0.01' }],
    ['APPROVAL_REQUIRED', { approveAbove: '$0.01' }],
    ['ENDPOINT_NOT_ALLOWED', { blockedEndpoints: ['api.tavily.com'] }],
    ['DAILY_BUDGET_EXCEEDED', { dailyBudget: '$0.01' }],
  ];
  it.each(policies)('is written down once as %s, passes and is charged', async (code, policy) => {
    const world = createWorld({ ...PRICED, policy });
    const { before, after } = await world.curl(URL);
    expect(before).toEqual(PASSES);
    expect(after?.stop).toBeUndefined();
    expect(await spentIn(world)).toBe(20_000n);
    expect((await report(world)).shadow).toEqual({ refused: 1, byCode: { [code]: 1 }, payments: 0, unpaid: '0' });
  });

  it('passes when it is free and strict lists leave it out, when nobody can know where it goes, and when its agent is out of money', async () => {
    const world = createWorld({ ...PRICED, policy: { allowedEndpoints: ['api.exa.ai'], strict: true }, agents: { researcher: { agentBudget: '$0' } } });
    expect(await world.send(bash('curl https://docs.python.org/', 't1'))).toEqual(PASSES);
    expect(await world.send(bash('curl "$U"', 't2'))).toEqual(PASSES);
    expect(await world.send(bash(`curl ${URL}`, 't3', { agent_id: 'r1', agent_type: 'researcher' }))).toEqual(PASSES);
    expect(await report(world)).toMatchObject({ refused: { total: 0 }, shadow: { byCode: { ENDPOINT_NOT_ALLOWED: 3 } } });
    expect(world.live.session.agents.get('r1')?.stopped).toBeNull();
  });

  it('is counted for the requests of a whole command, as its refusal would be', async () => {
    const world = createWorld({ ...PRICED, policy: { sessionBudget: '$0.03' } });
    await world.send(bash(`for q in a b c; do curl "${URL}?q=$q"; done`, 't1'));
    expect((await report(world)).shadow.byCode).toEqual({ SESSION_BUDGET_EXCEEDED: 3 });
  });

  it('starts as many agents as it likes', async () => {
    const world = createWorld({ mode: 'shadow', policy: { maxAgents: 1 } });
    for (const id of ['a1', 'a2']) expect(await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Agent', tool_use_id: id, tool_input: { subagent_type: 'x' } })).toEqual(PASSES);
    expect((await report(world)).shadow.byCode).toEqual({ AGENT_LIMIT_EXCEEDED: 1 });
  });

  it('passes under the kill switch, and who pulls that is told', async () => {
    const world = createWorld(PRICED);
    const told = await createOrders(world.parts).kill(world.live, { kind: 'session' }, 'person');
    expect(told).toMatchObject({ ok: true, sentence: expect.stringContaining('nothing is stopped') as string });
    expect((await world.curl(URL)).before).toEqual(PASSES);
    expect((await report(world)).shadow.byCode).toEqual({ KILL_SWITCH: 1 });
  });

  it('runs itself, though the cache would have had its answer: what is given in its place looks like a refusal', async () => {
    const world = createRecallWorld({ ...PRICED, cache: { reuse: [{ tool: 'mcp__exa__*' }] } });
    for (let index = 0; index < 2; index += 1) {
      const call = await world.start('mcp__exa__search', { q: 'x' });
      expect(await call.reply).toEqual(PASSES);
      await call.ran([{ type: 'text', text: 'found' }]);
    }
    const page = await world.start('WebFetch', { url: URL, prompt: 'x' });
    expect(await page.reply).toEqual(PASSES);
    expect(world.asked).toEqual([]);
    world.setPolicy({ ...PRICED, mode: 'enforce', cache: { reuse: [{ tool: 'mcp__exa__*' }] } });
    expect((await (await world.start('mcp__exa__search', { q: 'x' })).reply).verdict?.verdict).toBe('serve');
  });

  it('is not held up by a ledger that cannot be written', async () => {
    const world = createWorld(PRICED, { ...memoryLedger(), reserve: () => Promise.reject(new Error('disk')) });
    expect(await world.send(bash(`curl ${URL}`, 't1'))).toEqual(PASSES);
    expect(world.watched).toMatchObject([{ code: 'LEDGER_UNAVAILABLE' }]);
  });
});

describe('what shadow does not relax', () => {
  it.each([
    ['pag0’s own files', { tool_name: 'Write', tool_input: { file_path: '/home/me/.pag0/config.json', content: '{"mode":"shadow"}' } }, 'PROTECTED_FILE'],
    ['a project’s policy', { tool_name: 'Edit', tool_input: { file_path: '/work/.claude/pag0.json', new_string: '' } }, 'PROTECTED_FILE'],
    ['the verbs of a person', { tool_name: 'Bash', tool_input: { command: 'pag0 budget raise session $50' } }, 'PERSON_REQUIRED'],
    ['the wallet', { tool_name: 'Bash', tool_input: { command: 'pag0 wallet export' } }, 'PERSON_REQUIRED'],
  ])('are %s', async (_, call, code) => {
    const world = createWorld({ mode: 'shadow' });
    expect(refusalOf((await world.send({ hook_event_name: 'PreToolUse', tool_use_id: 't1', ...call }))!)?.code).toBe(code);
  });

  it('is who may raise a limit', async () => {
    const world = createWorld({ mode: 'shadow' });
    const reply = await world.send({ hook_event_name: 'UserPromptExpansion', command_name: 'pag0-budget', command_args: 'raise session $50' });
    expect(reply?.block).toContain('PERSON_REQUIRED');
  });
});

describe('a loop in shadow', () => {
  const stop = (world: World, driven: boolean) => world.send({ hook_event_name: 'Stop', prompt_id: 'p1', stop_hook_active: driven });
  async function loop(config: object): Promise<World> {
    const world = createWorld(config);
    await world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: 'p1', command_name: 'ralph-loop' });
    for (let round = 0; round < 4; round += 1) {
      expect(refusalOf((await world.curl(URL, { prompt_id: 'p1' })).before)).toBeNull();
      expect((await stop(world, round > 0))?.stop).toBeUndefined();
    }
    return world;
  }

  it('is not ended, and that it would have been is written down once', async () => {
    const world = await loop({ ...PRICED, loops: { maxIterations: 2 } });
    expect(await report(world)).toMatchObject({ stops: [], shadow: { refused: 1, byCode: { LOOP_STOPPED: 1 } } });
  });

  it('that was ended before goes on', async () => {
    const world = await loop(PRICED);
    world.setPolicy({ ...PRICED, mode: 'enforce', loops: { maxIterations: 2 } });
    expect((await stop(world, true))?.stop).toContain('LOOP_STOPPED');
    const wakeUp = () => registerSession(world.parts, { event: 'user-prompt-submit', session_id: 's1', transcript_path: null, cwd: '/work', source: null, prompt_id: 'p9', author: 'wakeup', attended: true, options: {}, clientPid: null, parent: { session: null }, ancestors: [], project: '/work/.git', ownProxy: false, run: null });
    expect((await wakeUp()).stop).toContain('LOOP_STOPPED');
    world.setPolicy(PRICED);
    expect((await wakeUp()).stop).toBeUndefined();
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p9' })).before)).toBeNull();
  });
});

describe('the gateway in shadow', () => {
  it('sends what it would have refused or asked about, charges it, and writes each down once', async () => {
    for (const [code, policy] of [['SESSION_BUDGET_EXCEEDED', { sessionBudget: '$0.01' }], ['APPROVAL_REQUIRED', { approveAbove: '$0.01' }], ['ENDPOINT_NOT_ALLOWED', { blockedEndpoints: ['api.tavily.com'] }]] as const) {
      const one = createExchangeWorld({ ...PRICED, policy });
      const answer = one.get(URL, { approvedUpTo: 0n });
      await turns();
      one.asked[0]!.answer(ok('found'));
      expect(await textOf(await answer)).toBe('found');
      expect(await one.spent()).toMatchObject({ posted: 20_000n });
      expect(await report(one.world)).toMatchObject({ totalRequests: 1, refused: { total: 0 }, shadow: { byCode: { [code]: 1 } } });
    }
  });

  it('writes nothing down again for a command that the hook has written down', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { sessionBudget: '$0.01' } });
    const answer = one.get(URL, { noted: true });
    await turns();
    one.asked[0]!.answer(ok('found'));
    await answer;
    expect((await report(one.world)).shadow.refused).toBe(0);
    await one.world.send(bash(`curl ${URL}`, 't1'));
    expect(one.world.live.running.get('t1')?.noted).toBe(true);
  });

  it('keeps and shares answers as ever: that refuses nobody', async () => {
    const one = createExchangeWorld(PRICED);
    const both = [one.get(URL), one.get(URL)];
    await turns();
    one.asked[0]!.answer(ok('found'));
    expect((await Promise.all(both)).map(({ fields }) => fields['x-pag0-cache'])).toEqual(['miss', 'hit']);
    expect(one.asked).toHaveLength(1);
  });

  it('asks again where it would not for fear of paying twice', async () => {
    const one = createExchangeWorld(PRICED);
    const first = one.get(URL);
    await turns();
    const second = one.get(URL);
    await turns();
    one.asked[0]!.fail(Object.assign(new Error('reset'), { sent: true, code: 'UPSTREAM_FAILED' }));
    await expect(first).rejects.toThrow('reset');
    await turns();
    one.asked[1]!.answer(ok('found'));
    expect(await textOf(await second)).toBe('found');
  });

  it('lets a WebSocket through that it would have refused, and charges it', async () => {
    const world = createWorld({ ...PRICED, policy: { sessionBudget: '$0.01' } });
    const governor = createGovernor(world.parts, { read: () => null }, { behind: async () => null } as never, { send: () => Promise.reject(new Error('nothing is sent')) });
    expect(await governor.admitSocket(startedBy('s1', 1), { method: 'GET', url: URL, fields: {}, body: null })).toBeNull();
    expect(await spentIn(world)).toBe(20_000n);
    expect((await report(world)).shadow.byCode).toEqual({ SESSION_BUDGET_EXCEEDED: 1 });
  });
});

describe('a demand in shadow', () => {
  const demanding = async (config: object, price = '10000') => {
    const one = createPayingWorld({ mode: 'shadow', ...config });
    const answer = one.get('https://shop.example/data', { approvedUpTo: 0n });
    await turns();
    one.asked[0]!.answer(demandsV2(demandV2([offerV2({ amount: price })])));
    return { one, answer: await answer };
  };

  it('is passed on unpaid, with nothing signed or set aside, and what would have been paid is written down', async () => {
    const { one, answer } = await demanding({});
    expect(answer.status).toBe(402);
    expect(answer.fields['payment-required']).toBeDefined();
    expect([one.asked.length, one.payer.signed]).toEqual([1, 0]);
    expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
    expect(await report(one.world)).toMatchObject({ totalCost: '0', totalRequests: 1, shadow: { refused: 0, payments: 1, unpaid: '10000' } });
    expect(one.world.watched).toContainEqual({ text: 'shadow: would have been paid', amount: '$0.01', call: 'shop.example/data', agent: 'main', session: 's1' });
  });

  it.each([
    ['REQUEST_LIMIT_EXCEEDED', { policy: { maxPerRequest: '$0.005' } }],
    ['SESSION_BUDGET_EXCEEDED', { policy: { sessionBudget: '$0.005' } }],
    ['APPROVAL_REQUIRED', { policy: { approveAbove: '$0.005' } }],
    ['ASSET_NOT_ALLOWED', { networks: [{ id: 'eip155:8453' }] }],
    ['ENDPOINT_NOT_ALLOWED', { policy: { payees: ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] } }],
    ['ENDPOINT_NOT_ALLOWED', { policy: { blockedEndpoints: ['shop.example'] }, prices: [{ endpoint: 'shop.example/*', price: 'x402' }] }],
  ])('that would have met %s is written down so, once, and nobody is asked', async (code, config) => {
    const { one, answer } = await demanding(config);
    expect(answer.status).toBe(402);
    expect((await report(one.world)).shadow).toEqual({ refused: 1, byCode: { [code]: 1 }, payments: 0, unpaid: '0' });
    expect([one.approvals.list(), one.world.live.notices]).toEqual([[], []]);
  });
});

describe('shadow is shown', () => {
  it('in the budget and the report, and to whoever starts a session', async () => {
    const world = createWorld({ ...PRICED, policy: { sessionBudget: '$0.03' } });
    await world.curl(URL);
    await world.curl(URL);
    const SHADOW = 'shadow: nothing is refused or paid';
    expect(budgetText(await budgetView(world.parts, world.live))).toContain(`\n${SHADOW}`);
    const text = reportText(await report(world), 'UTC');
    expect(text).toContain(`\n${SHADOW}`);
    expect(text).toContain('\n  shadow    would have been refused: 1 (SESSION_BUDGET_EXCEEDED 1)');
    world.setPolicy({ ...PRICED, mode: 'enforce' });
    expect(budgetText(await budgetView(world.parts, world.live))).not.toContain('shadow');
    expect(reportText(await report(world), 'UTC')).not.toContain(SHADOW);
    expect(reportText(await report(world), 'UTC')).toContain('would have been refused: 1');
  });
});
