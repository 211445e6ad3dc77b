import type { Cheque } from '../ports.ts';
import type { Live } from '../pipeline/sessions.ts';
import { createGrove, type Grove } from './grove.fixture.ts';

export const PAYER = `0x${'aa'.repeat(20)}`;
export const PAYEE = `0x${'bb'.repeat(20)}`;
export const ASSET = `0x${'cc'.repeat(20)}`;
export const NETWORK = 'eip155:84532';
export const hashOf = (number: number): string => `0x${number.toString(16).padStart(64, '0')}`;

export interface PaidGrove extends Grove {
  /** A cheque, numbered from 1, and its end; `proof` by default the transaction of its number. Its nonce has the number and 1,000. */
  cheque(live: Live, more?: Partial<Cheque> & { agent?: string; call?: string; endpoint?: string; ending?: 'post' | 'void' | 'hold' | 'open'; proof?: string | null }): Promise<string>;
}

/** A book with payments in it, which nobody made. */
export function createPaidGrove(): PaidGrove {
  const grove = createGrove();
  const { ledger } = grove.parts;
  let made = 0;
  return Object.assign(grove, {
    async cheque(live: Live, { agent = 'main', call = 'toolu_1', endpoint = 'api.seller.example/paid', ending = 'post', proof, ...more }: Parameters<PaidGrove['cheque']>[1] = {}) {
      made += 1;
      const { id: session, run, project } = live.session;
      const key = `${session}/${call}#${made}`;
      const at = grove.now;
      const cheque: Cheque = { key, network: NETWORK, asset: ASSET, from: PAYER, payTo: PAYEE, amount: 10_000n, nonce: hashOf(1_000 + made), validBefore: Math.floor(at / 1_000) + 120, resource: 'https://api.seller.example/paid', request: key, agreed: false, at, ...more };
      await ledger.reserve({ key, origin: { session, agent, run, project }, lines: [{ tool: 'Bash', endpoint, amount: cheque.amount, requests: 1 }], scopes: [], kind: 'settled', at });
      if (!(await ledger.signed(cheque))) throw new Error('not written');
      if (ending === 'post') await ledger.post(key, at, undefined, proof === null ? undefined : (proof ?? hashOf(made)));
      if (ending === 'void') await ledger.void(key, at, proof ?? 'it expired');
      if (ending === 'hold') await ledger.hold(key, at, 'no answer');
      return key;
    },
  });
}
