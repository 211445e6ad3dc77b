import { describe, expect, it } from 'vitest';
import { Pag0Error } from '../core/errors.ts';
import { reportOf } from '../report/report.ts';
import { turns } from './exchange.fixture.ts';
import { createRecallWorld, servedText, type RecallWorld } from './recall.fixture.ts';
import { refusalOf } from './world.fixture.ts';

const SEARCH = 'mcp__exa__search';
const READS = { cache: { reuse: [{ tool: 'mcp__exa__*' }] }, prices: [{ tool: 'mcp__exa__*', price: '$0.10' }] };
const QUERY = { query: 'cats', limit: 5 };
const result = (text: string) => [{ type: 'text', text }];
const unwritable = () => Promise.reject(new Pag0Error('LEDGER_UNAVAILABLE', 'disk full'));
const report = (world: RecallWorld) => reportOf(world.parts, { scope: 'session', session: world.live.session });
const runs = async (call: { reply: Promise<unknown> }) => expect(await call.reply).toMatchObject({ verdict: { verdict: 'pass' } });

describe('a tool declared to be a read', () => {
  it('runs once, and its result is given to the next agent that asks the same, in whatever order it names the arguments', async () => {
    const world = createRecallWorld(READS);
    const first = await world.start(SEARCH, QUERY);
    await runs(first);
    await first.ran(result('three cats'));
    const second = await world.start(SEARCH, { limit: 5, query: 'cats' }, { agent_id: 'a1', agent_type: 'researcher' });
    expect(await servedText(second)).toBe("pag0: this is the tool's result and not an error. mcp__exa__search was asked the same 0 s ago, and its result comes from the cache, so it cost nothing.\n\nthree cats");
    expect(await world.spent()).toEqual({ posted: 100_000n, reserved: 0n, held: 0n });
    expect(await report(world)).toMatchObject({ totalRequests: 2, cacheHitRate: 0.5, cacheSavings: '100000' });
  });

  it('runs once for five who ask the same at once', async () => {
    const world = createRecallWorld(READS);
    const [leader, ...others] = await Promise.all([1, 2, 3, 4, 5].map(() => world.start(SEARCH, QUERY)));
    await runs(leader!);
    expect(await world.spent()).toMatchObject({ reserved: 100_000n });
    await leader!.ran(result('three cats'));
    for (const other of others) expect(await servedText(other)).toContain('three cats');
    expect(await report(world)).toMatchObject({ totalCost: '100000', cacheSavings: '400000' });
  });

  it('runs anew for other arguments, and where no rule declares it a read', async () => {
    const world = createRecallWorld(READS);
    await (await world.start(SEARCH, QUERY)).ran(result('three cats'));
    await runs(await world.start(SEARCH, { ...QUERY, limit: 6 }));
    await (await world.start('mcp__mail__send', QUERY)).ran(result('sent'));
    await runs(await world.start('mcp__mail__send', QUERY));
  });

  it('lets exactly one of those who wait take over when the first was turned down before it ran', async () => {
    const world = createRecallWorld({ ...READS, policy: { sessionBudget: '$0.10' } });
    const [leader, ...others] = await Promise.all([1, 2, 3].map(() => world.start(SEARCH, QUERY)));
    await runs(leader!);
    await world.parts.ledger.void('s1/toolu_1', world.now, 'turned down before it ran');
    world.parts.recall!.end(world.live, 'toolu_1', 'failed');
    await turns();
    await runs(others[0]!);
    await others[0]!.ran(result('three cats'));
    expect(await servedText(others[1]!)).toContain('three cats');
    expect(await world.spent()).toEqual({ posted: 100_000n, reserved: 0n, held: 0n });
  });

  it('is not asked again, and not paid again, when nobody knows what the first one cost', async () => {
    for (const end of ['failed', 'gone'] as const) {
      const world = createRecallWorld(READS);
      const [leader, other] = await Promise.all([1, 2].map(() => world.start(SEARCH, QUERY)));
      await runs(leader!);
      if (end === 'failed') await leader!.failed('the server broke');
      else await world.send({ hook_event_name: 'SessionEnd' });
      expect(refusalOf(await other!.reply)).toMatchObject({ code: 'UPSTREAM_FAILED', sentence: expect.stringContaining('was not asked again') as string });
      expect(await world.spent()).toEqual({ posted: 100_000n, reserved: 0n, held: 0n });
    }
  });

  it('is asked by each for itself when it is free and failed, or its result is no text', async () => {
    for (const response of [null, [{ type: 'image', source: {} }]]) {
      const world = createRecallWorld({ cache: READS.cache });
      const [leader, other] = await Promise.all([1, 2].map(() => world.start(SEARCH, QUERY)));
      if (response === null) await leader!.failed('busy');
      else await leader!.ran(response);
      await runs(other!);
    }
  });

  it('does not hold up the others when the first one has no money left', async () => {
    const world = createRecallWorld({ ...READS, agents: { poor: { agentBudget: '$0.05' } } });
    const [poor, rich] = await Promise.all([world.start(SEARCH, QUERY, { agent_id: 'p', agent_type: 'poor' }), world.start(SEARCH, QUERY)]);
    expect(refusalOf(await poor!.reply)).toMatchObject({ code: 'AGENT_BUDGET_EXCEEDED' });
    await runs(rich!);
  });

  it('is shared no further than the project, because another project’s server of that name may be another one', async () => {
    const world = createRecallWorld({ ...READS, cache: { ...READS.cache, scope: 'user' } });
    await (await world.start(SEARCH, QUERY)).ran(result('three cats'));
    world.live.session.project = '/elsewhere/.git';
    await runs(await world.start(SEARCH, QUERY));
  });

  it('counts as a repeated call of its round, so that a loop that asks for ever is seen', async () => {
    const world = createRecallWorld(READS);
    const call = await world.start(SEARCH, QUERY, { prompt_id: 'p1' });
    await call.ran(result('three cats'));
    expect(world.live.turn).toMatchObject({ calls: 1 });
    const marks = [];
    for (const later of [0, 60_000]) {
      world.now += later;
      const { mark } = world.live.turn!;
      await servedText(await world.start(SEARCH, QUERY, { prompt_id: 'p1' }));
      marks.push(world.live.turn!.mark - mark);
    }
    expect(world.live.turn).toMatchObject({ calls: 3 });
    expect(marks[0]).toBe(marks[1]);
  });

  it('is refused to one that takes over when the kill switch was pulled while it waited', async () => {
    const world = createRecallWorld(READS);
    const [leader, other] = await Promise.all([1, 2].map(() => world.start(SEARCH, QUERY)));
    await runs(leader!);
    await world.parts.directives.give({ kind: 'kill', scope: 'all', limit: null, by: 'person', at: world.now });
    world.parts.recall!.end(world.live, 'toolu_1', 'failed');
    expect(refusalOf(await other!.reply)).toMatchObject({ code: 'KILL_SWITCH' });
    await world.parts.directives.give({ kind: 'resume', scope: 'all', limit: null, by: 'person', at: (world.now += 1) });
    await runs(await world.start(SEARCH, QUERY));
  });

  it('holds up nobody when the ledger could not set its price aside, so that it did not run', async () => {
    const world = createRecallWorld(READS);
    const { reserve } = world.parts.ledger;
    world.parts.ledger.reserve = unwritable;
    expect(refusalOf(await (await world.start(SEARCH, QUERY)).reply)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    world.parts.ledger.reserve = reserve;
    await runs(await world.start(SEARCH, QUERY));
  });

  it('is kept with its price when it ran and the ledger could not write that', async () => {
    const world = createRecallWorld(READS);
    const first = await world.start(SEARCH, QUERY);
    await runs(first);
    world.parts.ledger.post = unwritable;
    await expect(first.ran(result('three cats'))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(await servedText(await world.start(SEARCH, QUERY))).toContain('three cats');
    expect(await report(world)).toMatchObject({ cacheSavings: '100000' });
  });

  it('is waited for no longer than five minutes when nothing tells of its end, and kept when it ends after all', async () => {
    const world = createRecallWorld(READS);
    const lost = await world.start(SEARCH, QUERY, { agent_id: 'a1', agent_type: 'researcher' });
    await runs(lost);
    world.now += 5 * 60_000 - 1;
    const waiting = await world.start(SEARCH, QUERY);
    world.now += 1;
    const next = await world.start(SEARCH, QUERY);
    await runs(next);
    expect(refusalOf(await waiting.reply)).toMatchObject({ code: 'UPSTREAM_FAILED' });
    await lost.ran(result('three cats'));
    expect(await servedText(await world.start(SEARCH, QUERY, { agent_id: 'a2', agent_type: 'researcher' }))).toContain('three cats');
  });

  it('is kept for the next when a person said yes to it', async () => {
    const world = createRecallWorld({ ...READS, policy: { approveAbove: '$0.05' } });
    const first = await world.start(SEARCH, QUERY);
    expect(await first.reply).toMatchObject({ verdict: { verdict: 'ask' } });
    await first.ran(result('three cats'));
    expect(await servedText(await world.start(SEARCH, QUERY))).toContain('three cats');
    expect(await report(world)).toMatchObject({ totalCost: '100000', cacheSavings: '100000' });
  });
});
