import type { Mode } from '../core/mode.ts';

/** What `pag0 quote` asks of the daemon, and the answer. Amounts are µ$ as decimal strings. */
export const QUOTE_VIEWS = {
  /** `POST` a `QuoteRequest`. `?format=text` as in `views.ts`. */
  quote: '/v1/quote',
} as const;

export interface QuoteRequest {
  /** Absolute. */
  url: string;
  method: string;
  /** By lower-case name. */
  fields: Record<string, string | string[]>;
  body: string | null;
  /** Whether it may be sent to the seller, where only that tells; without it nothing leaves. */
  send: boolean;
  /** Its id or the beginning of it; else the one of `cwd`. */
  session?: string;
  cwd: string;
  /** Its name in the tree, or its id; null: the session itself. */
  agent: string | null;
}

/**
 * `ungoverned`: the developer's own machine, and no rule names it. `free`: no rule prices it, and it was answered without a
 * demand. `cached`: somebody has the answer. `billed`: let through and charged by the price table. `pays`: from the wallet.
 * `asks`: a person is asked first. `unpaid`: it demands to be paid and there is no way to. `failed`: it could not be asked.
 * `unsent`: only the seller knows, and it was not to be asked.
 */
export type QuoteOutcome = 'ungoverned' | 'free' | 'cached' | 'billed' | 'pays' | 'asks' | 'refused' | 'unpaid' | 'failed' | 'unsent';

/** A quote as text, and what a program goes by. */
export interface QuoteTextAnswer {
  text: string;
  outcome: QuoteOutcome;
  mode: Mode;
}

export interface QuoteView {
  url: string;
  method: string;
  /** null: pag0 has seen none, and the defaults were asked. */
  session: string | null;
  agent: string;
  /** `shadow`: whatever the outcome, it would be let through, and not paid. */
  mode: Mode;
  outcome: QuoteOutcome;
  /** Who names the price; `nobody`: no rule fits, so the seller was asked as well. */
  priced: 'table' | 'seller' | 'nobody';
  /** null: it is not known. */
  price: string | null;
  /** The answer says what it really costs; `price` is set aside until then. */
  byUse: boolean;
  /** Of the seller's demand. */
  payTo: string | null;
  network: string | null;
  asset: string | null;
  /** The status of the one unpaid request that was sent; null: none was. */
  answered: number | null;
  /** The answer that somebody has, and what it cost then. */
  cached: { id: string; price: string; storedAt: number; expiresAt: number } | null;
  code: string | null;
  /** Why, where it would not simply be let through. */
  sentence: string | null;
}
