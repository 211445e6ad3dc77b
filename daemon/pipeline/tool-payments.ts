import type { CalledTool, ToolPaymentAnswer, ToolPaymentEnd, ToolPaymentResult } from '../contract/tool-payment.ts';
import { isAlive } from '../contract/start-lock.ts';
import { Pag0Error } from '../core/errors.ts';
import type { PaidToolCalls, ToolDelivery } from './paid-tool-call.ts';

/**
 * Payments for calls that somebody else makes: a wrapper asks for one, sends it, and says what came of it. Who says nothing,
 * because it was ended or because its server never answers, leaves a payment that counts until the chain tells.
 */
export interface ToolPayments {
  /** `gone`: aborted when the answer to this reaches nobody. */
  begin(session: string, request: { called: CalledTool; demand: string; pid: number; gone: AbortSignal }): Promise<ToolPaymentAnswer>;
  /** null: nobody waits for this one. */
  end(id: string, result: ToolPaymentResult): Promise<ToolPaymentEnd | null>;
}

export interface ToolPaymentsParts {
  calls: PaidToolCalls;
  nextId(): string;
  /** A tool may work for minutes. */
  limitMs?: number;
  /** How often it is looked whether the wrapper is still there. */
  lookMs?: number;
}

interface Waiting {
  told(result: ToolPaymentResult): void;
  /** Whether the wrapper is still there. */
  look(): void;
  ended: Promise<ToolPaymentEnd>;
}

export function createToolPayments({ calls, nextId, limitMs = 15 * 60_000, lookMs = 1_000 }: ToolPaymentsParts): ToolPayments {
  const waiting = new Map<string, Waiting>();

  function begin(session: string, { called, demand, pid, gone }: Parameters<ToolPayments['begin']>[1]): Promise<ToolPaymentAnswer> {
    // A wrapper that was ended may have been started anew, and the same be asked for again.
    for (const one of [...waiting.values()]) one.look();
    const asker = new AbortController();
    const leave = (): void => asker.abort();
    if (gone.aborted) leave();
    gone.addEventListener('abort', leave, { once: true });
    // One in a container of its own has a number that means nothing here.
    const isKnown = isAlive(pid);
    const look = (): void => (isKnown && !isAlive(pid) ? leave() : undefined);
    return new Promise((resolve, reject) => {
      const ended = calls
        .meet<null>({ session, called, endpoint: null, gone: asker.signal }, demand, async (payment) => {
          look();
          if (asker.signal.aborted) throw Object.assign(new Pag0Error('UPSTREAM_FAILED', 'its wrapper ended'), { sent: false });
          const id = nextId();
          const result = toldOf(id, look, asker.signal, () => ended);
          resolve({ outcome: 'pay', id, payment });
          return deliveryOf(await result);
        })
        .then((bought): ToolPaymentEnd => {
          const sentence = bought.outcome === 'refused' ? bought.refusal.sentence : null;
          // Where a payment was made this has been answered already, and the word is for the second question.
          resolve(sentence === null ? { outcome: 'passed' } : { outcome: 'refused', sentence });
          return sentence === null ? { outcome: 'deliver' } : { outcome: 'refused', sentence };
        });
      ended.catch(reject);
    });
  }

  function toldOf(id: string, look: () => void, gone: AbortSignal, ended: () => Promise<ToolPaymentEnd>): Promise<ToolPaymentResult> {
    return new Promise((resolve) => {
      const told = (result: ToolPaymentResult): void => {
        clearTimeout(limit);
        clearInterval(looking);
        waiting.delete(id);
        resolve(result);
      };
      const limit = setTimeout(() => told({ lost: 'gave no answer in time' }), limitMs).unref();
      const looking = setInterval(look, lookMs).unref();
      gone.addEventListener('abort', () => told({ lost: 'its wrapper ended before it answered' }), { once: true });
      waiting.set(id, { told, look, get ended() { return ended(); } });
    });
  }

  return {
    begin,
    async end(id, result) {
      const one = waiting.get(id);
      if (one === undefined) return null;
      const { ended } = one;
      one.told(result);
      return ended;
    },
  };
}

function deliveryOf(result: ToolPaymentResult): ToolDelivery<null> {
  if ('lost' in result) throw new Error(result.lost);
  if ('unsent' in result) throw Object.assign(new Pag0Error('UPSTREAM_FAILED', result.unsent), { sent: false });
  return { answer: result, how: result.failed ? 'answered with an error' : 'answered', value: null };
}
