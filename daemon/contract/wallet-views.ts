/** What `pag0 wallet` asks of the daemon, and the answers. The key itself is in none of them. */
export const WALLET_VIEWS = {
  /** `GET`, answers a `WalletView`. */
  wallet: '/v1/wallet',
  /** `GET`, answers a `BalanceView`. */
  balance: '/v1/wallet/balance',
  /** `POST` with a `PersonRequest`: whether whoever asks is a person at a terminal; else `PERSON_REQUIRED`. */
  person: '/v1/wallet/person',
} as const;

export type KeySource = 'userConfig' | 'keystore' | 'environment';

export interface WalletView {
  /** null: there is no wallet. */
  source: KeySource | null;
  /** Lower-case; null where it cannot be known. */
  address: string | null;
  /** Why it cannot pay, with the next step; null: it can. */
  problem: string | null;
}

/** In the token's smallest unit. */
export interface BalanceRow {
  /** CAIP-2: `eip155:84532`. */
  network: string;
  /** The token's address. */
  asset: string;
  amount: string | null;
  /** Why `amount` is null: nobody was named who could be asked, or who was did not answer. */
  unknown: 'NO_RPC' | 'NO_ANSWER' | null;
}

export interface BalanceView extends WalletView {
  balances: BalanceRow[];
}

export interface PersonRequest {
  /** A claim: the daemon looks for itself who is behind the connection. */
  by: { tty: boolean; pid: number };
}
