import { expect, it } from 'vitest';
import type { PaymentOption } from '../core/payment-choice.ts';
import { createFunds } from './funds.ts';

const OPTION: PaymentOption = { network: 'eip155:84532', asset: '0xa', payTo: '0xb', amount: 100n, maxTimeoutSeconds: 60, index: 0 };

function world(has: bigint | null) {
  const one = { has, now: 0, asked: 0 };
  const balance = async () => {
    one.asked += 1;
    return one.has;
  };
  return Object.assign(one, { funds: createFunds({ balance }, () => one.now) });
}
const answered = () => new Promise((resolve) => setImmediate(resolve));

it('the first payment waits for no chain', async () => {
  const one = world(0n);
  expect(one.funds.short(OPTION, 'w')).toBeNull();
  await answered();
  expect(one.funds.short(OPTION, 'w')).toBe(0n);
});

it('what was spent is not there any more, without asking again', async () => {
  const one = world(250n);
  await one.funds.now(OPTION, 'w');
  one.funds.spent(OPTION, 'w');
  expect(one.funds.short(OPTION, 'w')).toBeNull();
  one.funds.spent(OPTION, 'w');
  expect([one.funds.short(OPTION, 'w'), one.asked]).toEqual([50n, 1]);
});

it('a wallet that was filled is believed to be after ten seconds', async () => {
  const one = world(0n);
  await one.funds.now(OPTION, 'w');
  one.has = 1_000n;
  one.now = 10_000;
  expect(one.funds.short(OPTION, 'w')).toBeNull();
  await answered();
  expect(one.funds.short(OPTION, 'w')).toBeNull();
});

it('a chain that cannot be asked stops nothing', async () => {
  const one = world(null);
  await one.funds.now(OPTION, 'w');
  expect(one.funds.short(OPTION, 'w')).toBeNull();
});

it('many who ask at once ask the chain once', async () => {
  const one = world(1n);
  for (let n = 0; n < 50; n += 1) one.funds.short(OPTION, 'w');
  await answered();
  expect(one.asked).toBe(1);
});
