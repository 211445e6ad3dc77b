import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SELLER, STRANGER } from './accounts.ts';
import { type HostileSeller, startHostileSeller } from './hostile-seller.ts';
import { type Answered, buildProgram, configOf, curl, type Household, openHousehold, type Program, until } from './household.ts';
import { type Mode, MODES } from './modes.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import { expectAgreement } from './paying.fixture.ts';
import { openPaymentStage, type PaymentStage } from './stage.ts';
import { authorizationIn, type Version } from './wire.ts';

const CENT = 10_000n;

/** What comes of a sale to whoever pays by pag0's rules. */
interface Expected {
  /** pag0's own word, or the status of what the seller itself is heard with. */
  told: string | number;
  /** Payments it is given. */
  signed: 0 | 1;
  /** What leaves the wallet at once. */
  spent: bigint;
  /** How the book has it, before anybody asked the chain. */
  book: 'posted' | 'held' | 'nothing';
  /** Whether the same is sold again, and if not, why. */
  again: string | number;
}

const REFUSED = { signed: 0, spent: 0n, book: 'nothing' } as const;
const KEPT = { signed: 1, spent: 0n, book: 'held', again: 'PAYMENT_UNKNOWN' } as const;
const SOLD: Expected = { told: 200, signed: 1, spent: CENT, book: 'posted', again: 200 };

const EXPECTED: Readonly<Record<keyof typeof MODES, Expected>> = {
  fair: SOLD,
  'other asset': { ...REFUSED, told: 'ASSET_NOT_ALLOWED', again: 'ASSET_NOT_ALLOWED' },
  'other network': { ...REFUSED, told: 'ASSET_NOT_ALLOWED', again: 'ASSET_NOT_ALLOWED' },
  // Nobody was paid there before, so whom it names is whom it is held to.
  'other payee': SOLD,
  'amount zero': { ...REFUSED, told: 'PAYMENT_FAILED', again: 'PAYMENT_FAILED' },
  'amount negative': { ...REFUSED, told: 'PAYMENT_FAILED', again: 'PAYMENT_FAILED' },
  'amount huge': { ...REFUSED, told: 'PAYMENT_FAILED', again: 'PAYMENT_FAILED' },
  'amount in hex': { ...REFUSED, told: 'PAYMENT_FAILED', again: 'PAYMENT_FAILED' },
  'amount in words': { ...REFUSED, told: 'PAYMENT_FAILED', again: 'PAYMENT_FAILED' },
  'ten years': SOLD,
  'many options': SOLD,
  'demand in the body alone': SOLD,
  'demand in base64url': SOLD,
  'demand in plain JSON': SOLD,
  'demand twice': SOLD,
  'demand with two prices': { ...REFUSED, told: 'PAYMENT_FAILED', again: 'PAYMENT_FAILED' },
  'receipt in base64url': SOLD,
  'demand garbled': { ...REFUSED, told: 402, again: 402 },
  'price raised': { ...KEPT, told: 'PRICE_CHANGED' },
  'asset changed': { ...KEPT, told: 'ASSET_NOT_ALLOWED' },
  'network changed': { ...KEPT, told: 'ASSET_NOT_ALLOWED' },
  'payee changed': { ...KEPT, told: 'PAYEE_CHANGED' },
  'asks again': { ...KEPT, told: 'PAYMENT_FAILED' },
  redirects: { ...KEPT, told: 'PAYMENT_UNKNOWN' },
  'fails, cashes later': { ...KEPT, told: 500 },
  'cashes without a receipt': { told: 200, signed: 1, spent: CENT, book: 'held', again: 200 },
  'cashes and denies': { told: 'PAYMENT_FAILED', signed: 1, spent: CENT, book: 'held', again: 'PAYMENT_UNKNOWN' },
  stalls: { ...KEPT, told: 0 },
  resets: { ...KEPT, told: 'PAYMENT_UNKNOWN' },
};

const toldOf = ({ status, code }: Answered): string | number => code ?? status;

onChain('a hostile seller, asked through pag0,', () => {
  let program: Program;
  let stage: PaymentStage;
  let sellers: Readonly<Record<Version, HostileSeller>>;
  let household: Household;
  beforeAll(async () => {
    [program, stage] = await Promise.all([buildProgram(), openPaymentStage()]);
    sellers = { 1: await startHostileSeller({ facilitator: stage.facilitator, version: 1 }), 2: stage.hostile };
    household = await openHousehold(program, configOf(stage.chain, Object.values(sellers)));
  });
  afterAll(async () => {
    await household?.close();
    await sellers?.[1].close();
    await stage?.close();
    program?.remove();
  });

  const spent = (action: () => Promise<unknown>): Promise<bigint> => spentIn(stage.chain, action);

  for (const version of [1, 2] as const) {
    it.each(Object.entries(EXPECTED))(`in version ${version}: %s`, async (name, expected) => {
      const seller = sellers[version];
      const mode: Mode = MODES[name as keyof typeof MODES];
      seller.mode = mode;
      const url = `${seller.url}/paid/${name.replaceAll(/\W+/g, '-')}`;
      const [kept, strayed, strangerHad] = [seller.kept.length, seller.elsewhere.requests.length, await stage.chain.balanceOf(STRANGER)];
      const patience = name === 'stalls' ? 1 : 20;
      expect(await spent(async () => expect(toldOf(await curl(household.way, url, { patience }))).toBe(expected.told))).toBe(expected.spent);

      // One signature at most, for what was quoted first and for no longer than two minutes.
      const given = seller.kept.slice(kept).map(authorizationIn);
      expect(given).toHaveLength(expected.signed);
      const payTo = mode.offers?.[0]?.payTo ?? SELLER;
      for (const { to, value, validBefore } of given) {
        expect([to.toLowerCase(), value]).toEqual([payTo.toLowerCase(), '10000']);
        expect(Number(validBefore) - Date.now() / 1_000).toBeLessThanOrEqual(120);
      }
      expect(seller.elsewhere.requests).toHaveLength(strayed);
      expect((await stage.chain.balanceOf(STRANGER)) - strangerHad).toBe(payTo === STRANGER ? expected.spent : 0n);

      const receipts = (await household.receipts()).filter(({ endpoint }) => url.endsWith(endpoint.slice(endpoint.indexOf('/'))) && endpoint.includes(`:${seller.port}/`));
      const state = name === 'stalls' ? 'open' : expected.book;
      expect(receipts.map((one) => [one.state, one.amount, one.nonce.toLowerCase()])).toEqual(given.map(({ nonce }) => [state, CENT, nonce.toLowerCase()]));

      // A second time nothing is signed, unless the first is had again.
      const before = seller.kept.length;
      expect(await spent(async () => expect(toldOf(await curl(household.way, url, { patience }))).toBe(name === 'stalls' ? 0 : expected.again))).toBe(0n);
      expect(seller.kept).toHaveLength(before);
    });
  }

  describe('that was paid before', () => {
    const sold = async (name: string, mode: Mode): Promise<Answered & { name: string }> => {
      stage.hostile.mode = mode;
      return Object.assign(await curl(household.way, `${stage.hostile.url}/paid/${name}`, { method: 'POST', body: 'one more' }), { name });
    };
    const asks = (code: string) => ({ code, json: { error: { details: { approval: expect.stringMatching(/^[a-z0-9]{5}$/) as string } } } });
    const kept = (): number => stage.hostile.kept.length;

    it('may raise its price by half, measured by the first, and no further without a person’s yes', async () => {
      expect(await spent(async () => expect(await sold('raise', {})).toMatchObject({ status: 200, fields: { 'x-pag0-paid': '10000' } }))).toBe(CENT);
      expect(await spent(async () => expect(await sold('raise', { offers: [{ amount: '15000' }] })).toMatchObject({ status: 200, fields: { 'x-pag0-paid': '15000' } }))).toBe(15_000n);
      const before = kept();
      for (const amount of ['15001', '22500', '400000']) expect(await spent(async () => expect(await sold('raise', { offers: [{ amount }] })).toMatchObject(asks('PRICE_CHANGED')))).toBe(0n);
      expect(kept()).toBe(before);
      expect(await spent(async () => expect(await sold('raise', { offers: [{ amount: '5000' }] })).toMatchObject({ status: 200 }))).toBe(5_000n);
    });

    it('has nobody else paid without a person’s yes, and is asked for the one it knows where it takes both', async () => {
      expect(await sold('payee', {})).toMatchObject({ status: 200 });
      const before = kept();
      expect(await spent(async () => expect(await sold('payee', MODES['other payee'])).toMatchObject(asks('PAYEE_CHANGED')))).toBe(0n);
      expect(kept()).toBe(before);
      expect(await spent(async () => expect(await sold('payee', { offers: [{ payTo: STRANGER, amount: '1' }, {}] })).toMatchObject({ status: 200, fields: { 'x-pag0-paid': '10000' } }))).toBe(CENT);
    });

    it('is held to it also by a daemon that was killed and started again', async () => {
      expect(await sold('memory', {})).toMatchObject({ status: 200 });
      await household.restart('SIGKILL');
      const before = kept();
      expect(await sold('memory', { offers: [{ amount: '15001' }] })).toMatchObject(asks('PRICE_CHANGED'));
      expect(await sold('memory', MODES['other payee'])).toMatchObject(asks('PAYEE_CHANGED'));
      expect(kept()).toBe(before);
    });

    it('is not paid more than one request may cost', async () => {
      const before = kept();
      expect(await spent(async () => expect(await sold('dear', { offers: [{ amount: '50000001' }] })).toMatchObject({ code: 'REQUEST_LIMIT_EXCEEDED' }))).toBe(0n);
      expect(kept()).toBe(before);
    });
  });

  it('has each payment that it kept told by the chain, once the daemon looks', async () => {
    // What stalled is nobody's business any more once its daemon is gone.
    await household.restart('SIGKILL');
    const open = (await household.receipts()).filter(({ state }) => state === 'open' || state === 'held');
    for (const version of [1, 2] as const) {
      for (const payment of sellers[version].kept) {
        if (!open.some(({ nonce }) => nonce === authorizationIn(payment).nonce)) continue;
        if (!(await stage.chain.authorizationState(authorizationIn(payment).from, authorizationIn(payment).nonce))) expect(await spent(() => sellers[version].cashLater(payment))).toBe(CENT);
      }
    }
    await household.restart('SIGKILL');
    await until(household.receipts, (all) => all.every(({ state }) => state === 'posted'));
    await expectAgreement(stage.chain, household);
  });
});
