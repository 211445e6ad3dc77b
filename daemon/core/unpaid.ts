import { formatDollars } from './amount.ts';
import { refusal, type Refusal } from './errors.ts';
import type { PaymentOption } from './payment-choice.ts';
import type { PayableNetwork } from './payment-rules.ts';

/** A demand of x402 that this wallet cannot meet. */
export interface UnpayableDemand {
  /**
   * Another wallet may: then it is passed on as it came. Else nobody could tell what to pay, and
   * the program is told so.
   */
  foreign: boolean;
  /** Stands behind "because". */
  why: string;
  /** What it asks, in words; empty: that cannot be read. */
  asks: string;
}

export function cannotBePaid(label: string, { why, asks }: UnpayableDemand): Refusal {
  const what = asks === '' ? 'asks to be paid' : `asks to be paid ${asks}`;
  return refusal(
    'PAYMENT_FAILED',
    `${label} ${what}, and nothing was paid because ${why}; use another source or go on without it`,
    { scope: 'request' },
  );
}

export function noWalletFor(label: string, asks: string): Refusal {
  const what = asks === '' ? 'asks to be paid' : `asks to be paid ${asks}`;
  return refusal(
    'PAYMENT_FAILED',
    `${label} ${what}, and nothing was paid because pag0 has no wallet; ` +
      'use another source, or ask the person to run `pag0 wallet create`',
    { scope: 'request' },
  );
}

/**
 * A refusal that also names what the seller asked: its reader may find a cheaper one, or ask the
 * person.
 */
export function namingPrice(
  why: Refusal,
  option: PaymentOption | undefined,
  networks: readonly PayableNetwork[],
): Refusal {
  if (option === undefined || why.sentence.includes('; it asks ')) return why;
  return { ...why, sentence: `${why.sentence}; it asks ${askedFor(option, networks)}` };
}

/**
 * "$0.02 to 0x… on eip155:8453". Of a token that nobody called a dollar only its units are known.
 */
export function askedFor(
  { amount, asset, network, payTo }: PaymentOption,
  networks: readonly PayableNetwork[],
): string {
  const isDollar = networks.some(({ id, assets }) => id === network && assets.includes(asset));
  return `${isDollar ? formatDollars(amount) : `${amount} of ${asset}`} to ${payTo} on ${network}`;
}
