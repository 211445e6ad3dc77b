import type { PaymentDemand, PaymentOption, Settlement, SignedPayment, UnpayableDemand } from '../ports.ts';

/** What is said between the daemon and the thread that knows the key. This comes before the first thing that needs it. */
export interface KeyGiven {
  /** null: there is no wallet, or none that can be read. */
  key: string | null;
}

export type Asked =
  | { ask: 'address' }
  /** `fields` are the values of PAYMENT-REQUIRED, `body` a text that may be JSON. */
  | { ask: 'demand'; fields: readonly string[]; body: string | null }
  | { ask: 'sign'; raw: string; option: PaymentOption; validSeconds: number }
  /** `fields` are the values of PAYMENT-RESPONSE; `text` the same as JSON. */
  | { ask: 'settlement'; fields: readonly string[] }
  | { ask: 'settlement'; text: string };

export interface Answers {
  address: string | null;
  demand: PaymentDemand | UnpayableDemand | null;
  sign: SignedPayment;
  settlement: Settlement | null;
}

/** Of what went wrong no more than this leaves the thread: an error of a library that was given a key may quote it. */
export type Failure = 'there is no wallet to pay from' | 'the key of the wallet cannot be used' | 'the payment was not signed';

export type Answer = { id: number; value: unknown } | { id: number; failure: Failure };
