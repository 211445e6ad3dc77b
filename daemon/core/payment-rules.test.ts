import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PAYMENT, tightenPayment, type PaymentRules } from './payment-rules.ts';

const [BASE, SEPOLIA] = DEFAULT_PAYMENT.networks;

describe('the rules of paying', () => {
  it('are narrowed by a project, which never says whom to ask about the chain', () => {
    const user: PaymentRules = { ...DEFAULT_PAYMENT, networks: [{ ...SEPOLIA!, rpc: 'https://mine.example' }, BASE!] };
    const project = { networks: [{ ...SEPOLIA!, rpc: 'https://liar.example' }, { id: 'eip155:1', rpc: null, assets: SEPOLIA!.assets }], payees: [['0xb']], priceJump: 9 };
    expect(tightenPayment(user, project)).toEqual({ networks: [{ ...SEPOLIA!, rpc: 'https://mine.example' }], payees: [['0xb']], priceJump: 1.5 });
  });

  it('law: a project’s file can only tighten', () => {
    const networks = fc.uniqueArray(fc.record({ id: fc.constantFrom('1', '2', '3'), rpc: fc.constantFrom(null, 'a', 'b'), assets: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }) }), { selector: ({ id }) => id });
    const rules = fc.record({ networks, payees: fc.array(fc.array(fc.constantFrom('p', 'q'))), priceJump: fc.double({ min: 1, max: 100, noNaN: true }) });
    const part = fc.record({ networks, payees: rules.map(({ payees }) => payees), priceJump: fc.double({ min: 1, max: 100, noNaN: true }) }, { requiredKeys: [] });
    const payable = ({ networks, payees }: PaymentRules): string[] => networks.flatMap(({ id, rpc, assets }) => assets.flatMap((asset) => ['p', 'q'].filter((payee) => payees.every((list) => list.includes(payee))).map((payee) => `${id} ${rpc} ${asset} ${payee}`)));
    fc.assert(
      fc.property(rules, part, (user, project) => {
        const both = tightenPayment(user, project);
        expect(payable(user)).toEqual(expect.arrayContaining(payable(both)));
        expect(both.priceJump).toBeLessThanOrEqual(user.priceJump);
      }),
    );
  });
});
