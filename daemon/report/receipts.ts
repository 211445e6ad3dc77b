import type { ReceiptsView, ReceiptView } from '../contract/receipt-views.ts';
import { coverUrl } from '../core/credentials.ts';
import type { Session } from '../core/tree.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { Receipt } from '../ports.ts';
import { dayBounds } from './day-bounds.ts';
import { readForest, type Forest } from './forest.ts';

/** A session with everything that its agents started; the day; or all there is. */
export type ReceiptsFilter = { scope: 'session'; session: Session } | { scope: 'today' } | { scope: 'all' };

/** The signed payments, newest first. It only reads. */
export async function receiptsOf(parts: Parts, filter: ReceiptsFilter, limit: number, forest: Forest = readForest(parts)): Promise<ReceiptsView> {
  // One more than asked tells whether there are more.
  const found = await receiptsFor(parts, filter, limit + 1, forest);
  return {
    scope: filter.scope,
    session: filter.scope === 'session' ? filter.session.id : null,
    receipts: found.slice(0, limit).map((one) => receiptView(forest, one)),
    more: found.length > limit,
  };
}

async function receiptsFor({ ledger, clock, dayOf }: Parts, filter: ReceiptsFilter, limit: number, forest: Forest): Promise<Receipt[]> {
  if (filter.scope === 'all') return ledger.receipts({ all: true }, limit);
  if (filter.scope === 'today') return ledger.receipts(dayBounds(clock(), dayOf), limit);
  const found = await Promise.all(forest.family(filter.session).map(({ id }) => ledger.receipts({ session: id }, limit)));
  return found.flat().sort((a, b) => b.at - a.at);
}

export function receiptView(forest: Forest, receipt: Receipt): ReceiptView {
  const { at, state, network, asset, from, payTo, amount, nonce, resource, endpoint, origin, tool } = receipt;
  const session = forest.session(origin.session);
  const transaction = transactionOf(receipt);
  return {
    at,
    state,
    network,
    asset,
    payer: from,
    payee: payTo,
    amount: amount.toString(),
    nonce,
    transaction,
    reason: transaction === null ? receipt.proof : null,
    resource: resource === null ? null : coverUrl(resource),
    endpoint,
    agent: forest.nameOf(session, forest.shownId(session, origin.agent)),
    tool,
    toolCall: toolCallOf(receipt),
    session: origin.session,
  };
}

/** The proof of a posted payment is a transaction, that of a void one says why. */
export function transactionOf({ state, proof }: Pick<Receipt, 'state' | 'proof'>): string | null {
  return state === 'posted' && proof !== null && /^0x[0-9a-f]{64}$/i.test(proof) ? proof.toLowerCase() : null;
}

/** Its key is `<session>/<tool call, or the word environment>#<id>`. */
function toolCallOf({ key, origin }: Pick<Receipt, 'key' | 'origin'>): string | null {
  const [start, end] = [`${origin.session}/`, key.lastIndexOf('#')];
  const call = key.startsWith(start) && end > start.length ? key.slice(start.length, end) : 'environment';
  return call === 'environment' ? null : call;
}
