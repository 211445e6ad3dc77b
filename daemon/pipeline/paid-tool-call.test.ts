import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { canonicalJson } from '../core/canonical-json.ts';
import { endpointOf } from '../core/endpoint.ts';
import { answerTo, paidCall, refusedAnswer, toolAnswerIn, toolCallIn } from '../core/tool-call.ts';
import { digestOf } from '../contract/tool-payment.ts';
import { prove } from '../payer/obligations.fixture.ts';
import { demandV1, demandV2, offerV2, SELLER, USDC } from '../payer/sellers.fixture.ts';
import { createPaidRequests } from './paid-request.ts';
import { createPaidToolCalls, found, type ToolDelivery } from './paid-tool-call.ts';
import { createPayingWorld, demandsV2, paidTo, receipt as receiptField, TRANSACTION, WALLET, type PayingWorld } from './paying.fixture.ts';
import { NO_WALLET, ok, turns } from './exchange.fixture.ts';
import type { WebAnswer } from '../ports.ts';
import { register } from './world.fixture.ts';

const CENT = 10_000n;
const SHOP = 'https://shop.example/mcp';

interface Message {
  id?: unknown;
  params?: { _meta?: Record<string, unknown> };
  result?: { isError?: boolean; content?: { text: string }[]; resultType?: string; _meta?: object };
  error?: { code: number };
}

/** A client and a server with nothing between them but the step: what the server heard, and what the client has of it. */
function trade(one: PayingWorld) {
  const calls = createPaidToolCalls({ parts: one.world.parts, payer: one.payer, purchases: one.purchases, paidRequests: NO_WALLET });
  return async (answers: readonly (object | Error)[], more: { params?: object; endpoint?: string; toolUseId?: string; session?: string; unasked?: true } = {}): Promise<{ heard: Message[]; answer: Message; text: string }> => {
    const text = JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'search', arguments: { q: 'x' }, _meta: { progressToken: 1, ...(more.toolUseId === undefined ? {} : { 'claudecode/toolUseId': more.toolUseId }) }, ...more.params } });
    const call = toolCallIn(text)!;
    const heard: string[] = [text];
    const said = (at: number): string => {
      const answer = answers[at]!;
      if (answer instanceof Error) throw answer;
      return JSON.stringify({ jsonrpc: '2.0', id: (JSON.parse(heard[at]!) as Message).id, ...answer });
    };
    const first = toolAnswerIn(said(0))!;
    const asker = { session: more.session ?? 's1', called: { server: SHOP, name: 'shop.example', tool: call.tool, arguments: digestOf(call.arguments), toolUseId: call.toolUseId }, endpoint: more.endpoint === undefined ? null : endpointOf(more.endpoint) };
    const live = one.world.parts.sessions.get(asker.session);
    // The client tells of every call before it makes it.
    if (more.unasked !== true && live !== undefined && found(live, asker.called) === null) {
      const input = (JSON.parse(text) as { params: { arguments: object } }).params.arguments;
      await one.world.send({ hook_event_name: 'PreToolUse', session_id: asker.session, tool_name: 'mcp__shop_example__search', tool_use_id: `told ${JSON.stringify(input)}`, tool_input: input });
    }
    const met = first.demand === null ? { outcome: 'passed' as const } : await calls.meet(asker, first.demand, async (payload) => {
      heard.push(paidCall(call, '"again"', payload));
      const second = said(1);
      return { answer: toolAnswerIn(second), how: 'answered', value: answerTo(call.id, second) };
    });
    const reached = met.outcome === 'passed' ? said(0) : met.outcome === 'bought' ? met.value : refusedAnswer(call.id, met.refusal.sentence, first);
    return { heard: heard.map((one) => JSON.parse(one) as Message), answer: JSON.parse(reached) as Message, text: (JSON.parse(reached) as Message).result?.content?.[0]?.text ?? '' };
  };
}

const wants = (demand: object, more: object = {}): object => ({ result: { isError: true, content: [{ type: 'text', text: JSON.stringify(demand) }], structuredContent: demand, ...more } });
const wantsAsText = (demand: object): object => ({ result: { isError: true, content: [{ type: 'text', text: JSON.stringify(demand) }] } });
const receipt = (more: object = {}) => ({ 'x402/payment-response': { success: true, transaction: TRANSACTION, network: 'eip155:84532', payer: WALLET, ...more } });
const gives = (text: string, meta: object | null = receipt()): object => ({ result: { content: [{ type: 'text', text }], ...(meta === null ? {} : { _meta: meta }) } });
const paymentOf = ({ params }: Message) => params?._meta?.['x402/payment'] as Record<string, unknown> | undefined;
const receiptsOf = (one: PayingWorld) => one.world.parts.ledger.receipts({ all: true }, 100);

describe('x402 over MCP', () => {
  prove('mcp', {
    'v2-mcp-1': async () => {
      const one = createPayingWorld();
      expect(await trade(one)([wants(demandV2()), gives('found')])).toMatchObject({ text: 'found' });
      expect(await one.spent()).toEqual({ posted: CENT, reserved: 0n, held: 0n });
      expect(await receiptsOf(one)).toMatchObject([{ state: 'posted', amount: CENT, payTo: paidTo, proof: TRANSACTION, answered: true }]);
    },
    'v2-mcp-2': async () => {
      for (const other of [undefined, { kind: 'error' }, { x402Version: 2 }]) {
        expect(await trade(createPayingWorld())([{ result: { isError: true, content: [{ type: 'text', text: JSON.stringify(demandV2()) }], structuredContent: other } }, gives('found')])).toMatchObject({ text: 'found' });
      }
    },
    'v2-mcp-3': async () => {
      const one = createPayingWorld();
      await trade(one)([wants(demandV2(), { content: [{ type: 'text', text: JSON.stringify(demandV2([offerV2({ amount: '20000' })])) }] }), gives('found')]);
      expect((await one.spent()).posted).toBe(CENT);
    },
    'v2-mcp-4': async () => {
      const one = createPayingWorld();
      const { heard, text } = await trade(one)([{ result: { content: [{ type: 'text', text: JSON.stringify(demandV2()) }], structuredContent: demandV2() } }]);
      expect([heard.length, text, one.payer.signed]).toEqual([1, JSON.stringify(demandV2()), 0]);
    },
    'v2-mcp-5': async () => {
      const { heard } = await trade(createPayingWorld())([wants(demandV2()), gives('found')], { params: { arguments: { n: 1.5, deep: [{ q: 'ü' }] } } });
      const [first, second] = heard as [Message & { params: object }, Message & { params: object }];
      expect(second).toEqual({ ...first, id: 'again', params: { ...first.params, _meta: { progressToken: 1, 'x402/payment': expect.objectContaining({ x402Version: 2, accepted: offerV2() }) as object } } });
    },
    'v2-mcp-8': async () => {
      const one = createPayingWorld();
      const { answer } = await trade(one)([wants(demandV2()), gives('found')]);
      expect(answer).toMatchObject({ id: 5, result: { _meta: receipt() } });
      expect(await receiptsOf(one)).toMatchObject([{ proof: TRANSACTION }]);
    },
    'v2-mcp-9': async () => {
      for (const second of [{ result: { isError: true, content: [{ type: 'text', text: 'it broke' }] } }, { error: { code: -32603, message: 'it broke' } }]) {
        const one = createPayingWorld();
        const { heard, answer } = await trade(one)([wants(demandV2()), second]);
        expect(answer).toEqual({ jsonrpc: '2.0', id: 5, ...second });
        expect([heard.length, one.payer.signed, await one.spent()]).toEqual([2, 1, { posted: 0n, reserved: 0n, held: CENT }]);
      }
      const one = createPayingWorld();
      const { heard, text } = await trade(one)([wants(demandV2()), wants({ ...demandV2(), error: 'Settlement failed' })]);
      expect(text).toMatch(/^pag0 PAYMENT_FAILED: mcp__shop_example__search was shown a payment of \$0\.01 and demands to be paid once more/);
      expect([heard.length, one.payer.signed, await one.spent()]).toEqual([2, 1, { posted: 0n, reserved: 0n, held: CENT }]);
    },
    'v2-mcp-10': async () => {
      const error = { error: { code: -32602, message: 'Invalid params', data: { accepts: [] } } };
      const { heard, answer } = await trade(createPayingWorld())([error]);
      expect([heard.length, answer]).toEqual([1, { jsonrpc: '2.0', id: 5, ...error }]);
    },
    'v2-mcp-11': async () => {
      expect(await trade(createPayingWorld())([wants(demandV2(), { resultType: 'complete' }), gives('found')])).toMatchObject({ text: 'found' });
      const { answer } = await trade(createPayingWorld({ policy: { maxPerRequest: '$0.001' } }))([wants(demandV2(), { resultType: 'complete' })]);
      expect(answer.result).toMatchObject({ isError: true, resultType: 'complete' });
    },
    'v1-mcp-1': async () => expect(await trade(createPayingWorld())([wants(demandV1()), gives('found')])).toMatchObject({ text: 'found' }),
    'v1-mcp-2': async () => {
      for (const demand of [demandV1(), { 'x402/error': { code: 402, message: 'pay', data: demandV1() } }]) expect(await trade(createPayingWorld())([wantsAsText(demand), gives('found')])).toMatchObject({ text: 'found' });
    },
    'v1-mcp-3': async () => {
      const { heard } = await trade(createPayingWorld())([wants(demandV1()), gives('found')]);
      expect(paymentOf(heard[1]!)).toMatchObject({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: { authorization: { to: SELLER, value: '10000' } } });
    },
    'v1-mcp-5': async () => {
      const one = createPayingWorld();
      const failed = receipt({ success: false, transaction: '', errorReason: 'insufficient_funds' });
      const { heard, text } = await trade(one)([wants(demandV1()), { error: { code: 402, message: 'Payment settlement failed', data: { ...demandV1(), ...failed } } }]);
      expect(text).toContain('("insufficient_funds")');
      expect([heard.length, one.payer.signed, await one.spent()]).toEqual([2, 1, { posted: 0n, reserved: 0n, held: CENT }]);
    },
  });

  it('reads the first version’s older way: a JSON-RPC error', async () => {
    expect(await trade(createPayingWorld())([{ error: { code: 402, message: 'Payment required', data: demandV1() } }, gives('found')])).toMatchObject({ text: 'found' });
  });
});

describe('a tool that demands', () => {
  it('what nobody here can pay is passed on as it came', async () => {
    const one = createPayingWorld();
    const odd = wants(demandV2([offerV2({ network: 'solana:x' })]));
    expect((await trade(one)([odd])).answer).toEqual({ jsonrpc: '2.0', id: 5, ...odd });
    Object.assign(one.wallet, { address: null, problem: null });
    expect((await trade(one)([wants(demandV2())])).answer).toEqual({ jsonrpc: '2.0', id: 5, ...wants(demandV2()) });
    expect(one.payer.signed).toBe(0);
  });

  it.each([
    ['what one request may cost', { policy: { maxPerRequest: '$0.005' } }, 'REQUEST_LIMIT_EXCEEDED'],
    ['what is left of the session', { policy: { sessionBudget: '$0.005' } }, 'SESSION_BUDGET_EXCEEDED'],
    ['what goes without a person', { policy: { approveAbove: '$0.005' } }, 'APPROVAL_REQUIRED'],
    ['a host that is blocked', { policy: { blockedEndpoints: ['shop.example/*'] } }, 'ENDPOINT_NOT_ALLOWED'],
  ])('more than %s allows is refused in the result, and the refusal is written down', async (_, config, code) => {
    const one = createPayingWorld(config);
    const { heard, answer, text } = await trade(one)([wants(demandV2())], { endpoint: SHOP });
    expect([heard.length, answer.result?.isError, text.startsWith(`pag0 ${code}:`), one.payer.signed]).toEqual([1, true, true, 0]);
    const sums = await one.world.parts.ledger.sums({ all: true });
    expect(sums.filter(({ what }) => what === 'refused')).toMatchObject([{ code, tool: 'mcp__shop_example__search' }]);
  });

  it('and then gives no answer leaves the payment held; the very same is not paid again', async () => {
    const one = createPayingWorld();
    expect((await trade(one)([wants(demandV2()), new Error('ended before it answered')])).text).toMatch(/^pag0 PAYMENT_UNKNOWN: .* and broke off \(ended before it answered\)/);
    expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: CENT });
    expect((await trade(one)([wants(demandV2())])).text).toContain('pag0 PAYMENT_UNKNOWN');
    expect(await trade(one)([wants(demandV2()), gives('found')], { params: { arguments: { q: 'y' } } })).toMatchObject({ text: 'found' });
  });

  it('and cannot be reached with the payment costs nothing', async () => {
    const one = createPayingWorld();
    const { text } = await trade(one)([wants(demandV2()), Object.assign(new Error('no connection'), { sent: false })]);
    expect(text).toContain('pag0');
    expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
  });

  it('is answered without a receipt is passed on, and counts until the chain tells', async () => {
    const one = createPayingWorld();
    expect(await trade(one)([wants(demandV2()), gives('found', null)])).toMatchObject({ text: 'found' });
    expect(await receiptsOf(one)).toMatchObject([{ state: 'held', answered: true }]);
  });

  it('another token afterwards is told so', async () => {
    const { text } = await trade(createPayingWorld())([wants(demandV2()), wants(demandV2([offerV2({ asset: USDC.replace('036', '037') })]))]);
    expect(text).toContain('pag0 ASSET_NOT_ALLOWED');
  });

  it('of a session that nobody registered is not paid', async () => {
    expect((await trade(createPayingWorld())([wants(demandV2())], { session: 'stranger' })).text).toContain('pag0 SESSION_UNKNOWN');
  });
});

describe('where a tool’s server may be', () => {
  it.each([
    [['mcp__shop_example__*'], null],
    [['mcp__shop_example__*', 'shop.example/*'], null],
    [['mcp__shop_example__*', 'api.exa.ai/*'], 'ENDPOINT_NOT_ALLOWED'],
    [['api.exa.ai/*'], 'ENDPOINT_NOT_ALLOWED'],
  ])('is what a list says that names hosts: %j', async (allowedEndpoints, code) => {
    const one = createPayingWorld();
    const buy = trade(one);
    const start = async (): Promise<void> => void (await one.world.send({ hook_event_name: 'PreToolUse', tool_name: 'mcp__shop_example__search', tool_use_id: 'toolu_1', tool_input: { q: 'x' } }));
    await start();
    one.world.setPolicy({ policy: { allowedEndpoints } });
    const { text } = await buy([wants(demandV2()), gives('found')], { endpoint: SHOP, toolUseId: 'toolu_1' });
    expect(text).toMatch(code === null ? /^found$/ : new RegExp(`^pag0 ${code}: `));
    expect(one.payer.signed).toBe(code === null ? 1 : 0);
  });
});

describe('a server that answers a tool call with HTTP’s own 402', () => {
  function shop(config: object = {}) {
    const one = createPayingWorld(config);
    const paidRequests = createPaidRequests({ payer: one.payer, purchases: one.purchases, upstream: { send: (request, signal) => new Promise((resolve, reject) => one.asked.push({ request, signal, answer: resolve, fail: reject })) } });
    const calls = createPaidToolCalls({ parts: one.world.parts, payer: one.payer, purchases: one.purchases, paidRequests });
    let ids = 0;
    /** The same call, as the client makes it each time: with another id, and another of its model's. */
    const call = async (answer: (() => WebAnswer) | null, { gone = new AbortController().signal, unpaid = demandsV2(demandV2()), isTold = true } = {}) => {
      const id = (ids += 1);
      const before = one.asked.length;
      const toolUseId = `toolu_${id}`;
      if (isTold) await one.world.send({ hook_event_name: 'PreToolUse', tool_name: 'mcp__shop__search', tool_use_id: toolUseId, tool_input: { q: 'x' }, permission_mode: 'default' });
      const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'search', arguments: { q: 'x' }, _meta: { 'claudecode/toolUseId': toolUseId } } }));
      const met = calls.meetHttp({ session: 's1', called: { server: SHOP, name: 'shop.example', tool: 'search', arguments: digestOf('{"q":"x"}'), toolUseId }, endpoint: null, gone }, { method: 'POST', url: SHOP, fields: {}, body }, unpaid);
      await turns(60);
      if (answer !== null) one.asked[before]?.answer(answer());
      return met;
    };
    return { one, call };
  }
  const said = (met: Awaited<ReturnType<ReturnType<typeof shop>['call']>>): string => (met.outcome === 'refused' ? met.refusal.code : met.outcome);

  it('is not paid again for the same call after its answer was lost, whatever ids that call has', async () => {
    const { one, call } = shop();
    const seen: string[] = [];
    for (let i = 0; i < 3; i += 1) seen.push(said(await call(() => ({ status: 500, fields: {}, body: Buffer.from('sorry') }))));
    expect(seen).toEqual(['bought', 'PAYMENT_UNKNOWN', 'PAYMENT_UNKNOWN']);
    expect(one.payer.signed).toBe(1);
  });

  it('is paid for the call that a person said yes to, when it comes again', async () => {
    const { one, call } = shop({ policy: { approveAbove: '$0.005' } });
    expect(said(await call(null))).toBe('APPROVAL_REQUIRED');
    one.approvals.answer('ask1', true);
    expect(said(await call(() => ok('x', receiptField())))).toBe('bought');
    expect(one.payer.signed).toBe(1);
  });

  it('has delivered when all of its answer has come', async () => {
    for (const isWhole of [true, false]) {
      const { one, call } = shop();
      const body = new PassThrough();
      const met = await call(() => ({ status: 200, fields: receiptField(), body }));
      expect(await receiptsOf(one)).toMatchObject([{ state: 'posted', answered: false }]);
      body.write('half');
      body.resume();
      if (isWhole) body.end();
      else body.destroy();
      await turns();
      expect(said(met)).toBe('bought');
      expect(await receiptsOf(one)).toMatchObject([{ state: 'posted', answered: isWhole }]);
      // What was paid for and got lost is bought again with a person's yes alone.
      expect(said(await call(() => ok('x', receiptField())))).toBe(isWhole ? 'bought' : 'APPROVAL_REQUIRED');
    }
  });

  it('is not paid again for one whose asker left while it was paid for', async () => {
    const { one, call } = shop();
    const gone = new AbortController();
    const first = call(null, { gone: gone.signal });
    while (one.asked.length === 0) await turns();
    const finish = one.asked[0]!.answer;
    gone.abort();
    expect(said(await call(null))).toBe('PAYMENT_UNKNOWN');
    finish(ok('x', receiptField()));
    await first;
    expect(one.payer.signed).toBe(1);
  });

  it('and demands nothing that could be paid is passed on, whoever asked', async () => {
    const { one, call } = shop();
    const unpaid = { status: 402, fields: {}, body: Buffer.from('your plan has ended') };
    for (const isTold of [true, false]) expect(await call(null, { unpaid, isTold })).toEqual({ outcome: 'passed', answer: unpaid });
    expect(said(await call(null, { isTold: false }))).toBe('ENDPOINT_NOT_ALLOWED');
    expect(one.payer.signed).toBe(0);
  });
});

describe('a tool call whose asker has gone', () => {
  const asker = (gone: AbortSignal) => ({ session: 's1', called: { server: SHOP, name: 'shop', tool: 'search', arguments: digestOf('{"q":"x"}'), toolUseId: 'toolu_1' }, endpoint: null, gone });
  async function shop() {
    const one = createPayingWorld();
    await one.world.send({ hook_event_name: 'PreToolUse', tool_name: 'mcp__shop__search', tool_use_id: 'toolu_1', tool_input: { q: 'x' } });
    const calls = createPaidToolCalls({ parts: one.world.parts, payer: one.payer, purchases: one.purchases, paidRequests: NO_WALLET });
    return { one, meet: (gone: AbortSignal, deliver: () => Promise<ToolDelivery<number>>) => calls.meet(asker(gone), JSON.stringify(demandV2()), deliver) };
  }
  const DELIVERED: ToolDelivery<number> = { answer: { demand: null, settlement: { success: true, transaction: TRANSACTION }, failed: false }, how: 'answered', value: 1 };

  it('while it is paid for counts as lost when it comes again: nobody takes what still comes', async () => {
    const { one, meet } = await shop();
    const gone = new AbortController();
    let finish = (_: ToolDelivery<number>): void => {};
    const first = meet(gone.signal, () => new Promise((resolve) => (finish = resolve)));
    await turns(60);
    expect(one.payer.signed).toBe(1);
    gone.abort();
    expect(await meet(new AbortController().signal, async () => DELIVERED)).toMatchObject({ outcome: 'refused', refusal: { code: 'PAYMENT_UNKNOWN' } });
    finish(DELIVERED);
    await first;
    expect(await receiptsOf(one)).toMatchObject([{ state: 'posted', answered: false }]);
    // It is known now that it was cashed, and nobody has the answer.
    expect(await meet(new AbortController().signal, async () => DELIVERED)).toMatchObject({ outcome: 'refused', refusal: { code: 'APPROVAL_REQUIRED' } });
    expect(one.payer.signed).toBe(1);
  });

  it('is no such call while its asker waits: each of two at once has its own answer', async () => {
    const { one, meet } = await shop();
    const never = new AbortController().signal;
    let finish = (_: ToolDelivery<number>): void => {};
    const first = meet(never, () => new Promise((resolve) => (finish = resolve)));
    await turns(60);
    expect(await meet(never, async () => DELIVERED)).toMatchObject({ outcome: 'bought' });
    finish(DELIVERED);
    expect(await first).toMatchObject({ outcome: 'bought' });
    expect(one.payer.signed).toBe(2);
  });

  it('before the payment left has cost nothing', async () => {
    const { one, meet } = await shop();
    let asked = 0;
    await meet(AbortSignal.abort(), async () => ((asked += 1), DELIVERED));
    expect([asked, await one.spent()]).toEqual([0, { posted: 0n, reserved: 0n, held: 0n }]);
  });
});

describe('who pays for a tool call', () => {
  const hook = (one: PayingWorld, id: string, input: object, more: object = {}) => one.world.send({ hook_event_name: 'PreToolUse', tool_name: 'mcp__shop__search', tool_use_id: id, tool_input: input, ...more });
  const SUB = { agent_id: 'researcher-1', agent_type: 'researcher' };

  it('is the agent whose call the client names', async () => {
    const one = createPayingWorld();
    await hook(one, 'toolu_1', { q: 'x' });
    await hook(one, 'toolu_2', { q: 'x' }, SUB);
    await trade(one)([wants(demandV2()), gives('found')], { toolUseId: 'toolu_2' });
    expect(await receiptsOf(one)).toMatchObject([{ origin: { agent: 'researcher-1' }, tool: 'mcp__shop__search', endpoint: 'mcp__shop__search', key: expect.stringContaining('s1/toolu_2#') as string }]);
  });

  it('is found by what was asked, where the client names no call', async () => {
    const one = createPayingWorld();
    await hook(one, 'toolu_1', { q: 'other' });
    await hook(one, 'toolu_2', { q: 'x' }, SUB);
    await trade(one)([wants(demandV2()), gives('found')]);
    expect(await receiptsOf(one)).toMatchObject([{ origin: { agent: 'researcher-1' }, tool: 'mcp__shop__search' }]);
  });

  it('is nobody where no such call is under way: its name would be its asker’s word, whatever a list says of it', async () => {
    const one = createPayingWorld({ policy: { allowedEndpoints: ['mcp__shop__*', 'mcp__shop_example__*'] } });
    await hook(one, 'toolu_1', { q: 'other' });
    await hook(one, 'toolu_2', { q: 'x' }, SUB);
    await one.world.send({ hook_event_name: 'PostToolUse', tool_name: 'mcp__shop__search', tool_use_id: 'toolu_2', tool_input: { q: 'x' }, tool_response: [], ...SUB });
    for (const more of [{ toolUseId: 'toolu_2' }, { toolUseId: 'toolu_9' }, {}, { toolUseId: 'toolu_1', params: { name: 'buy', arguments: {} } }]) {
      expect((await trade(one)([wants(demandV2())], { ...more, unasked: true })).text).toContain('pag0 ENDPOINT_NOT_ALLOWED');
    }
    expect([one.payer.signed, await one.spent()]).toEqual([0, { posted: 0n, reserved: 0n, held: 0n }]);
  });

  it.each([
    ['PostToolUse', { tool_response: [{ type: 'text', text: 'found' }] }],
    ['PostToolUseFailure', { error: 'it broke' }],
  ])('pays what the seller names, and the price table’s amount is given back at %s', async (hook_event_name, more) => {
    const one = createPayingWorld({ prices: [{ tool: 'mcp__shop__*', price: '$0.40' }] });
    await hook(one, 'toolu_1', { q: 'x' });
    expect((await one.spent()).reserved).toBe(400_000n);
    const voided = vi.spyOn(one.world.parts.ledger, 'void');
    await trade(one)([wants(demandV2()), gives('found')], { toolUseId: 'toolu_1' });
    await one.world.send({ hook_event_name, tool_name: 'mcp__shop__search', tool_use_id: 'toolu_1', tool_input: { q: 'x' }, ...more });
    expect(await one.spent()).toEqual({ posted: CENT, reserved: 0n, held: 0n });
    expect(voided.mock.calls.map(([, , reason]) => reason)).toEqual(['the server asked to be paid first']);
    // One that asks for nothing costs what the table says.
    await hook(one, 'toolu_2', { q: 'y' });
    await one.world.send({ hook_event_name: 'PostToolUse', tool_name: 'mcp__shop__search', tool_use_id: 'toolu_2', tool_input: { q: 'y' }, tool_response: [{ type: 'text', text: 'found' }] });
    expect(await one.spent()).toEqual({ posted: 400_000n + CENT, reserved: 0n, held: 0n });
  });

  it('hears of a budget that runs out with the end of its call', async () => {
    const one = createPayingWorld({ policy: { sessionBudget: '$0.012' } });
    await hook(one, 'toolu_1', { q: 'x' });
    await trade(one)([wants(demandV2()), gives('found')], { toolUseId: 'toolu_1' });
    const reply = await one.world.send({ hook_event_name: 'PostToolUse', tool_name: 'mcp__shop__search', tool_use_id: 'toolu_1', tool_input: { q: 'x' }, tool_response: [] });
    expect(reply?.context).toContain('$0.01');
  });

  it('is asked by the client itself, when the same call comes again: a yes pays for that call alone', async () => {
    const one = createPayingWorld({ policy: { approveAbove: '$0.005' } });
    const ask = { permission_mode: 'default' };
    expect((await hook(one, 'toolu_1', { q: 'x' }, ask))!.verdict).toEqual({ verdict: 'pass' });
    expect((await trade(one)([wants(demandV2())], { toolUseId: 'toolu_1' })).text).toContain('make the same call once more and the person is asked');
    expect((await hook(one, 'toolu_2', { q: 'x' }, ask))!.verdict).toEqual({ verdict: 'ask', sentence: expect.stringContaining(`mcp__shop__search costs $0.01, above what needs a person's yes ($0.01 to ${paidTo})`) as string });
    expect(await trade(one)([wants(demandV2()), gives('found')], { toolUseId: 'toolu_2' })).toMatchObject({ text: 'found' });
    expect((await trade(one)([wants(demandV2())], { toolUseId: 'toolu_2' })).text).toContain('pag0 APPROVAL_REQUIRED');
  });

  it('may be of another session of the same machine, and only of that', async () => {
    const one = createPayingWorld();
    register(one.world.parts, 's2');
    await trade(one)([wants(demandV2()), gives('found')], { session: 's2' });
    expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
    expect(await receiptsOf(one)).toMatchObject([{ origin: { session: 's2' } }]);
  });
});

it('arguments are the same however the client writes them', () => {
  expect(digestOf(canonicalJson('{"b":1,"a":2}')!)).toBe(digestOf(toolCallIn('{"id":1,"method":"tools/call","params":{"name":"x","arguments":{ "a": 2, "b": 1 }}}')!.arguments));
});
