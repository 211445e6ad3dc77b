import { describe, expect, it } from 'vitest';
import { demandV2, offerV2 } from '../payer/sellers.fixture.ts';
import { clientAsks, createApprovals, type Quoted } from './approvals.ts';
import { createGovernor } from './governor.ts';
import { ok, turns } from './exchange.fixture.ts';
import type { Spender } from './exchange.ts';
import { createPayingWorld, demandsV2, paidTo, receipt } from './paying.fixture.ts';
import { createWorld, refusalOf, register, startedBy, type World, withGateway } from './world.fixture.ts';

const QUOTED: Quoted = { session: 's1', request: 'digest', network: 'eip155:84532', asset: '0xa', payTo: '0xb', amount: 300_000n };
const ABOUT = { agent: 'r1', label: 'a.com/x', code: 'APPROVAL_REQUIRED', why: "costs $0.30, above what needs a person's yes" } as const;
const MINUTE = 60_000;

function store() {
  const time = { now: 0 };
  let ids = 0;
  return { time, approvals: createApprovals(() => time.now, () => `id${(ids += 1)}`) };
}

describe('an approval', () => {
  it('is nothing until a person gives it, and nothing any more once it is declined', () => {
    const { approvals } = store();
    const { id } = approvals.ask(QUOTED, ABOUT);
    expect(approvals.take(QUOTED)).toBeNull();
    expect(approvals.answer(id, false)).toMatchObject({ id, approved: false });
    expect(approvals.list()).toEqual([]);
    expect(approvals.answer(id, true)).toBeNull();
    expect(approvals.take(QUOTED, [id])).toBeNull();
  });

  it.each([['session', 's2'], ['request', 'another'], ['network', 'eip155:8453'], ['asset', '0xc'], ['payTo', '0xd'], ['amount', 300_001n]] as const)('fits that one quote: not another %s', (field, value) => {
    const { approvals } = store();
    const { id } = approvals.ask(QUOTED, ABOUT);
    approvals.answer(id, true);
    expect(approvals.take({ ...QUOTED, [field]: value }, [id])).toBeNull();
    expect(approvals.take(QUOTED)).toMatchObject({ id });
  });

  it('counts once, and again only when it is given back', () => {
    const { approvals } = store();
    approvals.answer(approvals.ask(QUOTED, ABOUT).id, true);
    const taken = approvals.take(QUOTED)!;
    expect(approvals.take(QUOTED)).toBeNull();
    approvals.giveBack(taken);
    expect(approvals.take(QUOTED)).toBe(taken);
  });

  it('expires a quarter of an hour after it was asked for, and as long after it was given', () => {
    const { approvals, time } = store();
    const first = approvals.ask(QUOTED, ABOUT);
    time.now = 15 * MINUTE;
    expect(approvals.list()).toEqual([]);
    expect(approvals.answer(first.id, true)).toBeNull();
    const second = approvals.ask(QUOTED, ABOUT);
    expect(second.id).not.toBe(first.id);
    time.now += 14 * MINUTE;
    approvals.answer(second.id, true);
    time.now += 15 * MINUTE - 1;
    expect(approvals.list()).toHaveLength(1);
    time.now += 1;
    expect(approvals.take(QUOTED)).toBeNull();
  });

  it('that was given is not given back after its time', () => {
    const { approvals, time } = store();
    approvals.answer(approvals.ask(QUOTED, ABOUT).id, true);
    const taken = approvals.take(QUOTED)!;
    time.now = 15 * MINUTE;
    approvals.giveBack(taken);
    expect(approvals.take(QUOTED)).toBeNull();
  });

  it('asked for twice is one question', () => {
    const { approvals } = store();
    expect(approvals.ask(QUOTED, ABOUT).id).toBe(approvals.ask(QUOTED, { ...ABOUT, agent: 'r2' }).id);
    expect(approvals.list()).toHaveLength(1);
  });

  it('makes room at two hundred: the oldest of the same session goes, else the oldest', () => {
    const { approvals } = store();
    const elsewhere = approvals.ask({ ...QUOTED, session: 's2' }, ABOUT);
    for (let index = 0; index < 200; index += 1) approvals.ask({ ...QUOTED, request: `digest-${index}` }, ABOUT);
    expect(approvals.list()).toHaveLength(200);
    expect(approvals.list()[0]).toEqual(elsewhere);
    expect(approvals.list()[1]).toMatchObject({ request: 'digest-1' });
    approvals.ask({ ...QUOTED, session: 's3' }, ABOUT);
    expect(approvals.list()[0]).toMatchObject({ request: 'digest-1' });
  });

  it('counts as given for a call about which the client asked its person', () => {
    const { approvals } = store();
    const { id } = approvals.ask(QUOTED, ABOUT);
    expect(approvals.take(QUOTED, ['another'])).toBeNull();
    expect(approvals.take(QUOTED, [id])).toMatchObject({ id });
    expect(approvals.take(QUOTED, [id])).toBeNull();
  });
});

describe('the client asks', () => {
  const live = createWorld().live;
  it.each([['default', true], ['acceptEdits', true], ['plan', false], ['auto', false], ['dontAsk', false], ['bypassPermissions', false], ['something new', false], [null, false]])('in mode %s: %s', (mode, asks) => {
    expect(clientAsks(live, mode)).toBe(asks);
  });

  it('nobody where nobody sits at it, and nobody below an agent', () => {
    const { parts } = createWorld();
    expect(clientAsks(register(parts, 's2', { attended: false }), 'default')).toBe(false);
    expect(clientAsks(register(parts, 's3', { parentSession: 's1' }), 'default')).toBe(false);
  });
});

const URL = 'https://shop.example/data';
const bash = (id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: id, tool_input: { command: `curl ${URL}` }, permission_mode: 'default', ...more });
const webFetch = (id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', tool_name: 'WebFetch', tool_use_id: id, tool_input: { url: URL, prompt: 'read' }, permission_mode: 'default', ...more });
/** A seller that a rule names is looked at. */
const NAMED = { prices: [{ endpoint: 'shop.example/*', price: 'x402' }] };
const waits = (world: World, more: Partial<Quoted & typeof ABOUT> = {}) => world.parts.approvals.ask({ ...QUOTED, payTo: paidTo, ...more }, { ...ABOUT, label: 'shop.example/data', ...more });

describe('a call to where a payment waits', () => {
  it('is asked about at the client, with price and payee', async () => {
    const world = createWorld(NAMED);
    withGateway(world);
    const { id } = waits(world);
    const reply = await world.send(bash('t1'));
    expect(reply).toEqual({
      verdict: { verdict: 'ask', sentence: `pag0 APPROVAL_REQUIRED: shop.example/data costs $0.30, above what needs a person's yes ($0.30 to ${paidTo}); $4.70 of this session's $5.00 would be left.` },
    });
    expect(world.live.running.get('t1')?.approvals).toEqual([id]);
    expect((await world.send(webFetch('t2')))?.verdict).toMatchObject({ verdict: 'ask' });
  });

  it('tells how many payments the yes would be for', async () => {
    const world = createWorld(NAMED);
    withGateway(world);
    for (const request of ['a', 'b']) waits(world, { request });
    waits(world, { request: 'c', code: 'PAYEE_CHANGED' as never, why: 'asks $0.30 for 0xe' as never, payTo: '0xe' });
    const reply = await world.send(bash('t1'));
    expect(reply?.verdict).toMatchObject({ sentence: expect.stringMatching(/\(\$0\.30 to 0x[0-9a-f]{40}\), up to 2 times; shop\.example\/data asks \$0\.30 for 0xe \(\$0\.30 to 0xe\); \$4\.10 of/) as string });
    expect(world.live.running.get('t1')?.approvals).toHaveLength(3);
  });

  it.each([
    ['where permissions are bypassed', { permission_mode: 'bypassPermissions' }],
    ['in auto mode', { permission_mode: 'auto' }],
    ['where the client does not tell its mode', { permission_mode: undefined }],
  ])('is not asked about %s', async (_, more) => {
    const world = createWorld(NAMED);
    withGateway(world);
    waits(world);
    expect((await world.send(bash('t1', more)))?.verdict).toEqual({ verdict: 'pass' });
    expect(world.live.running.get('t1')?.approvals).toEqual([]);
  });

  it('is not asked about in a session that nobody attends, nor past the gateway, nor elsewhere, nor once a person has allowed it', async () => {
    const world = createWorld(NAMED);
    const { id } = waits(world);
    expect((await world.send(bash('t1')))?.verdict).toEqual({ verdict: 'pass' });
    withGateway(world);
    expect((await world.send(bash('t2', { tool_input: { command: 'curl https://shop.example/other' } })))?.verdict).toEqual({ verdict: 'pass' });
    register(world.parts, 's2', { attended: false });
    waits(world, { session: 's2' });
    expect((await world.send(bash('t3', { session_id: 's2' })))?.verdict).toEqual({ verdict: 'pass' });
    register(world.parts, 's3');
    expect((await world.send(bash('t4', { session_id: 's3' })))?.verdict).toEqual({ verdict: 'pass' });
    world.parts.approvals.answer(id, true);
    expect((await world.send(bash('t5')))?.verdict).toEqual({ verdict: 'pass' });
  });

  it('by WebFetch is left to the client, and what its person said is known when it fails', async () => {
    const world = createWorld();
    const { id } = waits(world);
    const seen: unknown[] = [];
    world.parts.recall = {
      before: async (_live, _agent, _call, weighed) => (seen.push(weighed.ask), { outcome: 'runs' }),
      after: async () => {},
      failed: async (_live, _agent, _call, _error, approvals) => (seen.push(approvals), 'the page'),
      end: () => {},
      abandon: () => {},
    };
    await world.send(webFetch('t1'));
    const reply = await world.send({ ...webFetch('t1'), hook_event_name: 'PostToolUseFailure', error: 'Request failed with status code 402' });
    expect(seen).toEqual([true, [id]]);
    expect(reply?.context).toBe('the page');
  });
});

describe('the gateway', () => {
  it('takes what a person said of a call for requests alone of which the system says that they are of it', async () => {
    const world = createWorld(NAMED);
    withGateway(world, { 1: 't1', 2: 't0' });
    const { id } = waits(world);
    await world.send(bash('t1'));
    const spenders: Spender[] = [];
    const exchange = { send: (spender: Spender) => (spenders.push(spender), Promise.reject(Object.assign(new Error('no'), { sent: false }))) };
    const governor = createGovernor(world.parts, { read: () => null }, { behind: async () => null }, exchange);
    const request = { method: 'GET', url: URL, fields: {}, body: null };
    for (const port of [1, 2, 3]) await governor.exchange(startedBy('s1', port), request, new AbortController().signal).catch(() => {});
    expect(spenders.map(({ toolUseId, approvals }) => [toolUseId, approvals])).toEqual([['t1', [id]], [null, []], [null, []]]);
  });
});

describe('a payment above what needs a yes', () => {
  const setUp = () => {
    const one = createPayingWorld({ policy: { approveAbove: '$0.005' } });
    const { world } = one;
    world.live.permissionMode = 'default';
    const buy = async (more: Partial<Spender> = {}, amount = '10000') => {
      const before = one.asked.length;
      const answer = one.ask(URL, { method: 'POST', approvedUpTo: 0n, approvals: [], ...more });
      await turns();
      one.asked[before]!.answer(demandsV2(demandV2([offerV2({ amount })])));
      for (let round = 0; round < 4; round += 1) await turns(40).then(() => new Promise((resolve) => setTimeout(resolve, 2)));
      one.asked[before + 1]?.answer(ok('x', receipt()));
      const exchanged = await answer;
      return 'refusal' in exchanged ? exchanged.refusal : exchanged.answer.status;
    };
    return { world, buy };
  };

  it('is refused with its id, and with the way to a yes: the client, or the person’s own words', async () => {
    const { buy, world } = setUp();
    expect(await buy()).toMatchObject({ code: 'APPROVAL_REQUIRED', details: { approval: 'ask1' }, sentence: expect.stringContaining('make the same call once more and the person is asked, or wait for /pag0-approve ask1, within 15 minutes') as string });
    world.live.permissionMode = 'bypassPermissions';
    expect(await buy()).toMatchObject({ sentence: expect.stringContaining('a person can allow this one payment with /pag0-approve ask1 or, in a terminal, `pag0 approve ask1`, within 15 minutes') as string });
    expect(world.live.notices[0]).toContain('main wants to buy shop.example/data');
  });

  it('is paid, once, in a call that the client asked about; another price is another question', async () => {
    const { buy } = setUp();
    await buy();
    expect(await buy({ approvals: ['ask1'] }, '10001')).toMatchObject({ code: 'APPROVAL_REQUIRED', details: { approval: 'ask2' } });
    expect(await buy({ approvals: ['ask1'] })).toBe(200);
    expect(await buy({ approvals: ['ask1'] })).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('is told to the agent that asked once a person has allowed it', async () => {
    const { world, buy } = setUp();
    await buy();
    await world.send({ hook_event_name: 'UserPromptExpansion', command_name: 'pag0-approve', command_args: 'ask1' }, true);
    const other = { agent_id: 'r1', agent_type: 'researcher' };
    const call = { tool_name: 'Bash', tool_input: { command: 'git status' } };
    const ended = async (id: string, more: object) => {
      await world.send({ hook_event_name: 'PreToolUse', tool_use_id: id, ...call, ...more });
      return (await world.send({ hook_event_name: 'PostToolUse', tool_use_id: id, ...call, tool_response: { stdout: '' }, ...more }))?.context;
    };
    expect(await ended('t1', other)).toBeUndefined();
    expect(await ended('t2', {})).toMatch(/^A person has allowed the payment of shop\.example\/data for \$0\.01 to 0x[0-9a-f]{40}, which was refused before; make the same call once more/);
    expect(await ended('t3', {})).toBeUndefined();
    expect(await buy()).toBe(200);
  });

  it('is told to the main thread when the subagent that asked has ended, and to nobody when it is too late', async () => {
    const { world } = setUp();
    const sub = { agent_id: 'r1', agent_type: 'researcher' };
    const call = { tool_name: 'Bash', tool_input: { command: 'git status' } };
    const ended = async (id: string, more: object = {}) => {
      await world.send({ hook_event_name: 'PreToolUse', tool_use_id: id, ...call, ...more });
      return (await world.send({ hook_event_name: 'PostToolUse', tool_use_id: id, ...call, tool_response: { stdout: '' }, ...more }))?.context;
    };
    await ended('t1', sub);
    world.live.hints.push({ agent: 'r1', text: 'allowed', until: world.now + 1 });
    expect(await ended('t2')).toBeUndefined();
    await world.send({ hook_event_name: 'SubagentStop', ...sub });
    expect(await ended('t3')).toBe('allowed');
    world.live.hints.push({ agent: 'main', text: 'too late', until: world.now });
    expect(await ended('t4')).toBeUndefined();
    expect(world.live.hints).toEqual([]);
  });
});

describe('/pag0-approve', () => {
  const typed = (world: World, args: string, person = true) => world.send({ hook_event_name: 'UserPromptExpansion', command_name: 'pag0:pag0-approve', command_args: args }, person).then((reply) => reply?.block);

  it('lists what waits: id, endpoint, why, amount, payee, agent, minutes left', async () => {
    const world = createWorld();
    expect(await typed(world, '')).toBe("No payment waits for a person's yes.");
    world.parts.sessions.learnChild(world.live, { id: 'r1', type: 'researcher', parent: 'main' });
    waits(world);
    world.now += 3.5 * MINUTE;
    const text = (await typed(world, ''))!;
    expect(text.replace(/\s+/g, ' ')).toBe(
      `1 payment asked about: ask1: shop.example/data costs $0.30, above what needs a person's yes ($0.30 to ${paidTo}, asked by researcher-1, 12 minutes left) /pag0-approve ID allows one, once; /pag0-approve no ID declines it.`,
    );
    await typed(world, 'ask1');
    expect(await typed(world, '')).toMatch(/15\s+minutes\s+left,\s+allowed\s+and\s+not\s+used\s+yet/);
  });

  it('allows and declines by id, and says what happens next', async () => {
    const world = createWorld();
    waits(world);
    expect(await typed(world, 'ASK1')).toBe(`Allowed once, within 15 minutes: shop.example/data for $0.30 to ${paidTo}. The agent is told at its next call; ask it to go on.`);
    expect(world.parts.approvals.list()[0]).toMatchObject({ approved: true });
    expect(await typed(world, 'no ask1')).toBe(`Declined: shop.example/data for $0.30 to ${paidTo} is not paid.`);
    expect(await typed(world, 'ask1')).toMatch(/^pag0 NOT_FOUND: no payment waits under "ask1"/);
  });

  it('takes no other words', async () => {
    const world = createWorld();
    waits(world);
    for (const args of ['no', 'ask1 ask2', 'no ask1 now']) expect(await typed(world, args)).toMatch(/^pag0 BAD_REQUEST: write \/pag0-approve/);
    expect(world.parts.approvals.list()).toMatchObject([{ approved: false }]);
  });

  it('is nobody’s but a person’s', async () => {
    const world = createWorld();
    waits(world);
    for (const args of ['ask1', 'no ask1']) expect(await typed(world, args, false)).toMatch(/^pag0 PERSON_REQUIRED: only a person can allow or decline a payment/);
    expect(world.parts.approvals.list()).toMatchObject([{ approved: false }]);
    expect(world.live.hints).toEqual([]);
  });
});

it('a refused call is not left as one that a person agreed to', async () => {
  const world = createWorld({ policy: { blockedEndpoints: ['shop.example/*'], strict: true } });
  withGateway(world);
  waits(world);
  const reply = (await world.send(bash('t1')))!;
  expect(refusalOf(reply)).not.toBeNull();
  expect(world.live.running.get('t1')).toBeUndefined();
});
