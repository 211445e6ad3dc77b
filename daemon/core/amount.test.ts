import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDollars, MAX_AMOUNT, parseAmount, ratio, smaller } from './amount.ts';

describe('an amount', () => {
  it.each([
    ['$5', 5_000_000n],
    ['$0.02', 20_000n],
    ['$0.000001', 1n],
    [' $1.50 ', 1_500_000n],
    ['5000000', 5_000_000n],
    ['0', 0n],
    ['$1000000000', MAX_AMOUNT],
  ])('%s is %s µ$', (text, amount) => {
    expect(parseAmount(text)).toEqual({ ok: true, amount });
  });

  it.each(['-$5', '$-5', '-5', 'NaN', 'Infinity', '$', '', '5.0', '$5.', '$.5', '1e6', '0x10', '$1,000', '$0.0000001', '$1000000000.000001', '9999999999999999999', '$5 USD', '٥'])(
    'refuses %s instead of guessing',
    (text) => {
      expect(parseAmount(text)).toMatchObject({ ok: false });
    },
  );

  it.each([
    ['5', '"5" would be $0.000005; write "$5" or, in µ$, "5000000"'],
    ['20', 'write "$20"'],
    ['9999', 'would be $0.009999; write "$9999"'],
    ['005', 'write "$5"'],
    ['5 USD', 'did you mean "$5"?'],
    ['5$', 'did you mean "$5"?'],
    ['$5 USD', 'did you mean "$5"?'],
    ['0.5', 'did you mean "$0.5"?'],
    ['$5,000', 'did you mean "$5000"?'],
    ['$1,234.50', 'did you mean "$1234.50"?'],
    ['$1e3', 'did you mean "$1000"?'],
    ['-5', 'is not an amount; write dollars as'],
    ['-$5', 'is not an amount; write dollars as'],
    ['€5', 'is not an amount; write dollars as'],
    ['$0.0000001', 'more than six decimals'],
  ])('written as %s is not taken in silence', (text, says) => {
    const read = parseAmount(text);
    expect(read.ok ? '' : read.problem).toContain(says);
  });

  it('law: what is shown reads back as the same amount', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT }), (amount) => {
        expect(parseAmount(formatDollars(amount))).toEqual({ ok: true, amount });
      }),
    );
  });

  it('shows at least cents and never more than there is', () => {
    expect([0n, 1n, 20_000n, 250_000n, 3_000_000n, -1_500_000n].map(formatDollars)).toEqual(['$0.00', '$0.000001', '$0.02', '$0.25', '$3.00', '-$1.50']);
  });

  it('is all used when nothing was allowed and something was spent', () => {
    expect([ratio(0n, 0n), ratio(1n, 0n), ratio(7n, 10n)]).toEqual([0, 1, 0.7]);
  });

  it('knows that no limit is wider than any', () => {
    expect([smaller(null, 5n), smaller(5n, null), smaller(3n, 5n), smaller(null, undefined)]).toEqual([5n, 5n, 3n, null]);
  });
});
