/** What `pag0 receipts` asks of the daemon, and the answers. Times are milliseconds since the epoch. */
export const RECEIPT_VIEWS = {
  /** `GET ?scope=session|today|all&limit=N`, the session chosen as for a report (`views.ts`). `format=text` or `csv`: `{ text }`. */
  receipts: '/v1/receipts',
} as const;

/** One signed payment, and what became of it. Resource and endpoint are the seller's words. */
export interface ReceiptView {
  at: number;
  /** `open`: on its way. `held`: nobody knows yet. */
  state: 'open' | 'held' | 'posted' | 'void';
  /** CAIP-2: `eip155:84532`. */
  network: string;
  /** The token's address. */
  asset: string;
  payer: string;
  payee: string;
  /** In the token's smallest unit. */
  amount: string;
  /** Names the authorization on the chain (EIP-3009). */
  nonce: string;
  /** The transaction that cashed it, where one is known. */
  transaction: string | null;
  /** Why it never will be cashed. */
  reason: string | null;
  resource: string | null;
  endpoint: string;
  /** As a person is shown it: `researcher-1`. */
  agent: string;
  tool: string;
  /** The client's id of the call that paid; null: a program in the session's environment did. */
  toolCall: string | null;
  session: string;
}

export interface ReceiptsView {
  scope: 'session' | 'today' | 'all';
  session: string | null;
  /** Newest first. */
  receipts: ReceiptView[];
  /** There are older ones. */
  more: boolean;
}
