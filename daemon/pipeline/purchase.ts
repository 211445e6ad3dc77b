import { createHash } from 'node:crypto';
import { printable } from '../contract/printable.ts';
import { formatDollars } from '../core/amount.ts';
import { callLabel, type Call } from '../core/call.ts';
import { refusal, type Code, type Refusal } from '../core/errors.ts';
import { enforces } from '../core/mode.ts';
import type { PaymentOption } from '../core/payment-choice.ts';
import type { PayableNetwork } from '../core/payment-rules.ts';
import type { Quote } from '../core/price.ts';
import { secondDemand } from '../core/second-demand.ts';
import { MAIN } from '../core/tree.ts';
import { askedFor, cannotBePaid, namingPrice, noWalletFor } from '../core/unpaid.ts';
import type { Payer, PaymentDemand, Settlement, SignedPayment, UnpayableDemand } from '../ports.ts';
import { createAppraisal, type Estimate, type Offer, type Unpaid, type Wallet } from './appraisal.ts';
import { clientAsks, type Approval, type Approvals, type Quoted } from './approvals.ts';
import { depart, type Departure } from './departure.ts';
import type { Spender } from './exchange.ts';
import type { Funds } from './funds.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';
import { modeOf } from './turns.ts';
import { notePayment, noteShadow, reserve, type Weighed } from './weigh.ts';

/** What came back with the payment shown. */
export interface Delivery<T> {
  /** `failed`: an error, which the program is to see. `demanded`: the seller demands to be paid once more. `elsewhere`: it sends us on. */
  came: 'answered' | 'failed' | 'demanded' | 'elsewhere';
  settlement: Settlement | null;
  /** Of `demanded`, where it can be read. */
  demand: PaymentDemand | null;
  /** Stands behind the seller's name: "answered 500". */
  how: string;
  value: T;
  /** Of the value no more is known than that it began: whoever buys says when it is all here (`Bought`). */
  later?: true;
  /** Nobody will look at the value. */
  discard(): void;
}

export type Bought<T> =
  /** `proven`: there is a receipt. `arrived`: to be said once of a value that comes later; until then, and when not all of it came, it counts as lost. */
  | { outcome: 'bought'; value: T; amount: bigint; proven: boolean; arrived(all: boolean): Promise<void> }
  /** `doubt`: a signature left, and nobody knows what becomes of it. */
  | { outcome: 'refused'; refusal: Refusal; quotes: readonly Quote[]; doubt: boolean }
  /** In shadow: nothing was paid, and the demand is whoever's who asked. */
  | { outcome: 'unpaid' };

export interface Purchases {
  /** Without one demands are none of our business. One that cannot be used is one all the same. */
  hasWallet(): Promise<boolean>;
  /** Decides as `buy` does, and does nothing about it. `patient`: the chain is asked what the wallet has. */
  estimate(offer: Offer, patient: boolean): Promise<Estimate>;
  /**
   * What is said of a demand that nobody here can meet, for want of a wallet or for what it is. `stands`: in the answer's place;
   * else the answer passes, and who asked is told with the end of its call.
   */
  decline(spender: Spender, call: Call, demand: PaymentDemand | UnpayableDemand): { refusal: Refusal; stands: boolean };
  /** Rejects only when nothing has left. */
  buy<T>(offer: Offer, deliver: (payment: SignedPayment) => Promise<Delivery<T>>): Promise<Bought<T>>;
}

export interface PurchaseParts {
  parts: Parts;
  payer: Pick<Payer, 'sign'>;
  standing(): Promise<Wallet>;
  approvals: Approvals;
  funds: Funds;
  nextId(): string;
  /** The book could not be written after a signature had left. */
  failed(error: unknown): void;
}

/** In seconds. A facilitator settles within a few; what was signed and lost can be cashed, and stays counted, as long. */
const VALID_SECONDS = 120;

/**
 * The order of money: choose → limits and a person's yes → reserve → sign → write the cheque down → send → post, void, or
 * hold. Once a signature may have left only the seller's receipt or the chain says what it cost; until then it counts.
 */
export function createPurchases({ parts, payer, standing, approvals, funds, nextId, failed }: PurchaseParts): Purchases {
  /** Purchases on their way for somebody who is gone. */
  const forsaken = new Set<string>();
  const appraisal = createAppraisal({ parts, funds, isForsaken: (key) => forsaken.has(key) });

  async function hasWallet(): Promise<boolean> {
    const { address, problem } = await standing();
    return address !== null || problem !== null;
  }

  async function estimate(offer: Offer, patient: boolean): Promise<Estimate> {
    const found = await appraisal.estimate(offer, await standing(), patient);
    return found.outcome === 'refused' ? { ...found, refusal: naming(offer, found.refusal, found.option ?? undefined) } : found;
  }

  async function buy<T>(offer: Offer, deliver: (payment: SignedPayment) => Promise<Delivery<T>>): Promise<Bought<T>> {
    if (!enforces(modeOf(parts, offer.spender.live))) {
      await watch(offer);
      return { outcome: 'unpaid' };
    }
    const agreed = await settleTerms(offer, await standing());
    if ('refusal' in agreed) return { outcome: 'refused', ...agreed, refusal: naming(offer, agreed.refusal, agreed.option), doubt: false };
    const { spender } = offer;
    if (offer.gone?.aborted === true) {
      if (agreed.approval !== null) approvals.giveBack(agreed.approval);
      return { outcome: 'refused', refusal: refusal('UPSTREAM_FAILED', `whoever asked for ${callLabel(offer.call)} is gone, so nothing was paid`, { scope: 'request' }), quotes: agreed.weighed.quotes, doubt: false };
    }
    const key = `${spender.live.session.id}/${spender.toolUseId ?? 'environment'}#${nextId()}`;
    const trip = depart(parts, failed, spender, agreed.weighed, key, () => {});
    const forsake = (): void => void forsaken.add(key);
    offer.gone?.addEventListener('abort', forsake, { once: true });
    const over = (): void => {
      trip.over();
      offer.gone?.removeEventListener('abort', forsake);
      forsaken.delete(key);
    };
    let isOver = true;
    try {
      const bought = await pay(offer, agreed, { ...trip, over }, deliver);
      isOver = bought.outcome !== 'bought' || bought.arrived === SAID;
      return bought.outcome === 'refused' && !bought.doubt ? { ...bought, refusal: naming(offer, bought.refusal, agreed.option) } : bought;
    } finally {
      if (isOver) over();
    }
  }

  function decline(spender: Spender, call: Call, demand: PaymentDemand | UnpayableDemand): { refusal: Refusal; stands: boolean } {
    const { live, agent, alerts } = spender;
    const label = callLabel(call);
    const isMet = 'options' in demand;
    const refusal = isMet ? noWalletFor(label, askedFor(demand.options[0]!, networksOf(live))) : cannotBePaid(label, demand);
    const stands = !isMet && !demand.foreign;
    if (!enforces(modeOf(parts, live))) {
      if (stands && spender.noted !== true) noteShadow(parts, live, agent, [call], refusal);
      return { refusal, stands: false };
    }
    const told = alerts ?? live.notices;
    if (!stands && !told.includes(refusal.sentence)) told.push(refusal.sentence);
    return { refusal, stands };
  }

  function networksOf(live: Live): readonly PayableNetwork[] {
    return parts.policies.of(live.session)?.policy.payment.networks ?? [];
  }

  /** Of a purchase that was not made. */
  function naming({ demand, spender }: Offer, why: Refusal, option = demand.options[0]): Refusal {
    return namingPrice(why, option, networksOf(spender.live));
  }

  /** In shadow. */
  async function watch(offer: Offer): Promise<void> {
    const { spender, call } = offer;
    const { live, agent } = spender;
    if (spender.noted === true) return;
    try {
      const found = await appraisal.estimate(offer, await standing(), false);
      if (found.outcome === 'pays') notePayment(parts, live, agent, call, found.option.amount);
      else noteShadow(parts, live, agent, [call], found.outcome === 'asks' ? found : found.refusal);
    } catch (error) {
      // Who only watches holds nobody up when it cannot.
      parts.watched('shadow: what a demand would have come to is not known', { call: callLabel(call), why: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Everything that is decided before money is set aside. */
  async function settleTerms(offer: Offer, standsBy: Wallet): Promise<Terms | Unpaid> {
    const { spender, call, request } = offer;
    const { live, agent } = spender;
    const label = callLabel(call);
    const found = await appraisal.of(offer, standsBy);
    if ('refusal' in found) return found;
    const { option, weighed, wallet, question } = found;
    if (question === null) return { option, weighed, wallet, approval: null };
    const quoted: Quoted = { session: live.session.id, request, network: option.network, asset: option.asset, payTo: option.payTo, amount: option.amount };
    const approval = approvals.take(quoted, spender.approvals);
    if (approval !== null) return { option, weighed, wallet, approval };
    const waiting = approvals.list().map((one) => one.id);
    const { id } = approvals.ask(quoted, { agent: agent.id, label, ...question });
    const who = agent.kind === 'turn' ? MAIN : agent.name;
    if (!waiting.includes(id)) live.notices.push(`pag0 ${question.code}: ${who} wants to buy ${printable(label, MAX_SHOWN)}, which ${question.why}. /pag0-approve ${id} allows it once, within 15 minutes.`);
    const asksItself = spender.approvals !== undefined && clientAsks(live, live.permissionMode);
    const how = asksItself ? `make the same call once more and the person is asked, or wait for /pag0-approve ${id}` : `a person can allow this one payment with /pag0-approve ${id} or, in a terminal, \`pag0 approve ${id}\``;
    const text = `${label} ${question.why}, so nothing was paid; ${how}, within 15 minutes; until then say so and go on without it`;
    return { refusal: refusal(question.code, text, { scope: 'request', price: option.amount.toString(), approval: id }), quotes: weighed.quotes };
  }

  async function pay<T>({ call, demand, request, spender }: Offer, { option, weighed, wallet, approval }: Terms, trip: Departure, deliver: (payment: SignedPayment) => Promise<Delivery<T>>): Promise<Bought<T>> {
    const label = callLabel(call);
    const price = formatDollars(option.amount);
    const no = (why: Refusal, doubt: boolean): Bought<T> => ({ outcome: 'refused', refusal: why, quotes: weighed.quotes, doubt });

    const nothingLeft = (): void => void (approval !== null && approvals.giveBack(approval));
    const full = await reserve(parts, spender.live, spender.agent, trip.key, weighed, 'settled').catch((error: unknown) => {
      nothingLeft();
      throw error;
    });
    if (full !== null) {
      nothingLeft();
      return no(full, false);
    }
    const cheque = await signed(demand, option, wallet, trip, { request, agreed: approval !== null });
    if ('refusal' in cheque) {
      nothingLeft();
      return no(cheque.refusal, false);
    }

    let delivery: Delivery<T>;
    try {
      delivery = await deliver(cheque);
    } catch (error) {
      if ((error as { sent?: boolean }).sent === false) {
        nothingLeft();
        await trip.voided('no connection was made');
        throw error;
      }
      await trip.held('the connection broke after the payment was sent');
      return no(unknown(label, price, `broke off (${error instanceof Error ? printable(error.message.replace(/\.$/, ''), MAX_SHOWN) : 'for no known reason'})`), true);
    }

    const settlement = delivery.settlement === null ? null : { ...delivery.settlement, reason: said(delivery.settlement.reason) };
    const bought = (proven: boolean): Bought<T> => ({ outcome: 'bought', value: delivery.value, amount: option.amount, proven, arrived: delivery.later === true ? laterArrived(trip, delivery) : SAID });
    const ended = (end: Promise<void>): Promise<unknown> => Promise.all([isHere(delivery) ? parts.ledger.answered(trip.key, parts.clock()).catch(failed) : null, end]);
    if (settlement?.success === true) {
      const posted = ended(trip.posted(option.amount, settlement.transaction ?? undefined));
      funds.spent(option, wallet);
      await posted;
      if (delivery.came !== 'demanded') return bought(true);
      delivery.discard();
      return no(refusal('PAYMENT_FAILED', `${label} took ${price} and demands to be paid once more, so it was not paid again; go on without it`, { scope: 'request', price: option.amount.toString() }), true);
    }
    if (delivery.came === 'answered') {
      await ended(trip.held('answered without a receipt'));
      return bought(false);
    }
    await trip.held(`the seller ${delivery.how}${settlement?.reason == null ? '' : `: ${settlement.reason}`}`);
    // Most sellers cash nothing for an error. Until that is known the same is not bought again: an error is no answer.
    if (delivery.came === 'failed') return bought(false);
    delivery.discard();
    if (delivery.came === 'elsewhere') return no(unknown(label, price, delivery.how), true);
    return no(await unsettled(label, option, { ...delivery, settlement }, wallet), true);
  }

  /** Between the head of an answer and its last byte, in the cache or with whoever asked, a killed daemon loses it. */
  function laterArrived(trip: Departure, { came }: Pick<Delivery<unknown>, 'came'>): (all: boolean) => Promise<void> {
    return async (all) => {
      if (all && came === 'answered') await parts.ledger.answered(trip.key, parts.clock()).catch(failed);
      trip.over();
    };
  }

  /** A payment that is written down; nothing has left. Where that fails there is no charge. */
  async function signed(demand: PaymentDemand, option: PaymentOption, wallet: string, trip: Departure, about: { request: string; agreed: boolean }): Promise<SignedPayment | { refusal: Refusal }> {
    const { network, asset, payTo, amount } = option;
    try {
      const payment = await payer.sign(demand, option, VALID_SECONDS);
      if (payment.from !== wallet) throw new Error('the wallet was replaced meanwhile');
      const written = await parts.ledger.signed({ key: trip.key, network, asset, payTo, amount, from: payment.from, nonce: payment.nonce, validBefore: payment.validBefore, resource: demand.resource, ...about, at: parts.clock() });
      if (written) return payment;
      throw new Error('the reservation has ended already');
    } catch (error) {
      await trip.voided('nothing was signed');
      return { refusal: refusal('PAYMENT_FAILED', `nothing was paid because ${error instanceof Error ? error.message : 'it could not be signed'}; go on without it and tell the person`, { scope: 'request', price: amount.toString() }) };
    }
  }

  async function unsettled(label: string, option: PaymentOption, { demand, settlement }: Pick<Delivery<unknown>, 'demand' | 'settlement'>, wallet: string): Promise<Refusal> {
    const has = await funds.now(option, wallet);
    if (has !== null && has < option.amount) return afterPayment('INSUFFICIENT_FUNDS', label, option, `refused it, and the wallet ${wallet} has ${formatDollars(has)} of that token left on ${option.network}`);
    const { code, how } = secondDemand(option, demand);
    return afterPayment(code, label, option, settlement?.reason == null ? how : `${how} ("${settlement.reason}")`);
  }

  return { hasWallet, estimate, decline, buy };
}

/** Of a value that is here already. */
const SAID = async (): Promise<void> => {};

/** An error is no answer, also where the seller took the money. */
function isHere({ came, later }: Pick<Delivery<unknown>, 'came' | 'later'>): boolean {
  return came === 'answered' && later !== true;
}

interface Terms {
  option: PaymentOption;
  weighed: Weighed;
  wallet: string;
  approval: Approval | null;
}

function unknown(label: string, price: string, how: string): Refusal {
  const text = `${label} was shown a payment of ${price} and ${how}, so whether that was cashed is not known yet and it stays counted; it is not paid again, go on without it`;
  return refusal('PAYMENT_UNKNOWN', text, { scope: 'request' });
}

function afterPayment(code: Code, label: string, { amount }: PaymentOption, how: string): Refusal {
  const text = `${label} was shown a payment of ${formatDollars(amount)} and ${how}, so it was not paid again and the first stays counted until it is known not to have been cashed; go on without it`;
  return refusal(code, text, { scope: 'request', price: amount.toString() });
}

/** A seller's reason stands in a sentence that a model and a person read as ours: codes and plain words, nothing that could give orders. */
function said(reason: string | null): string | null {
  return reason !== null && /^[\w .:-]{1,60}$/.test(reason) ? reason : null;
}

/** Columns. */
const MAX_SHOWN = 120;

/** The same request, whoever makes it. */
export function requestDigest(parts: readonly (string | Uint8Array | null)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part === null ? '-' : `${part.length}:`).update(part ?? '');
  return hash.digest('base64url');
}
