import { setTimeout as sleep } from 'node:timers/promises';
import type { PaymentRequirements } from '@x402/core/types';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { BUYER, STRANGER } from './accounts.ts';
import { type HostileSeller, startHostileSeller } from './hostile-seller.ts';
import { type Mode, MODES } from './modes.ts';
import { createNaiveBuyer } from './naive-buyer.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import { openPaymentStage, type PaymentStage } from './stage.ts';
import { authorizationIn, FAIR_OFFER, type Offer, requirementsOf, type Version } from './wire.ts';

const CENT = 10_000n;
const buyer = createNaiveBuyer();

/** Who pays blindly and is asked for money in these ways loses it, or cannot pay. The figure: what is lost at once. */
const DEMANDS: readonly (readonly [keyof typeof MODES, Partial<Offer>, bigint | 'cannot sign'])[] = [
  ['other asset', { asset: '0x00000000000000000000000000000000000000a5' }, 0n],
  ['other network', { network: 'eip155:8453' }, 0n],
  ['other payee', { payTo: STRANGER }, CENT],
  ['amount zero', { amount: '0' }, 0n],
  ['amount negative', { amount: '-10000' }, 'cannot sign'],
  ['amount huge', { amount: '9'.repeat(40) }, 0n],
  ['amount in hex', { amount: '0x2710' }, CENT],
  ['amount in words', { amount: 'ten thousand' }, 'cannot sign'],
  ['ten years', { maxTimeoutSeconds: 315_360_000 }, CENT],
];

onChain('a hostile seller', () => {
  let stage: PaymentStage;
  let sellers: Readonly<Record<Version, HostileSeller>>;
  beforeAll(async () => {
    stage = await openPaymentStage();
    sellers = { 1: await startHostileSeller({ facilitator: stage.facilitator, version: 1 }), 2: stage.hostile };
  });
  afterAll(async () => {
    await sellers[1].close();
    await stage.close();
  });

  const spent = (action: () => Promise<unknown>): Promise<bigint> => spentIn(stage.chain, action);
  const wanted = (version: Version, change: Partial<Offer>, url: string): PaymentRequirements => requirementsOf(version, { ...FAIR_OFFER, ...change }, url);

  for (const version of [1, 2] as const) {
    const speaking = (mode: Mode): { seller: HostileSeller; url: string } => {
      const seller = sellers[version];
      seller.mode = mode;
      return { seller, url: `${seller.url}/paid/document` };
    };
    const words = `in version ${version}`;

    it.each(DEMANDS)(`${words}: %s`, async (name, change, lost) => {
      const { url } = speaking(MODES[name]);
      const demand = await buyer.ask(url);
      expect(demand).toMatchObject({ x402Version: version, accepts: [wanted(version, change, url)] });
      if (lost === 'cannot sign') await expect(buyer.sign(demand)).rejects.toThrow();
      else expect(await spent(async () => buyer.send(url, await buyer.sign(demand)))).toBe(lost);
    });

    it(`${words}: ten years are signed for ten years`, async () => {
      const { url } = speaking(MODES['ten years']);
      const { validBefore } = authorizationIn(await buyer.sign(await buyer.ask(url)));
      expect(Number(validBefore) - Date.now() / 1_000).toBeGreaterThan(315_000_000);
    });

    it(`${words}: one good option among many`, async () => {
      const { url } = speaking(MODES['many options']);
      const demand = await buyer.ask(url);
      expect(demand.accepts).toHaveLength(6);
      const good = demand.accepts.findIndex((option) => JSON.stringify(option) === JSON.stringify(wanted(version, {}, url)));
      expect(good).toBe(4);
      expect(await spent(async () => expect(await buyer.send(url, await buyer.sign(demand, good))).toMatchObject({ status: 200, receipt: { success: true } }))).toBe(CENT);
    });

    it(`${words}: nobody can read what it wants`, async () => {
      const { url } = speaking(MODES['demand garbled']);
      expect((await fetch(url)).status).toBe(402);
      await expect(buyer.ask(url)).rejects.toThrow();
    });

    it.each([
      ['price raised', { amount: '100000' }],
      ['asset changed', { asset: '0x00000000000000000000000000000000000000a5' }],
      ['network changed', { network: 'eip155:8453' }],
      ['payee changed', { payTo: STRANGER }],
      ['asks again', {}],
    ] as const)(`${words}: %s once it was paid`, async (name, change) => {
      const { seller, url } = speaking(MODES[name]);
      const first = await buyer.ask(url);
      expect(first).toMatchObject({ accepts: [wanted(version, {}, url)] });
      const payment = await buyer.sign(first);
      const field = version === 1 ? 'x-payment' : 'payment-signature';
      expect(await spent(async () => {
        const again = await fetch(url, { headers: { [field]: Buffer.from(JSON.stringify(payment)).toString('base64') } });
        const demand: unknown = version === 1 ? await again.json() : JSON.parse(Buffer.from(again.headers.get('payment-required')!, 'base64').toString());
        expect([again.status, demand]).toEqual([402, expect.objectContaining({ accepts: [wanted(version, change, url)] })]);
      })).toBe(0n);
      expect(seller.kept.at(-1)).toEqual(payment);
    });

    it(`${words}: takes a client, with its payment and its keys, to another host`, async () => {
      const { seller, url } = speaking(MODES.redirects);
      const payment = await buyer.sign(await buyer.ask(url));
      const { status, body } = await buyer.send(url, payment, { headers: { 'x-api-key': 'k' } });
      expect([status, body]).toEqual([200, { thanks: 'for coming' }]);
      expect(new URL(seller.elsewhere.url).hostname).not.toBe(new URL(url).hostname);
      expect(seller.elsewhere.requests.at(-1)).toMatchObject({ path: '/paid/document', headers: { 'x-api-key': 'k', [version === 1 ? 'x-payment' : 'payment-signature']: expect.any(String) as string } });
    });

    it(`${words}: fails, and cashes when it likes`, async () => {
      const { seller, url } = speaking(MODES['fails, cashes later']);
      expect(await spent(async () => expect(await buyer.buy(url)).toMatchObject({ status: 500, receipt: null }))).toBe(0n);
      const { nonce } = authorizationIn(seller.kept.at(-1)!);
      expect(await stage.chain.authorizationState(BUYER.address, nonce)).toBe(false);
      expect(await spent(async () => expect(await seller.cashLater()).toMatchObject({ success: true }))).toBe(CENT);
      expect(await stage.chain.authorizationState(BUYER.address, nonce)).toBe(true);
    });

    it(`${words}: serves without a receipt, and has the money`, async () => {
      const { url } = speaking(MODES['cashes without a receipt']);
      expect(await spent(async () => expect(await buyer.buy(url)).toMatchObject({ status: 200, body: { path: '/paid/document' }, receipt: null }))).toBe(CENT);
    });

    it(`${words}: says that the payment failed, and has the money`, async () => {
      const { url } = speaking(MODES['cashes and denies']);
      expect(await spent(async () => expect(await buyer.buy(url)).toMatchObject({ status: 402, receipt: { success: false, errorReason: 'insufficient_funds' } }))).toBe(CENT);
    });

    it(`${words}: stalls with the payment in its hand`, async () => {
      const { seller, url } = speaking(MODES.stalls);
      const payment = await buyer.sign(await buyer.ask(url));
      const patience = new AbortController();
      const answer = buyer.send(url, payment, { signal: patience.signal });
      await vi.waitFor(() => expect(seller.kept.at(-1)).toEqual(payment), 5_000);
      expect(await Promise.race([answer, sleep(50, 'nothing yet')])).toBe('nothing yet');
      patience.abort();
      await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
      expect(await spent(() => seller.cashLater())).toBe(CENT);
    });

    it(`${words}: breaks the connection with the payment in its hand`, async () => {
      const { seller, url } = speaking(MODES.resets);
      const payment = await buyer.sign(await buyer.ask(url));
      await expect(buyer.send(url, payment)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
      expect(seller.kept.at(-1)).toEqual(payment);
      expect(await spent(() => seller.cashLater())).toBe(CENT);
    });
  }

  it('in version 2: demands in the body alone, where the library does not look', async () => {
    stage.hostile.mode = MODES['demand in the body alone'];
    const answer = await fetch(stage.hostile.url);
    expect([answer.status, answer.headers.get('payment-required')]).toEqual([402, null]);
    expect(await answer.json()).toMatchObject({ x402Version: 2, accepts: [wanted(2, {}, stage.hostile.url)] });
    await expect(buyer.ask(stage.hostile.url)).rejects.toThrow();
  });

  it('is honest in no mode at all', async () => {
    for (const seller of Object.values(sellers)) {
      seller.mode = MODES.fair;
      expect(await spent(async () => expect(await buyer.buy(seller.url)).toMatchObject({ status: 200, receipt: { success: true } }))).toBe(CENT);
    }
  });
});
