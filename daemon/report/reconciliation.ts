import type { AccountView, DifferenceView, ReconciliationView } from '../contract/reconciliation-views.ts';
import type { WalletView } from '../contract/wallet-views.ts';
import type { PayableNetwork } from '../core/payment-rules.ts';
import { reconciled, type BookedPayment, type ChainTransfer, type Difference, type Reconciled } from '../core/reconciliation.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { ChainReader, Receipt } from '../ports.ts';
import { readForest, type Forest } from './forest.ts';
import { receiptView, transactionOf } from './receipts.ts';

export interface ReconciliationParts {
  parts: Parts;
  chain: Pick<ChainReader, 'transfers' | 'authorization'>;
  /** The user's own, as `UserNetworks` has them. */
  networks(): readonly PayableNetwork[];
  standing(): Promise<WalletView>;
}

/** The chain's clock and ours may differ, and a payment is cashed some time after it was signed. */
const SLACK_MS = 10 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const ALL_OF_THEM = 1_000_000;

/** The book against the chain, for every wallet and token that paid in these days, and the wallet in force with every token it may pay with. It only reads. */
export async function reconciliationOf({ parts, chain, networks, standing }: ReconciliationParts, days: number): Promise<ReconciliationView> {
  const since = parts.clock() - days * DAY_MS;
  const wallet = await standing();
  const receiptsSince = (at: number): Promise<Receipt[]> => parts.ledger.receipts({ since: at, until: Number.MAX_SAFE_INTEGER }, ALL_OF_THEM);
  const before = await receiptsSince(since);
  const rpcs = new Map(networks().map(({ id, rpc }) => [id, rpc]));
  const read = await Promise.all(
    accountsOf(before, networks(), wallet.address).map(async (account) => {
      const isAskable = (rpcs.get(account.network) ?? null) !== null;
      return { account, isAskable, found: isAskable ? await chain.transfers({ network: account.network, asset: account.asset, from: account.payer, since: Math.floor((since - SLACK_MS) / 1_000) }) : null };
    }),
  );
  // Once more, for what was booked while the chain was read; and from longer ago, for what was cashed later than it was signed.
  const after = await receiptsSince(since - 3 * SLACK_MS);
  const forest = readForest(parts);
  const stateBefore = new Map(before.map(({ key, state }) => [key, state]));
  const accounts: AccountView[] = [];
  for (const { account, isAskable, found } of read) {
    if (found === null) {
      accounts.push({ ...account, ...NOTHING, unknown: isAskable ? 'NO_ANSWER' : 'NO_RPC' });
      continue;
    }
    const from = Math.max(since, found.since * 1_000 + SLACK_MS);
    const own = after.filter((one) => one.network === account.network && one.asset === account.asset && one.from === account.payer);
    const judged = own.filter(({ key, at, state }) => at >= from && stateBefore.get(key) === state).map(booked);
    const result = await confirmed(chain, account, reconciled({ payments: judged, transfers: found.transfers, others: new Set(own.map(({ nonce }) => nonce.toLowerCase())), asOf: found.asOf }));
    if (result === null) accounts.push({ ...account, ...NOTHING, unknown: 'NO_ANSWER' });
    else accounts.push({ ...account, unknown: null, since: from, asOf: found.asOf * 1_000, agreed: result.agreed.length, agreedAmount: sum(result.agreed), pending: result.pending.length, differences: result.differences.map((one) => differenceView(forest, one)) });
  }
  return { ...wallet, since, accounts, differences: accounts.reduce((all, one) => all + one.differences.length, 0), unknown: accounts.filter(({ unknown }) => unknown !== null).length };
}

const NOTHING = { since: null, asOf: null, agreed: 0, agreedAmount: '0', pending: 0, differences: [] };

type Account = Pick<AccountView, 'network' | 'asset' | 'payer'>;
type Booked = BookedPayment & { receipt: Receipt };

/** What is configured first, in its order; a network that is no longer, or a former wallet, behind it. */
function accountsOf(receipts: readonly Receipt[], networks: readonly PayableNetwork[], address: string | null): Account[] {
  const configured = address === null ? [] : networks.flatMap(({ id, assets }) => assets.map((asset): Account => ({ network: id, asset, payer: address })));
  const paid = receipts.map(({ network, asset, from }): Account => ({ network, asset, payer: from }));
  return [...new Map([...configured, ...paid].map((one) => [JSON.stringify([one.network, one.asset, one.payer]), one])).values()];
}

function booked(receipt: Receipt): Booked {
  const { nonce, payTo, amount, state, validBefore } = receipt;
  return { nonce: nonce.toLowerCase(), payTo, amount, state, validBefore, transaction: transactionOf(receipt), receipt };
}

/**
 * A list without a transfer proves nothing: behind one address stand many nodes, and some are late. So each payment that
 * seems not cashed is asked for by its name. null: that could not be done.
 */
async function confirmed(chain: ReconciliationParts['chain'], { network, asset, payer }: Account, { differences, agreed, pending }: Reconciled<Booked, ChainTransfer>): Promise<Reconciled<Booked, ChainTransfer> | null> {
  const kept: Difference<Booked, ChainTransfer>[] = [];
  const found: Booked[] = [];
  for (const difference of differences) {
    const state = difference.kind === 'POSTED_NOT_CASHED' ? await chain.authorization({ network, asset, from: payer, nonce: difference.payment.nonce }) : undefined;
    if (state === null) return null;
    // An authorization that was cancelled counts as used as well, and has no transaction.
    if (state?.cashed === true && state.transaction !== null && difference.payment !== null) found.push(difference.payment);
    else kept.push(difference);
  }
  return { differences: kept, agreed: [...agreed, ...found], pending };
}

function differenceView(forest: Forest, { kind, payment, transfer }: Difference<Booked, ChainTransfer>): DifferenceView {
  return { kind, payment: payment === null ? null : receiptView(forest, payment.receipt), transfer: transfer === null ? null : { ...transfer, amount: transfer.amount.toString() } };
}

function sum(payments: readonly Booked[]): string {
  return payments.reduce((all, { amount }) => all + amount, 0n).toString();
}
