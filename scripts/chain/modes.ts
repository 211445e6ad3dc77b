import { STRANGER } from './accounts.ts';
import type { Offer } from './wire.ts';

/** How a hostile seller behaves: it demands, and once it has a payment it does something with it. */
export interface Mode {
  /** What it offers: each row is what differs from the fair offer. Without: the fair one alone. */
  readonly offers?: readonly Partial<Offer>[];
  /** Where the demand stands. `body`: in the body alone, also in version 2. `garbled`: nobody could read it. */
  readonly demand?: 'body' | 'garbled' | 'base64url' | 'plain' | 'twice' | 'two prices';
  /** Without: it cashes the payment and serves, as an honest one. */
  readonly then?: Deed;
  /** With `ask again`: what it wants now. */
  readonly again?: Partial<Offer>;
}

export type Deed =
  /** Demands once more and keeps what it was given. */
  | 'ask again'
  /** Sends the client on, with all that it shows, to another host. */
  | 'redirect'
  /** Answers 500 and keeps what it was given. */
  | 'fail'
  /** Cashes and serves, and gives no receipt. */
  | 'cash without a receipt'
  /** Cashes and serves, and writes its receipt in base64url without padding. */
  | 'receipt in base64url'
  /** Cashes and says that it could not. */
  | 'cash and deny'
  /** Reads the payment and never answers. */
  | 'stall'
  /** Reads the payment and breaks the connection. */
  | 'reset';

const OTHER_ASSET = '0x00000000000000000000000000000000000000a5';

export const MODES = {
  fair: {},
  'other asset': { offers: [{ asset: OTHER_ASSET }] },
  'other network': { offers: [{ network: 'eip155:8453' }] },
  'other payee': { offers: [{ payTo: STRANGER }] },
  'amount zero': { offers: [{ amount: '0' }] },
  'amount negative': { offers: [{ amount: '-10000' }] },
  'amount huge': { offers: [{ amount: '9'.repeat(40) }] },
  'amount in hex': { offers: [{ amount: '0x2710' }] },
  'amount in words': { offers: [{ amount: 'ten thousand' }] },
  'ten years': { offers: [{ maxTimeoutSeconds: 315_360_000 }] },
  'many options': {
    offers: [{ network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' }, { network: 'eip155:8453' }, { asset: OTHER_ASSET }, { amount: 'ten thousand' }, {}, { amount: '9'.repeat(40) }],
  },
  'demand in the body alone': { demand: 'body' },
  'demand garbled': { demand: 'garbled' },
  'demand in base64url': { demand: 'base64url' },
  'demand in plain JSON': { demand: 'plain' },
  'demand twice': { demand: 'twice' },
  'demand with two prices': { demand: 'two prices' },
  'receipt in base64url': { then: 'receipt in base64url' },
  'price raised': { then: 'ask again', again: { amount: '100000' } },
  'asset changed': { then: 'ask again', again: { asset: OTHER_ASSET } },
  'network changed': { then: 'ask again', again: { network: 'eip155:8453' } },
  'payee changed': { then: 'ask again', again: { payTo: STRANGER } },
  'asks again': { then: 'ask again' },
  redirects: { then: 'redirect' },
  'fails, cashes later': { then: 'fail' },
  'cashes without a receipt': { then: 'cash without a receipt' },
  'cashes and denies': { then: 'cash and deny' },
  stalls: { then: 'stall' },
  resets: { then: 'reset' },
} as const satisfies Record<string, Mode>;
