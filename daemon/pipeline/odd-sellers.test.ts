import { describe, expect, it } from 'vitest';
import { base64, demandV1, demandV2, offerV2, SELLER } from '../payer/sellers.fixture.ts';
import type { Fields, WebAnswer } from '../ports.ts';
import { ok, textOf, turns, type Asking } from './exchange.fixture.ts';
import type { Exchanged } from './exchange.ts';
import { createPayingWorld, receipt, TRANSACTION, type PayingWorld } from './paying.fixture.ts';

const DOC = 'https://shop.example/data';
const CENT = 10_000n;
const url64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const demands = (fields: Fields, body = '{}'): WebAnswer => ({
  status: 402,
  fields,
  body: Buffer.from(body),
});
const STACKS = {
  scheme: 'exact',
  network: 'stacks:1',
  amount: '20000',
  asset: 'SP3.usdcx',
  payTo: 'SP2ABC',
  maxTimeoutSeconds: 60,
  extra: {},
};

async function asked(
  one: PayingWorld,
  first: WebAnswer,
  then: WebAnswer = ok('the data', receipt()),
  more: Asking = {},
): Promise<Exchanged> {
  const before = one.asked.length;
  const answer = one.ask(DOC, { method: 'POST', ...more });
  await turns();
  one.asked[before]!.answer(first);
  for (let round = 0; round < 4; round += 1) {
    await turns(40);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  one.asked[before + 1]?.answer(then);
  return answer;
}

const settled = { success: true, transaction: TRANSACTION, network: 'eip155:84532' };

describe('a seller outside the letter', () => {
  it.each<[string, WebAnswer]>([
    ['in base64url without padding', demands({ 'payment-required': url64(demandV2()) })],
    ['in plain JSON', demands({ 'payment-required': JSON.stringify(demandV2()) })],
    ['twice, equal', demands({ 'payment-required': [base64(demandV2()), base64(demandV2())] })],
    [
      'in a field of its own',
      demands({
        'x-payment-requirements': base64(demandV2()),
        'www-authenticate': 'Payment id="x", method="tempo"',
      }),
    ],
    [
      'in a body with a byte order mark',
      demands({ 'content-type': 'text/plain' }, `\uFEFF${JSON.stringify(demandV1())}`),
    ],
    [
      'of version 2 in the body alone',
      demands({ 'content-type': 'text/html' }, JSON.stringify(demandV2())),
    ],
    [
      'with its amount as a number',
      demands({ 'payment-required': base64(demandV2([offerV2({ amount: 10_000 })])) }),
    ],
  ])('who asks %s is paid once, and nothing goes into Authorization', async (_, demand) => {
    const one = createPayingWorld();
    const exchanged = await asked(one, demand, undefined, {
      fields: { authorization: 'Bearer user' },
    });
    expect('answer' in exchanged && (await textOf(exchanged.answer))).toBe('the data');
    expect([one.payer.signed, await one.spent()]).toEqual([
      1,
      { posted: CENT, reserved: 0n, held: 0n },
    ]);
    expect(one.asked[1]!.request.fields).toMatchObject({ authorization: 'Bearer user' });
  });

  it.each<[string, WebAnswer]>([
    [
      'asks twice, and not the same',
      demands({
        'payment-required': [base64(demandV2()), base64(demandV2([offerV2({ amount: '20000' })]))],
      }),
    ],
    [
      'asks one thing in its field and another in its body',
      demands(
        { 'payment-required': base64(demandV2()) },
        JSON.stringify(demandV2([offerV2({ amount: '20000' })])),
      ),
    ],
    [
      'names two amounts',
      demands({ 'payment-required': base64(demandV2([offerV2({ maxAmountRequired: '20000' })])) }),
    ],
  ])('who %s is refused, and price and payee are said', async (_, demand) => {
    const one = createPayingWorld();
    const exchanged = await asked(one, demand);
    if (!('refusal' in exchanged)) throw new Error('not refused');
    const { code, sentence } = exchanged.refusal;
    expect([code, one.payer.signed, one.asked.length]).toEqual(['PAYMENT_FAILED', 0, 1]);
    expect(sentence).toMatch(
      /^pag0 PAYMENT_FAILED: shop\.example\/data asks to be paid .*10000.*20000.* to 0x3c44/,
    );
    expect(sentence).toContain('use another source or go on without it');
  });

  it('whom another wallet may pay is passed on to the letter, and the agent is told why pag0 does not', async () => {
    const one = createPayingWorld();
    const alerts: string[] = [];
    const fields = {
      'payment-required': base64({ x402Version: 2, accepts: [STACKS] }),
      'x-own': '1',
    };
    for (let call = 0; call < 2; call += 1) {
      const exchanged = await asked(one, demands(fields, 'pay me'), undefined, { alerts });
      if (!('answer' in exchanged)) throw new Error('refused');
      expect(exchanged.answer).toMatchObject({
        status: 402,
        fields: { ...fields, 'x-pag0-payment': 'unpaid', 'x-pag0-code': 'PAYMENT_FAILED' },
      });
      expect(await textOf(exchanged.answer)).toBe('pay me');
    }
    expect(alerts).toEqual([
      expect.stringMatching(
        /^pag0 PAYMENT_FAILED: shop\.example\/data asks to be paid 20000 of SP3\.usdcx on stacks:1 to SP2ABC, and nothing was paid because pag0 pays on EVM networks/,
      ),
    ]);
  });

  it('who cannot be paid for want of a wallet is passed on, and the agent is told price and payee', async () => {
    const one = createPayingWorld();
    one.wallet.address = null;
    const alerts: string[] = [];
    const exchanged = await asked(
      one,
      demands({ 'payment-required': base64(demandV2()) }),
      undefined,
      { alerts },
    );
    expect(exchanged).toMatchObject({
      answer: { status: 402, fields: { 'payment-required': base64(demandV2()) } },
    });
    expect(alerts).toEqual([
      expect.stringMatching(
        /asks to be paid \$0\.01 to 0x3c44.* on eip155:84532, and nothing was paid because pag0 has no wallet/,
      ),
    ]);
  });

  it('in shadow is passed on whatever it asks', async () => {
    const one = createPayingWorld({ mode: 'shadow' });
    const exchanged = await asked(
      one,
      demands({
        'payment-required': [base64(demandV2()), base64(demandV2([offerV2({ amount: '2' })]))],
      }),
    );
    expect(exchanged).toMatchObject({ answer: { status: 402 } });
  });

  it.each([
    ['too dear', { policy: { maxPerRequest: '$0.005' } }],
    ['above the budget', { policy: { sessionBudget: '$0.005' } }],
    ['to be agreed to by a person', { policy: { approveAbove: '$0.005' } }],
    ['in another token', { networks: [{ id: 'eip155:84532', assets: [`0x${'ab'.repeat(20)}`] }] }],
  ])('or within it is not paid without a word of price and payee: %s', async (_, config) => {
    const exchanged = await asked(
      createPayingWorld(config),
      demands({ 'payment-required': base64(demandV2()) }),
      undefined,
      { approvedUpTo: 0n },
    );
    if (!('refusal' in exchanged)) throw new Error('not refused');
    expect(exchanged.refusal.sentence).toMatch(/(\$0\.01|10000 of 0x036c).* to 0x3c44/);
    expect(exchanged.refusal.sentence).toContain(SELLER.toLowerCase());
  });
});

describe('a receipt outside the letter', () => {
  it.each<[string, Fields]>([
    ['base64url without padding', { 'payment-response': url64({ ...settled, note: 'ÿÿÿ~~~>>>' }) }],
    ['plain JSON', { 'payment-response': JSON.stringify(settled) }],
    ['plain JSON of version 1', { 'x-payment-response': JSON.stringify(settled) }],
    ['twice, equal', { 'payment-response': [base64(settled), base64(settled)] }],
    [
      'by both names',
      { 'payment-response': base64(settled), 'x-payment-response': base64(settled) },
    ],
  ])('posts what it bought: %s', async (_, fields) => {
    const one = createPayingWorld();
    await asked(one, demands({ 'payment-required': base64(demandV2()) }), ok('x', fields));
    expect(await one.spent()).toEqual({ posted: CENT, reserved: 0n, held: 0n });
  });

  it.each<[string, Fields]>([
    [
      'says that it failed',
      { 'payment-response': base64({ success: false, errorReason: 'insufficient_funds' }) },
    ],
    [
      'says one thing and another',
      { 'payment-response': [base64(settled), base64({ success: false })] },
    ],
    ['is of another kind', { 'payment-response': JSON.stringify({ receiptId: '1', nonce: '2' }) }],
  ])('that %s leaves the money held: the chain is asked', async (_, fields) => {
    const one = createPayingWorld();
    await asked(one, demands({ 'payment-required': base64(demandV2()) }), ok('x', fields));
    expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: CENT });
  });
});
