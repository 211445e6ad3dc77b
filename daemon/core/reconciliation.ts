import type { Micros } from './amount.ts';

/** A signed payment as the book has it, as far as the chain can bear it out. */
export interface BookedPayment {
  /** Names the authorization on the chain (EIP-3009). */
  nonce: string;
  payTo: string;
  amount: Micros;
  state: 'open' | 'held' | 'posted' | 'void';
  /** Seconds since the epoch; later nobody can cash it. */
  validBefore: number;
  /** The transaction that is said to have cashed it. Who said so may have been the seller. */
  transaction: string | null;
}

/** Money that left a wallet, as the chain has it. */
export interface ChainTransfer {
  transaction: string;
  to: string;
  amount: bigint;
  /** Of the authorization it cashed; null: it was no authorization. */
  nonce: string | null;
  block: number;
}

export type Difference<B, T> =
  /** The money is gone, and the book counts it as unspent, or does not know. */
  | { kind: 'CASHED_NOT_POSTED'; payment: B; transfer: T }
  /** The book counts as spent what nobody took, and nobody can take any more. */
  | { kind: 'POSTED_NOT_CASHED'; payment: B; transfer: null }
  /** Another amount, payee or transaction. */
  | { kind: 'DIFFERS'; payment: B; transfer: T }
  /** A spend that the daemon did not make: somebody else has the key, or was given leave to take. */
  | { kind: 'OUTSIDE'; payment: null; transfer: T };

export interface Reconciled<B, T> {
  differences: Difference<B, T>[];
  /** The same in both. */
  agreed: B[];
  /** Of these the book or the chain will still hear: what can end by itself is no difference yet. */
  pending: B[];
}

export interface Compared<B, T> {
  /** What is judged. */
  payments: readonly B[];
  transfers: readonly T[];
  /** Nonces that are in the book as well and are not judged: of before, or still moving while both were read. */
  others: ReadonlySet<string>;
  /** The chain's time, in seconds since the epoch, up to which its transfers are all here. */
  asOf: number;
}

/** The book of one wallet and token against the chain's. Every payment and every transfer is in one difference at most. */
export function reconciled<B extends BookedPayment, T extends ChainTransfer>({ payments, transfers, others, asOf }: Compared<B, T>): Reconciled<B, T> {
  const cashed = new Map<string, T>();
  const result: Reconciled<B, T> = { differences: [], agreed: [], pending: [] };
  const known = new Set([...others, ...payments.map(({ nonce }) => nonce)]);
  for (const transfer of transfers) {
    const isOurs = transfer.nonce !== null && known.has(transfer.nonce) && !cashed.has(transfer.nonce);
    if (isOurs) cashed.set(transfer.nonce!, transfer);
    // Anybody can write a transfer of nothing into anybody's history, hoping that its address is taken for a known one.
    else if (transfer.amount > 0n) result.differences.push({ kind: 'OUTSIDE', payment: null, transfer });
  }
  for (const payment of payments) {
    const transfer = cashed.get(payment.nonce) ?? null;
    const isOver = payment.validBefore <= asOf;
    if (transfer === null) {
      if (payment.state === 'void') continue;
      if (payment.state === 'posted' && isOver) result.differences.push({ kind: 'POSTED_NOT_CASHED', payment, transfer });
      else result.pending.push(payment);
    } else if (payment.state === 'posted') {
      if (isSame(payment, transfer)) result.agreed.push(payment);
      else result.differences.push({ kind: 'DIFFERS', payment, transfer });
    } else if (payment.state === 'open' && !isOver) result.pending.push(payment);
    else result.differences.push({ kind: 'CASHED_NOT_POSTED', payment, transfer });
  }
  return result;
}

function isSame(payment: BookedPayment, transfer: ChainTransfer): boolean {
  return payment.amount === transfer.amount && payment.payTo === transfer.to && (payment.transaction === null || payment.transaction === transfer.transaction);
}
