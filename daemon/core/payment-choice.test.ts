import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePayment, type Choosing, type PaymentOption } from './payment-choice.ts';
import { DEFAULT_PAYMENT, type PaymentRules } from './payment-rules.ts';

const [BASE, SEPOLIA] = DEFAULT_PAYMENT.networks;
const at = (digit: string): string => `0x${digit.repeat(40)}`;
const [SELLER, OTHER, WALLET] = [at('a'), at('b'), at('c')];

const option = (more: Partial<PaymentOption> = {}): PaymentOption => ({ network: SEPOLIA!.id, asset: SEPOLIA!.assets[0]!, payTo: SELLER, amount: 10_000n, maxTimeoutSeconds: 60, index: 0, ...more });
const choose = (options: readonly PaymentOption[], more: Partial<Choosing> = {}) => choosePayment({ label: 'shop.example/data', options, rules: DEFAULT_PAYMENT, wallet: WALLET, limit: 500_000n, first: null, ...more });
const rules = (more: Partial<PaymentRules>): { rules: PaymentRules } => ({ rules: { ...DEFAULT_PAYMENT, ...more } });

describe('the choice of a payment', () => {
  it('is the cheapest that is allowed', () => {
    const options = [option({ amount: 30n }), option({ amount: 10n, index: 1, asset: at('9') }), option({ amount: 20n, index: 2 })];
    expect(choose(options)).toEqual({ outcome: 'chosen', option: options[2] });
  });

  it('between equals goes by the order of the user’s networks, not of the seller’s list', () => {
    const [sepolia, base] = [option({ index: 0 }), option({ index: 1, network: BASE!.id, asset: BASE!.assets[0]! })];
    expect(choose([sepolia, base])).toEqual({ outcome: 'chosen', option: base });
    expect(choose([sepolia, base], rules({ networks: [SEPOLIA!, BASE!] }))).toEqual({ outcome: 'chosen', option: sepolia });
  });

  it('is none where no token and network is allowed, and says which the seller takes', () => {
    const made = choose([option({ network: 'eip155:137' }), option({ network: BASE!.id })]);
    expect(made).toMatchObject({ outcome: 'refused', refusal: { code: 'ASSET_NOT_ALLOWED', ends: null } });
    expect(made.outcome === 'refused' && made.refusal.sentence).toBe(
      `pag0 ASSET_NOT_ALLOWED: shop.example/data takes no payment in a token and network that pag0's "networks" allow (it takes ${SEPOLIA!.assets[0]} on eip155:137, ${SEPOLIA!.assets[0]} on eip155:8453), so nothing was paid; use another source or go on without it`,
    );
  });

  it('is none where the payee is not on every list', () => {
    expect(choose([option()], rules({ payees: [[SELLER]] }))).toMatchObject({ outcome: 'chosen' });
    for (const payees of [[[OTHER]], [[]], [[SELLER, OTHER], [OTHER]]]) {
      expect(choose([option()], rules({ payees }))).toMatchObject({ outcome: 'refused', refusal: { code: 'ENDPOINT_NOT_ALLOWED', sentence: expect.stringContaining(`wants ${SELLER} to be paid`) } });
    }
  });

  it('is none above the limit, and the refusal has the figures', () => {
    expect(choose([option({ amount: 600_000n }), option({ amount: 500_001n, index: 1 })])).toMatchObject({ outcome: 'refused', refusal: { code: 'REQUEST_LIMIT_EXCEEDED', details: { limit: '500000', price: '500001' } } });
    expect(choose([option({ amount: 500_000n })])).toMatchObject({ outcome: 'chosen' });
    // Without a limit there is still what no request costs.
    expect(choose([option({ amount: 9_999_999_999_999_999_999n })], { limit: null })).toMatchObject({ refusal: { code: 'REQUEST_LIMIT_EXCEEDED' } });
  });

  it('is never a payment of nothing, to this wallet, to the token or to nobody', () => {
    const absurd = [option({ amount: 0n }), option({ amount: -5n }), option({ payTo: WALLET }), option({ payTo: SEPOLIA!.assets[0]! }), option({ payTo: at('0') })];
    for (const one of absurd) expect(choose([one])).toMatchObject({ outcome: 'refused', refusal: { code: 'PAYMENT_FAILED' } });
    expect(choose([])).toMatchObject({ outcome: 'refused', refusal: { code: 'PAYMENT_FAILED' } });
    expect(choose([...absurd, option({ amount: 7n, index: 5 })])).toMatchObject({ outcome: 'chosen', option: { index: 5 } });
  });

  it('asks a person when the price has jumped, and not before', () => {
    const first = { amount: 10_000n, payTo: SELLER };
    expect(choose([option({ amount: 15_000n })], { first })).toMatchObject({ outcome: 'chosen' });
    expect(choose([option({ amount: 15_001n })], { first })).toEqual({ outcome: 'ask', code: 'PRICE_CHANGED', option: option({ amount: 15_001n }), change: 'asks $0.015001, and took $0.01 at its first payment' });
    expect(choose([option({ amount: 10_001n })], { first, ...rules({ priceJump: 1 }) })).toMatchObject({ outcome: 'ask' });
    expect(choose([option({ amount: 1n })], { first })).toMatchObject({ outcome: 'chosen' });
  });

  it('asks a person when another is to be paid, and prefers who was paid before', () => {
    const first = { amount: 10_000n, payTo: SELLER };
    expect(choose([option({ payTo: OTHER })], { first })).toEqual({ outcome: 'ask', code: 'PAYEE_CHANGED', option: option({ payTo: OTHER }), change: `asks $0.01 for ${OTHER}, and its first payment went to ${SELLER}` });
    expect(choose([option({ payTo: OTHER, amount: 1n }), option({ index: 1 })], { first })).toMatchObject({ outcome: 'chosen', option: { index: 1 } });
  });

  it('law: whatever a seller sends, only what is allowed, offered and within the limit is chosen or asked for', () => {
    const pick = <T>(...values: T[]) => fc.constantFrom(...values);
    const often = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>) => fc.oneof({ weight: 5, arbitrary: usual }, odd);
    const addresses = [SELLER, OTHER, WALLET, at('0'), SEPOLIA!.assets[0]!, BASE!.assets[0]!];
    const anOption = fc.record({
      network: often(pick(BASE!.id, SEPOLIA!.id, 'eip155:1'), fc.string()),
      asset: often(pick(...addresses), fc.string()),
      payTo: often(pick(SELLER, OTHER), fc.oneof(pick(...addresses), fc.string())),
      amount: often(fc.bigInt({ min: 1n, max: 200n }), fc.bigInt()),
      maxTimeoutSeconds: fc.nat(),
    });
    const networks = fc.uniqueArray(
      fc.record({ id: pick(BASE!.id, SEPOLIA!.id, 'eip155:1'), rpc: fc.constant(null), assets: fc.uniqueArray(pick(...addresses), { minLength: 1 }) }),
      { selector: ({ id }) => id },
    );
    const someRules = fc.record({ networks, payees: often<string[][]>(fc.constant([]), fc.array(fc.array(pick(...addresses)), { maxLength: 2 })), priceJump: fc.double({ min: 1, max: 10, noNaN: true }) });
    const limit = fc.option(fc.bigInt({ min: 0n, max: 300n }), { nil: null });
    const first = fc.option(fc.record({ amount: fc.bigInt({ min: 1n, max: 100n }), payTo: pick(SELLER, OTHER) }), { nil: null });
    const counts = { chosen: 0, ask: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(anOption, { maxLength: 8 }), someRules, limit, first, (sent, allowed, most, before) => {
        const options = sent.map((one, index) => ({ ...one, index }));
        const made = choose(options, { rules: allowed, limit: most, first: before });
        counts[made.outcome] += 1;
        if (made.outcome === 'refused') return;
        const { option: taken } = made;
        expect(options).toContain(taken);
        expect(allowed.networks.find(({ id }) => id === taken.network)?.assets).toContain(taken.asset);
        for (const list of allowed.payees) expect(list).toContain(taken.payTo);
        expect([WALLET, at('0'), taken.asset]).not.toContain(taken.payTo);
        expect(taken.amount > 0n && (most === null || taken.amount <= most)).toBe(true);
        if (made.outcome === 'chosen' && before !== null) {
          expect(taken.payTo).toBe(before.payTo);
          expect(Number(taken.amount)).toBeLessThanOrEqual(Number(before.amount) * allowed.priceJump + 1e-3);
        }
        // The order of the list is the seller's, and decides nothing.
        const reversed = choose([...options].reverse(), { rules: allowed, limit: most, first: before });
        expect(reversed).toEqual(made);
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(counts.chosen, counts.ask, counts.refused)).toBeGreaterThan(200);
  });
});
