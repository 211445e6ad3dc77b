import { formatDollars, MAX_AMOUNT, smaller, type Micros } from './amount.ts';
import { refusal, type Refusal } from './errors.ts';
import type { PaymentRules } from './payment-rules.ts';

/** One of the ways in which a seller takes payment: an authorization of exactly this amount (EIP-3009). */
export interface PaymentOption {
  /** CAIP-2: `eip155:84532`. */
  network: string;
  /** The token's address, lower-case. */
  asset: string;
  /** Who is paid, lower-case. */
  payTo: string;
  /** In the asset's smallest unit. */
  amount: bigint;
  /** How long, in seconds, the seller wants the authorization to hold. */
  maxTimeoutSeconds: number;
  /** Its place in the seller's list. */
  index: number;
}

/** What an endpoint cost, and who was paid, when it was paid first or a person last agreed to a change. */
export interface FirstPayment {
  amount: Micros;
  /** Lower-case. */
  payTo: string;
}

export interface Choosing {
  /** What is paid for, as a sentence names it: `api.tavily.com/search`. */
  label: string;
  options: readonly PaymentOption[];
  rules: PaymentRules;
  /** The address that would pay, lower-case. */
  wallet: string;
  /** What one request may cost; null: no limit. */
  limit: Micros | null;
  /** null: never paid before, or a person has just agreed to what it asks now. */
  first: FirstPayment | null;
}

export type PaymentChoice =
  | { outcome: 'chosen'; option: PaymentOption }
  /** Only with a person's yes. `change` stands behind the seller's name: "asks $0.05, and took $0.01 at its first payment". */
  | { outcome: 'ask'; code: 'PRICE_CHANGED' | 'PAYEE_CHANGED'; option: PaymentOption; change: string }
  | { outcome: 'refused'; refusal: Refusal };

/**
 * Which of a seller's options is paid: the cheapest of those that the rules allow and that agree with what was paid before.
 * When none is left, the refusal names the first rule that left none.
 */
export function choosePayment({ label, options, rules, wallet, limit, first }: Choosing): PaymentChoice {
  const refused = (code: Refusal['code'], why: string, details: Omit<Refusal['details'], 'scope'> = {}): PaymentChoice => {
    const text = `${label} ${why}, so nothing was paid; use another source or go on without it`;
    return { outcome: 'refused', refusal: refusal(code, text, { scope: 'request', ...details }) };
  };

  const sound = options.filter((option) => option.amount > 0n && couldBeSeller(option, wallet));
  if (sound.length === 0) return refused('PAYMENT_FAILED', 'asks for a payment that can go to no seller');

  const allowed = sound.filter((option) => rankOf(option, rules) !== null);
  if (allowed.length === 0) return refused('ASSET_NOT_ALLOWED', `takes no payment in a token and network that pag0's "networks" allow (it takes ${named(sound.map(({ asset, network }) => `${asset} on ${network}`))})`);

  const known = allowed.filter(({ payTo }) => rules.payees.every((list) => list.includes(payTo)));
  if (known.length === 0) return refused('ENDPOINT_NOT_ALLOWED', `wants ${named(allowed.map(({ payTo }) => payTo))} to be paid, which pag0's "payees" do not name`);

  const cheapestFirst = known.toSorted((a, b) => compare(a, b, rules));
  const highest = smaller(MAX_AMOUNT, limit)!;
  const within = cheapestFirst.filter(({ amount }) => amount <= highest);
  if (within.length === 0) {
    const price = cheapestFirst[0]!.amount;
    return refused('REQUEST_LIMIT_EXCEEDED', `costs ${formatDollars(price)} and one request may cost ${formatDollars(highest)}`, { limit: highest.toString(), price: price.toString() });
  }

  if (first === null) return { outcome: 'chosen', option: within[0]! };
  const samePayee = within.filter(({ payTo }) => payTo === first.payTo);
  if (samePayee.length === 0) {
    const option = within[0]!;
    return { outcome: 'ask', code: 'PAYEE_CHANGED', option, change: `asks ${formatDollars(option.amount)} for ${option.payTo}, and its first payment went to ${first.payTo}` };
  }
  const option = samePayee[0]!;
  if (!jumped(option.amount, first.amount, rules.priceJump)) return { outcome: 'chosen', option };
  return { outcome: 'ask', code: 'PRICE_CHANGED', option, change: `asks ${formatDollars(option.amount)}, and took ${formatDollars(first.amount)} at its first payment` };
}

const NOBODY = `0x${'0'.repeat(40)}`;

/** Whoever gives these as a payee sells nothing: the money would come back, be burnt, or stick in the token's contract. */
function couldBeSeller({ payTo, asset }: PaymentOption, wallet: string): boolean {
  return payTo !== wallet && payTo !== asset && payTo !== NOBODY;
}

/** The place of its network and token in the user's lists; null when they are not on them. */
function rankOf({ network, asset }: PaymentOption, { networks }: PaymentRules): [number, number] | null {
  const at = networks.findIndex(({ id, assets }) => id === network && assets.includes(asset));
  return at < 0 ? null : [at, networks[at]!.assets.indexOf(asset)];
}

/** Nothing here goes by the seller's order but options that are otherwise the same. */
function compare(a: PaymentOption, b: PaymentOption, rules: PaymentRules): number {
  if (a.amount !== b.amount) return a.amount < b.amount ? -1 : 1;
  const [[networkA, assetA], [networkB, assetB]] = [rankOf(a, rules)!, rankOf(b, rules)!];
  const [payeeA, payeeB] = a.payTo === b.payTo ? [0, 0] : a.payTo < b.payTo ? [0, 1] : [1, 0];
  return networkA - networkB || assetA - assetB || payeeA - payeeB || a.index - b.index;
}

/** To a millionth, so that no float decides about money. */
function jumped(amount: Micros, before: Micros, factor: number): boolean {
  return amount * 1_000_000n > before * BigInt(Math.round(factor * 1_000_000));
}

/** A seller's list may be long, and its reader is a model. */
function named(texts: readonly string[]): string {
  const different = [...new Set(texts)];
  return different.length <= 3 ? different.join(', ') : `${different.slice(0, 3).join(', ')} and ${different.length - 3} more`;
}
