import type { ReceiptView } from './receipt-views.ts';
import type { BalanceRow, WalletView } from './wallet-views.ts';

/** What `pag0 reconcile` asks of the daemon, and the answer. Times are milliseconds since the epoch. */
export const RECONCILIATION_VIEWS = {
  /** `GET ?days=N`, answers a `ReconciliationView`; `format=text` adds it as a person reads it. */
  reconciliation: '/v1/reconciliation',
} as const;

/** Long enough to read ten days of several tokens from a slow node. */
export const RECONCILIATION_MS = 180_000;

/** In the token's smallest unit. */
export interface TransferView {
  transaction: string;
  to: string;
  amount: string;
  /** Of the authorization it cashed; null: it was none. */
  nonce: string | null;
  block: number;
}

/** `core/reconciliation.ts` says what each kind means. */
export interface DifferenceView {
  kind: 'CASHED_NOT_POSTED' | 'POSTED_NOT_CASHED' | 'DIFFERS' | 'OUTSIDE';
  payment: ReceiptView | null;
  transfer: TransferView | null;
}

/** One wallet and one token. */
export interface AccountView {
  network: string;
  asset: string;
  payer: string;
  /** Why nothing is known of it: as for a balance. */
  unknown: BalanceRow['unknown'];
  /** Since when payments were compared: as asked, or as far back as the chain was read. null: they were not. */
  since: number | null;
  /** The chain's time, up to which they were. */
  asOf: number | null;
  /** Payments that both have, and what they come to. */
  agreed: number;
  agreedAmount: string;
  /** Payments that can still be cashed or posted: no difference yet. */
  pending: number;
  differences: DifferenceView[];
}

/** With the wallet that is in force. */
export interface ReconciliationView extends WalletView {
  since: number;
  accounts: AccountView[];
  /** Over all accounts. */
  differences: number;
  /** Accounts of which nothing is known. */
  unknown: number;
}

export interface ReconciliationAnswer extends ReconciliationView {
  text?: string;
}
