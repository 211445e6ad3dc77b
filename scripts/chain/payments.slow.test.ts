import type { PaymentPayload } from '@x402/core/types';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BUYER, SELLER } from './accounts.ts';
import { type Chain, startChain } from './chain.ts';
import { startFacilitator } from './facilitator.ts';
import { startHostileSeller } from './hostile-seller.ts';
import { MODES } from './modes.ts';
import { createNaiveBuyer } from './naive-buyer.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import type { Seller } from './seller.ts';
import { BUYER_HAS, openPaymentStage, type PaymentStage } from './stage.ts';
import { authorizationIn } from './wire.ts';

const CENT = 10_000n;
const buyer = createNaiveBuyer();

onChain('a payment', () => {
  let stage: PaymentStage;
  let sellers: Readonly<Record<1 | 2, Seller>>;
  beforeAll(async () => {
    stage = await openPaymentStage();
    sellers = { 1: stage.honestV1, 2: stage.honestV2 };
  });
  afterAll(() => stage.close());
  afterEach(() => Object.assign(stage.facilitator, { down: false, slowMs: 0, refuses: false }));

  const urlOf = (seller: Seller, name = 'document'): string => `${seller.url}/paid/${name}`;
  const signed = async (seller: Seller): Promise<PaymentPayload> => buyer.sign(await buyer.ask(urlOf(seller)));

  it.each([1, 2] as const)('of version %i moves exactly its price, once', async (version) => {
    const seller = sellers[version];
    const [had, asked, paid] = [await stage.chain.balanceOf(SELLER), seller.requests.length, seller.payments.length];
    const payment = await signed(seller);
    expect(await spentIn(stage.chain, async () => expect(await buyer.send(urlOf(seller), payment)).toMatchObject({ status: 200, body: { path: '/paid/document' }, receipt: { success: true } }))).toBe(CENT);
    expect((await stage.chain.balanceOf(SELLER)) - had).toBe(CENT);
    expect([seller.requests.length - asked, seller.payments.length - paid]).toEqual([2, 1]);

    const { nonce } = authorizationIn(payment);
    expect(await stage.chain.authorizationState(BUYER.address, nonce)).toBe(true);
    const transfer = (await stage.chain.transfersFrom(BUYER.address)).at(-1)!;
    expect(transfer).toEqual({ to: SELLER, value: CENT, nonce, transaction: seller.payments.at(-1)!.transaction });
    expect(stage.facilitator.settled.at(-1)).toEqual({ version, from: BUYER.address, to: SELLER, value: CENT, nonce, transaction: transfer.transaction });
  });

  it.each([1, 2] as const)('of version %i shown again is refused and moves nothing', async (version) => {
    const seller = sellers[version];
    const payment = await signed(seller);
    await buyer.send(urlOf(seller), payment);
    const paid = seller.payments.length;
    expect(await spentIn(stage.chain, async () => expect((await buyer.send(urlOf(seller), payment)).status).toBe(402))).toBe(0n);
    expect(seller.payments).toHaveLength(paid);
  });

  it.each([1, 2] as const)('of version %i comes with the body it was asked with', async (version) => {
    const seller = sellers[version];
    const { body } = await buyer.send(urlOf(seller), await signed(seller), { method: 'POST', body: 'how much?' });
    expect(body).toMatchObject({ asked: 'how much?' });
    expect(seller.requests.at(-1)).toMatchObject({ method: 'POST', body: 'how much?' });
  });

  it('is not asked for what is free', async () => {
    for (const seller of Object.values(sellers)) expect((await fetch(`${seller.url}/free`)).status).toBe(200);
  });

  it('arrives with nineteen others at once, and all of them are settled', async () => {
    const twenty = Array.from({ length: 20 }, (_, index) => buyer.buy(urlOf(sellers[index % 2 === 0 ? 1 : 2], String(index))));
    expect(await spentIn(stage.chain, async () => expect((await Promise.all(twenty)).map(({ status }) => status)).toEqual(Array(20).fill(200)))).toBe(20n * CENT);
  });

  it.each([1, 2] as const)('of version %i moves nothing while the facilitator refuses or is down', async (version) => {
    const seller = sellers[version];
    const payment = await signed(seller);
    stage.facilitator.refuses = true;
    expect(await spentIn(stage.chain, async () => expect((await buyer.send(urlOf(seller), payment)).status).toBe(402))).toBe(0n);
    Object.assign(stage.facilitator, { refuses: false, down: true });
    expect(await spentIn(stage.chain, async () => expect((await buyer.send(urlOf(seller), payment)).status).toBeGreaterThanOrEqual(402))).toBe(0n);
    stage.facilitator.down = false;
    expect(await spentIn(stage.chain, async () => expect((await buyer.send(urlOf(seller), payment)).status).toBe(200))).toBe(CENT);
  });

  it('takes as long as the facilitator', async () => {
    const payment = await signed(stage.honestV1);
    stage.facilitator.slowMs = 100;
    const began = performance.now();
    expect((await buyer.send(urlOf(stage.honestV1), payment)).status).toBe(200);
    // It was asked twice, and a timer may be a millisecond early.
    expect(performance.now() - began).toBeGreaterThan(195);
  });

  it('leaves the chain with a line for every one, and with all the money', async () => {
    const transfers = await stage.chain.transfersFrom(BUYER.address);
    // The facilitator hears of those that came together in any order.
    expect(transfers.map(({ nonce }) => nonce).toSorted()).toEqual(stage.facilitator.settled.map(({ nonce }) => nonce).toSorted());
    expect((await stage.chain.balanceOf(BUYER.address)) + (await stage.chain.balanceOf(SELLER))).toBe(BUYER_HAS);
  });
});

onChain('a payment that nobody cashed in time', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain();
  });
  afterAll(() => chain.stop());

  it('can never be cashed and was not', async () => {
    await chain.mint(BUYER.address, BUYER_HAS);
    const facilitator = await startFacilitator(chain);
    const seller = await startHostileSeller({ facilitator, mode: MODES['fails, cashes later'] });
    try {
      await buyer.buy(seller.url);
      await chain.passTime(120);
      expect(await spentIn(chain, async () => expect(await seller.cashLater()).toMatchObject({ success: false }))).toBe(0n);
      expect(await chain.authorizationState(BUYER.address, authorizationIn(seller.kept[0]!).nonce)).toBe(false);
    } finally {
      await seller.close();
      await facilitator.close();
    }
  });
});
