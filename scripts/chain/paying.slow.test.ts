import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ROUTES } from '../../daemon/contract/routes.ts';
import { BUYER, SELLER } from './accounts.ts';
import { startChain } from './chain.ts';
import { startFacilitator } from './facilitator.ts';
import { startHonestV2 } from './honest-v2.ts';
import { buildProgram, configOf, curl, type Household, openHousehold, type Program } from './household.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import { expectAgreement } from './paying.fixture.ts';
import type { Seller } from './seller.ts';
import { openPaymentStage, type PaymentStage } from './stage.ts';

const CENT = 10_000n;
const run = promisify(execFile);

onChain('what an agent buys of an honest seller', () => {
  let program: Program;
  let stage: PaymentStage;
  let household: Household;
  let sellers: Readonly<Record<1 | 2, Seller>>;
  beforeAll(async () => {
    [program, stage] = await Promise.all([buildProgram(), openPaymentStage()]);
    sellers = { 1: stage.honestV1, 2: stage.honestV2 };
    household = await openHousehold(program, configOf(stage.chain, Object.values(sellers)));
  });
  afterAll(async () => {
    await household?.close();
    await stage?.close();
    program?.remove();
  });
  afterEach(() => Object.assign(stage.facilitator, { down: false, slowMs: 0, refuses: false }));

  const spent = (action: () => Promise<unknown>): Promise<bigint> => spentIn(stage.chain, action);
  const urlOf = (version: 1 | 2, name: string): string => `${sellers[version].url}/paid/${name}`;
  /** How often a seller was asked meanwhile, and how often with a payment. */
  const heard = (version: 1 | 2): { asked: number; paid: number } => ({ asked: sellers[version].requests.length, paid: sellers[version].payments.length });

  for (const version of [1, 2] as const) {
    const words = `in version ${version}`;
    const receiptField = version === 1 ? 'x-payment-response' : 'payment-response';

    it(`${words}: is paid for once and exactly, and the receipt names the transaction`, async () => {
      const url = urlOf(version, 'once');
      const before = heard(version);
      expect(await spent(async () => {
        const answer = await curl(household.way, url);
        expect(answer).toMatchObject({ status: 200, json: { path: '/paid/once' }, fields: { 'x-pag0-paid': '10000', 'x-pag0-cache': 'miss', [receiptField]: expect.any(String) as string } });
      })).toBe(CENT);
      expect(heard(version)).toEqual({ asked: before.asked + 2, paid: before.paid + 1 });
      const [receipt] = await household.receipts();
      const transfer = (await stage.chain.transfersFrom(BUYER.address)).at(-1)!;
      expect(receipt).toMatchObject({ state: 'posted', amount: CENT, payTo: SELLER.toLowerCase(), proof: transfer.transaction, nonce: transfer.nonce, resource: url, answered: true, agreed: false });
      await expectAgreement(stage.chain, household);
    });

    it(`${words}: is had again without a payment, and without the receipt of the first`, async () => {
      const url = urlOf(version, 'again');
      const first = await curl(household.way, url);
      const before = heard(version);
      expect(await spent(async () => {
        const second = await curl(household.way, url);
        expect([second.status, second.text, second.fields['x-pag0-cache']]).toEqual([200, first.text, 'hit']);
        for (const name of ['payment-response', 'x-payment-response', 'x-pag0-paid']) expect(second.fields[name]).toBeUndefined();
      })).toBe(0n);
      expect(heard(version)).toEqual(before);
    });

    it(`${words}: is asked for with the method and the body of the program's own request`, async () => {
      expect(await spent(async () => {
        const answer = await curl(household.way, urlOf(version, 'question'), { method: 'PUT', body: 'how much?', fields: { 'x-own': 'yes', 'content-type': 'text/plain' } });
        expect(answer).toMatchObject({ status: 200, json: { asked: 'how much?' }, fields: { 'x-pag0-paid': '10000' } });
      })).toBe(CENT);
      const [unpaid, paid] = sellers[version].requests.slice(-2);
      for (const one of [unpaid, paid]) expect(one).toMatchObject({ method: 'PUT', path: '/paid/question', body: 'how much?', headers: { 'x-own': 'yes', 'content-type': 'text/plain', 'content-length': '9' } });
    });

    it(`${words}: costs five who ask at once one payment, and all of them have it`, async () => {
      const before = heard(version);
      expect(await spent(async () => {
        const answers = await Promise.all(Array.from({ length: 5 }, () => curl(household.way, urlOf(version, 'shared'))));
        expect(answers.map(({ status, json }) => [status, json])).toEqual(Array(5).fill([200, expect.objectContaining({ path: '/paid/shared' })]));
        expect(answers.map(({ fields }) => fields['x-pag0-cache']).sort()).toEqual(['hit', 'hit', 'hit', 'hit', 'miss']);
      })).toBe(CENT);
      expect(heard(version)).toEqual({ asked: before.asked + 2, paid: before.paid + 1 });
    });

    it(`${words}: is bought each time by a method that may change something, also five times at once`, async () => {
      expect(await spent(async () => {
        const answers = await Promise.all(Array.from({ length: 5 }, () => curl(household.way, urlOf(version, 'order'), { method: 'POST', body: 'one more' })));
        expect(answers.map(({ status, fields }) => [status, fields['x-pag0-paid']])).toEqual(Array(5).fill([200, '10000']));
        expect((await curl(household.way, urlOf(version, 'order'), { method: 'POST', body: 'one more' })).status).toBe(200);
      })).toBe(6n * CENT);
    });

    it(`${words}: is not paid for again when the payment was refused, and stays counted`, async () => {
      const url = urlOf(version, 'refused');
      stage.facilitator.refuses = true;
      const before = heard(version);
      expect(await spent(async () => expect(await curl(household.way, url)).toMatchObject({ code: 'PAYMENT_FAILED' }))).toBe(0n);
      expect((await household.receipts())[0]).toMatchObject({ state: 'held', amount: CENT, resource: url, answered: false });
      stage.facilitator.refuses = false;
      expect(await spent(async () => expect(await curl(household.way, url)).toMatchObject({ code: 'PAYMENT_UNKNOWN' }))).toBe(0n);
      expect(heard(version)).toEqual({ asked: before.asked + 3, paid: before.paid });
    });

    it(`${words}: is fetched and kept though the one who asked went away with the payment on its way`, async () => {
      const url = urlOf(version, 'impatient');
      stage.facilitator.slowMs = 400;
      expect(await spent(async () => {
        expect(await curl(household.way, url, { patience: 0.3 })).toMatchObject({ status: 0, exit: 28 });
        stage.facilitator.slowMs = 0;
        expect(await curl(household.way, url)).toMatchObject({ status: 200, fields: { 'x-pag0-cache': 'hit' } });
      })).toBe(CENT);
    });

    it.each(['HEAD', 'OPTIONS'])(`${words}: is not paid for by a %s, which would be given nothing`, async (method) => {
      const before = heard(version);
      expect(await spent(async () => expect(await curl(household.way, urlOf(version, 'price'), method === 'HEAD' ? { head: true } : { method })).toMatchObject({ status: 402, code: null }))).toBe(0n);
      expect(heard(version)).toEqual({ asked: before.asked + 1, paid: before.paid });
    });

    it(`${words}: is left to a program that shows a payment of its own`, async () => {
      const signed = (await household.receipts()).length;
      expect(await spent(async () => expect(await curl(household.way, urlOf(version, 'own'), { fields: { [version === 1 ? 'X-PAYMENT' : 'Payment-Signature']: Buffer.from('{}').toString('base64') } })).toMatchObject({ code: null }))).toBe(0n);
      expect(await household.receipts()).toHaveLength(signed);
    });
  }

  it('is paid for by a command of the session, and charged to that', async () => {
    const url = urlOf(2, 'call');
    const command = `curl -s ${url}`;
    const event = { session_id: 'buyer', hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 'toolu_call', tool_input: { command } };
    const said = await fetch(`http://127.0.0.1:${household.now().port}${ROUTES.hook}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) });
    expect(await said.json()).toEqual({});
    expect(await spent(async () => {
      const { stdout } = await run('bash', ['-c', command], { env: { PATH: process.env['PATH'], http_proxy: household.way.proxy } });
      expect(JSON.parse(stdout)).toMatchObject({ path: '/paid/call' });
    })).toBe(CENT);
    expect((await household.receipts())[0]!.key).toMatch(/^buyer\//);
  });

  it('is nothing that a stranger to the gateway pays with our money', async () => {
    expect(await spent(async () => expect(await curl({ proxy: `http://127.0.0.1:${household.now().port}` }, urlOf(2, 'stranger'))).toMatchObject({ status: 402 }))).toBe(0n);
  });

  it('is had for nothing where it costs nothing', async () => {
    expect(await spent(async () => expect(await curl(household.way, `${sellers[2].url}/free`)).toMatchObject({ status: 200 }))).toBe(0n);
  });

  it('comes to what the chain says, payment by payment, also after a restart', async () => {
    await household.restart();
    await expectAgreement(stage.chain, household);
    expect(await spent(async () => expect(await curl(household.way, urlOf(2, 'once'))).toMatchObject({ status: 200, fields: { 'x-pag0-cache': 'hit' } }))).toBe(0n);
  });
});

onChain('a wallet without money', () => {
  it('signs once at most, and then says what it has', async () => {
    const [program, chain] = await Promise.all([buildProgram(), startChain()]);
    const facilitator = await startFacilitator(chain);
    const seller = await startHonestV2({ facilitator });
    const household = await openHousehold(program, configOf(chain, [seller]));
    try {
      await chain.mint(BUYER.address, CENT - 1n);
      for (const name of ['first', 'second']) expect(await curl(household.way, `${seller.url}/paid/${name}`)).toMatchObject({ code: 'INSUFFICIENT_FUNDS' });
      expect((await household.receipts()).map(({ state, resource }) => [state, resource])).toEqual([['held', `${seller.url}/paid/first`]]);
      expect(await chain.balanceOf(BUYER.address)).toBe(CENT - 1n);
    } finally {
      await household.close();
      await seller.close();
      await facilitator.close();
      await chain.stop();
      program.remove();
    }
  });
});
