import { formatDollars, smaller } from '../core/amount.ts';
import { callLabel, type Call } from '../core/call.ts';
import { refusal, type Code, type Refusal } from '../core/errors.ts';
import { choosePayment, type PaymentOption } from '../core/payment-choice.ts';
import { quote, type Quote } from '../core/price.ts';
import type { PaymentDemand } from '../ports.ts';
import type { Spender } from './exchange.ts';
import type { Funds } from './funds.ts';
import type { Parts } from './parts.ts';
import { asEnforced, weighQuotes, wouldFit, type Weighed } from './weigh.ts';

/** Something that a seller delivers only against payment, however it was asked for. */
export interface Offer {
  spender: Spender;
  call: Call;
  demand: PaymentDemand;
  /** Digest of what was asked for (`requestDigest`). */
  request: string;
  /** An equal one on its way is a purchase of its own; else it is this one, and nobody knows yet what comes of it. */
  separate: boolean;
  /** Aborted when whoever asked is gone: nobody takes what still comes, so the same once more is a repeat. */
  gone?: AbortSignal;
}

/** What a demand would come to. */
export type Estimate =
  | { outcome: 'pays'; option: PaymentOption }
  /** `why` stands behind the seller's name: "costs $0.30, above what needs a person's yes". */
  | { outcome: 'asks'; option: PaymentOption; code: Code; why: string }
  /** `option` null: none of the seller's was chosen. */
  | { outcome: 'refused'; option: PaymentOption | null; refusal: Refusal };

/** Of the wallet: its address in lower case, and what keeps it from being used. */
export interface Wallet {
  address: string | null;
  problem: string | null;
}

export type Unpaid = { refusal: Refusal; quotes: readonly Quote[]; option?: PaymentOption };

export interface Appraised {
  option: PaymentOption;
  weighed: Weighed;
  wallet: string;
  /** What asks for a person's yes. */
  question: { code: Code; why: string } | null;
}

export interface Appraisal {
  /** Looks everything up and changes nothing. */
  of(offer: Offer, wallet: Wallet): Promise<Appraised | Unpaid>;
  /** What would come of it. `patient`: the chain is asked what the wallet has. */
  estimate(offer: Offer, wallet: Wallet, patient: boolean): Promise<Estimate>;
}

export interface AppraisalParts {
  parts: Parts;
  funds: Funds;
  /** On its way for somebody who is gone. */
  isForsaken(key: string): boolean;
}

/** Whether a seller's demand may be met, with which of its options, and whose yes that takes: before any money is set aside. */
export function createAppraisal({ parts, funds, isForsaken }: AppraisalParts): Appraisal {
  async function appraised(offer: Offer, wallet: Wallet): Promise<Appraised | Unpaid> {
    const { spender, call, demand } = offer;
    const { live, agent } = spender;
    const label = callLabel(call);
    const inForce = parts.policies.of(live.session);
    if (inForce === null) return unpaid([quote(call, [])], 'CONFIG_INVALID', `${label} was not paid because pag0 has no valid policy; ask the person to mend the configuration`, 'configuration');
    const { policy } = inForce;
    const table = quote(call, policy.prices);
    if (wallet.problem !== null || wallet.address === null) return unpaid([table], 'PAYMENT_FAILED', `${label} asks to be paid and nothing was, because ${wallet.problem ?? 'there is no wallet any more'}`);
    const lost = await lostBefore(offer);
    if (lost?.posted === false) return unpaid([table], 'PAYMENT_UNKNOWN', `${label} was shown a payment of ${formatDollars(lost.cheque.amount)} before and whether that was cashed is not known yet, so it was not paid again; go on without it, pag0 finds out by itself`);

    const weighedAs = async (amount: bigint) => asEnforced(await weighQuotes(parts, live, agent, [{ ...table, amount }], inForce));
    // The limits of whoever asks are found before the price that is held against them is.
    const limits = await weighedAs(0n);
    if (limits.outcome === 'refused') return limits;
    if (limits.outcome === 'ungoverned') return unpaid([table], 'ENDPOINT_NOT_ALLOWED', `${label} is not governed, so nothing was paid`);
    const limit = smaller(policy.maxPerRequest, limits.weighed.standing.limits.maxPerRequest);
    const chosen = choosePayment({ label, options: demand.options, rules: policy.payment, wallet: wallet.address, limit, first: await parts.ledger.terms(label) });
    if (chosen.outcome === 'refused') return { refusal: chosen.refusal, quotes: [table] };

    const { option } = chosen;
    const weighing = await weighedAs(option.amount);
    if (weighing.outcome !== 'priced') return weighing.outcome === 'refused' ? { ...weighing, option } : unpaid([table], 'PAYMENT_FAILED', `${label} has no price`);
    const { weighed } = weighing;
    const short = funds.short(option, wallet.address);
    if (short !== null) return { ...tooPoor(offer, option, wallet.address, short, weighed.quotes), option };

    return { option, weighed, wallet: wallet.address, question: questionOf(lost?.cheque.amount ?? null, chosen, weighed, spender) };
  }

  /** What is on its way is not lost. `underway` is looked at first: what is over when the book answers was not when it was read. */
  async function lostBefore({ request, separate }: Offer): ReturnType<Parts['ledger']['lost']> {
    const before = new Set(parts.underway);
    const lost = await parts.ledger.lost(request);
    const isUnderway = lost !== null && !isForsaken(lost.cheque.key) && (before.has(lost.cheque.key) || parts.underway.has(lost.cheque.key));
    return isUnderway && (separate || lost.posted) ? null : lost;
  }

  async function estimate(offer: Offer, wallet: Wallet, patient: boolean): Promise<Estimate> {
    const found = await appraised(offer, wallet);
    if ('refusal' in found) return { outcome: 'refused', option: found.option ?? null, refusal: found.refusal };
    const { option, weighed, wallet: owner, question } = found;
    const has = patient ? await funds.now(option, owner) : null;
    const no = has !== null && has < option.amount ? tooPoor(offer, option, owner, has, weighed.quotes).refusal : await wouldFit(parts, weighed);
    if (no !== null) return { outcome: 'refused', option, refusal: no };
    return question === null ? { outcome: 'pays', option } : { outcome: 'asks', option, ...question };
  }

  return { of: appraised, estimate };
}

/** What asks for a person's yes, if anything does. The client's own question, before the call, told a price and no payee. */
function questionOf(lostAmount: bigint | null, chosen: ReturnType<typeof choosePayment>, weighed: Weighed, spender: Spender): { code: Code; why: string } | null {
  if (chosen.outcome === 'ask') return { code: chosen.code, why: chosen.change };
  if (lostAmount !== null) return { code: 'APPROVAL_REQUIRED', why: `was paid ${formatDollars(lostAmount)} before and its answer was lost` };
  if (!weighed.ask || weighed.amount <= spender.approvedUpTo) return null;
  return { code: 'APPROVAL_REQUIRED', why: `costs ${formatDollars(weighed.amount)}, above what needs a person's yes` };
}

function tooPoor({ call }: Offer, { amount, network }: PaymentOption, wallet: string, has: bigint, quotes: readonly Quote[]): Unpaid {
  return unpaid(quotes, 'INSUFFICIENT_FUNDS', `${callLabel(call)} costs ${formatDollars(amount)} and the wallet ${wallet} has ${formatDollars(has)} of that token left on ${network}, so nothing was paid; go on without it and tell the person`);
}

function unpaid(quotes: readonly Quote[], code: Code, text: string, scope = 'request'): { refusal: Refusal; quotes: readonly Quote[] } {
  return { refusal: refusal(code, text, { scope }), quotes };
}
