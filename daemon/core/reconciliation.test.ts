import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconciled, type BookedPayment, type ChainTransfer } from './reconciliation.ts';

const AS_OF = 1_800_000_000;

/** What really happened to one payment, as book and chain both tell it. */
interface Truth {
  payment: BookedPayment;
  transfer: ChainTransfer | null;
}

const truth = fc
  .record({ amount: fc.bigInt({ min: 1n, max: 10n ** 12n }), payTo: fc.constantFrom('0xa', '0xb'), state: fc.constantFrom('open', 'held', 'posted', 'void'), left: fc.integer({ min: -500, max: 120 }), told: fc.boolean() } as const)
  .map(({ amount, payTo, state, left, told }) => ({ amount, payTo, state, validBefore: AS_OF + left, told }));
const truths = fc.array(truth, { maxLength: 12 }).map((all) =>
  all.map(({ told, ...one }, index): Truth => {
    const [nonce, transaction] = [`nonce-${index}`, `tx-${index}`];
    const cashed = one.state === 'posted';
    return {
      payment: { ...one, nonce, transaction: cashed && told ? transaction : null },
      transfer: cashed ? { transaction, to: one.payTo, amount: one.amount, nonce, block: index } : null,
    };
  }),
);
/** One that is over: posted, cashed, and nobody can cash it any more. */
const sound = truths.map((all) => all.map(({ payment, transfer }): Truth => ({ payment: { ...payment, validBefore: AS_OF - 1 }, transfer }))).filter((all) => all.some(({ transfer }) => transfer !== null));
const picked = fc.tuple(sound, fc.nat()).map(([all, which]) => {
  const cashed = all.filter(({ transfer }) => transfer !== null);
  return { all, one: cashed[which % cashed.length]! as { payment: BookedPayment; transfer: ChainTransfer } };
});

function compare(all: readonly Truth[], others: readonly string[] = []) {
  return reconciled({ payments: all.map(({ payment }) => payment), transfers: all.flatMap(({ transfer }) => (transfer === null ? [] : [transfer])), others: new Set(others), asOf: AS_OF });
}

const changed = (all: readonly Truth[], one: Truth, next: Partial<Truth>): Truth[] => all.map((each) => (each === one ? { ...each, ...next } : each));

describe('a book and a chain', () => {
  it('made from the same payments differ in nothing', () => {
    fc.assert(
      fc.property(truths, (all) => {
        const { differences, agreed, pending } = compare(all);
        expect(differences).toEqual([]);
        expect(agreed).toEqual(all.filter(({ transfer }) => transfer !== null).map(({ payment }) => payment));
        expect(agreed.length + pending.length).toBe(all.filter(({ payment }) => payment.state !== 'void').length);
      }),
    );
  });

  it('differ in exactly the transfer that is missing', () => {
    fc.assert(
      fc.property(picked, ({ all, one }) => {
        expect(compare(changed(all, one, { transfer: null })).differences).toEqual([{ kind: 'POSTED_NOT_CASHED', payment: one.payment, transfer: null }]);
      }),
    );
  });

  it('differ in exactly the payment that is missing', () => {
    fc.assert(
      fc.property(picked, ({ all, one }) => {
        const payments = all.filter((each) => each !== one).map(({ payment }) => payment);
        const transfers = all.flatMap(({ transfer }) => (transfer === null ? [] : [transfer]));
        expect(reconciled({ payments, transfers, others: new Set(), asOf: AS_OF }).differences).toEqual([{ kind: 'OUTSIDE', payment: null, transfer: one.transfer }]);
      }),
    );
  });

  it('differ in exactly the transfer that nobody booked, and in none that moved nothing', () => {
    fc.assert(
      fc.property(truths, fc.bigInt({ min: 0n, max: 1_000n }), fc.constantFrom(null, 'nonce-of-nobody', 'nonce-0'), (all, amount, nonce) => {
        // A nonce can be used once: one that the chain tells of twice is not ours the second time.
        fc.pre(nonce !== 'nonce-0' || (all[0]?.transfer ?? null) !== null);
        const transfer: ChainTransfer = { transaction: 'tx-x', to: '0xc', amount, nonce, block: 99 };
        const payments = all.map(({ payment }) => payment);
        const transfers = [...all.flatMap((one) => (one.transfer === null ? [] : [one.transfer])), transfer];
        expect(reconciled({ payments, transfers, others: new Set(), asOf: AS_OF }).differences).toEqual(amount === 0n ? [] : [{ kind: 'OUTSIDE', payment: null, transfer }]);
      }),
    );
  });

  it('differ in exactly the transfer with another amount, payee or transaction', () => {
    fc.assert(
      fc.property(picked, fc.constantFrom('amount', 'to', 'transaction'), ({ all, one }, what) => {
        const next = { amount: { amount: one.transfer.amount + 1n }, to: { to: '0xc' }, transaction: { transaction: 'tx-x' } }[what];
        const transfer = { ...one.transfer, ...next };
        const isNamed = what !== 'transaction' || one.payment.transaction !== null;
        expect(compare(changed(all, one, { transfer })).differences).toEqual(isNamed ? [{ kind: 'DIFFERS', payment: one.payment, transfer }] : []);
      }),
    );
  });

  it('differ in exactly the cashed payment that is not posted', () => {
    fc.assert(
      fc.property(picked, fc.constantFrom('open', 'held', 'void'), ({ all, one }, state) => {
        const payment = { ...one.payment, state } as const;
        expect(compare(changed(all, one, { payment })).differences).toEqual([{ kind: 'CASHED_NOT_POSTED', payment, transfer: one.transfer }]);
      }),
    );
  });
});

describe('what can still end by itself', () => {
  const payment: BookedPayment = { nonce: 'n', payTo: '0xa', amount: 1n, state: 'posted', validBefore: AS_OF + 1, transaction: null };
  const transfer: ChainTransfer = { transaction: 't', to: '0xa', amount: 1n, nonce: 'n', block: 1 };

  it('is no difference: a payment on the seller’s word that may be cashed yet, and one whose answer is on its way', () => {
    for (const one of [{ payment, transfer: null }, { payment: { ...payment, state: 'open' as const }, transfer }]) expect(compare([one])).toEqual({ differences: [], agreed: [], pending: [one.payment] });
  });

  it('is one as soon as it cannot', () => {
    expect(compare([{ payment: { ...payment, validBefore: AS_OF }, transfer: null }]).differences).toMatchObject([{ kind: 'POSTED_NOT_CASHED' }]);
    expect(compare([{ payment: { ...payment, state: 'open', validBefore: AS_OF }, transfer }]).differences).toMatchObject([{ kind: 'CASHED_NOT_POSTED' }]);
    expect(compare([{ payment: { ...payment, state: 'held' }, transfer }]).differences).toMatchObject([{ kind: 'CASHED_NOT_POSTED' }]);
  });
});

it('what the book knows of and does not judge is no spend from outside', () => {
  const transfer: ChainTransfer = { transaction: 't', to: '0xa', amount: 1n, nonce: 'n', block: 1 };
  expect(reconciled({ payments: [], transfers: [transfer], others: new Set(['n']), asOf: AS_OF })).toEqual({ differences: [], agreed: [], pending: [] });
});
