import type { ChainReader, Cheque } from '../ports.ts';
import type { Parts } from './parts.ts';

/** What a signature that left without a known end has come to. */
export interface Cheques {
  /** Looks at each of them once: cashed is spent, expired unused is not, and everything else goes on counting. */
  settle(): Promise<void>;
}

export interface ChequesParts {
  parts: Pick<Parts, 'ledger' | 'clock' | 'underway'>;
  chain: Pick<ChainReader, 'authorization'>;
  /** The user has named somebody to ask about this network. */
  hasRpc(network: string): boolean;
  /** One of them could not be looked at; it is the next time. */
  failed(error: unknown): void;
}

/** Where nobody can be asked: this long after it expired a payment is written down as spent, in ms. */
const UNASKED_MS = 10 * 60_000;
/** The last blocks of a chain may yet be replaced by others, which hold what these do not. */
const FINAL_SECONDS = 30;
/** Questions to a node at once. */
const AT_ONCE = 4;

export function createCheques({ parts: { ledger, clock, underway }, chain, hasRpc, failed }: ChequesParts): Cheques {
  let settling: Promise<void> | null = null;

  async function settleOne(cheque: Cheque): Promise<void> {
    const { key, network, validBefore, amount } = cheque;
    // Of this daemon's earlier life, or of an answer that told nothing. The second time it changes nothing.
    await ledger.hold(key, clock(), 'whether it was cashed is not known');
    if (!hasRpc(network)) {
      // The clock proves that nobody can cash it any more, and not that nobody has.
      if (clock() >= validBefore * 1_000 + UNASKED_MS) await ledger.post(key, clock(), amount);
      return;
    }
    const state = await chain.authorization(cheque);
    if (state === null) return;
    if (state.cashed) await ledger.post(key, clock(), amount, state.transaction ?? undefined);
    else if (state.asOf >= validBefore + FINAL_SECONDS) await ledger.void(key, clock(), 'it expired, and the chain says that it was not cashed');
  }

  async function settleAll(): Promise<void> {
    const waiting = (await ledger.uncashed()).filter(({ key }) => !underway.has(key));
    const next = async (): Promise<void> => {
      for (let cheque = waiting.shift(); cheque !== undefined; cheque = waiting.shift()) await settleOne(cheque).catch(failed);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  return {
    settle: () => (settling ??= settleAll().finally(() => (settling = null))),
  };
}
