import { formatDollars } from './amount.ts';
import type { Code } from './errors.ts';
import type { PaymentOption } from './payment-choice.ts';

/** A seller that was shown a payment and demands another: what it wants now tells what it is up to. */
export function secondDemand(option: PaymentOption, demand: { options: readonly PaymentOption[] } | null): { code: Code; how: string } {
  if (demand === null) return { code: 'PAYMENT_FAILED', how: 'refused it' };
  const sameToken = demand.options.filter(({ network, asset }) => network === option.network && asset === option.asset);
  if (sameToken.length === 0) return { code: 'ASSET_NOT_ALLOWED', how: 'now wants another token or network' };
  const samePayee = sameToken.filter(({ payTo }) => payTo === option.payTo);
  if (samePayee.length === 0) return { code: 'PAYEE_CHANGED', how: `now wants ${sameToken[0]!.payTo} to be paid` };
  const cheapest = samePayee.reduce((least, { amount }) => (amount < least ? amount : least), samePayee[0]!.amount);
  if (cheapest > option.amount) return { code: 'PRICE_CHANGED', how: `now asks ${formatDollars(cheapest)}` };
  return { code: 'PAYMENT_FAILED', how: 'demands to be paid once more' };
}
