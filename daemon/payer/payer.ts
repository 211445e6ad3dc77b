import { Worker } from 'node:worker_threads';
import { Pag0Error } from '../core/errors.ts';
import type { Fields, Payer } from '../ports.ts';
import type { Answer, Answers, Asked, KeyGiven } from './messages.ts';

export interface PayerOptions {
  /** The built `worker.ts`. */
  file: URL;
  /** The wallet's key as it is now, 32 bytes in hex; null: there is no wallet. The thread is told it once, and again when it is another. */
  key(): Promise<string | null>;
  /** One request, in ms. A signature takes a few; the first one waits for the libraries to load. */
  timeMs?: number;
  /** The thread, and the key with it, ends after this long without work, in ms. */
  idleMs?: number;
}

/** Of what a seller sends, in bytes: a demand has some hundreds, and what it says goes back to it in a header field. */
const MAX_SENT = 64 * 1024;
/** In MB. */
const HEAP_MB = 128;

/**
 * Signs in a thread of its own, begun at first use: neither the daemon's start nor its decisions wait for the libraries, and
 * what a seller wrote is read where it can hold nobody up. When the thread dies, whoever waits is told, and the next call
 * begins another.
 */
export function createPayer({ file, key, timeMs = 10_000, idleMs = 10 * 60_000 }: PayerOptions): Payer {
  let worker: Worker | null = null;
  /** What the thread knows; undefined: nothing yet. */
  let told: string | null | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;
  const waiting = new Map<number, (answer: Answer | { problem: string }) => void>();

  function begin(): Worker {
    // Its own environment is empty, and what it prints goes nowhere: both could carry a key further than it is meant to go.
    const begun = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB }, env: {}, stdout: true, stderr: true });
    begun.stdout.resume();
    begun.stderr.resume();
    begun.on('message', (answer: Answer) => waiting.get(answer.id)?.(answer));
    const gone = (): void => {
      if (worker === begun) end('the thread that signs has ended');
    };
    begun.on('error', gone).on('messageerror', gone).on('exit', gone);
    // A daemon that ends does not wait for it.
    begun.unref();
    return begun;
  }

  function end(problem: string): void {
    const ended = worker;
    worker = null;
    told = undefined;
    for (const settle of [...waiting.values()]) settle({ problem });
    void ended?.terminate();
  }

  function ask<Name extends keyof Answers>(asked: Asked & { ask: Name }): Promise<Answers[Name]> {
    clearTimeout(idle);
    const thread = (worker ??= begin());
    const id = (last += 1);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => end('the thread that signs gave no answer in time'), timeMs);
      waiting.set(id, (answer) => {
        clearTimeout(late);
        waiting.delete(id);
        if (waiting.size === 0 && worker !== null) idle = setTimeout(() => end(''), idleMs).unref();
        if ('value' in answer) resolve(answer.value as Answers[Name]);
        else reject(new Pag0Error('PAYMENT_FAILED', 'failure' in answer ? answer.failure : answer.problem));
      });
      if (asked.ask === 'address' || asked.ask === 'sign') void keyed(thread).then(() => thread.postMessage({ ...asked, id }));
      else thread.postMessage({ ...asked, id });
    });
  }

  /** A person may unlock, replace or remove the wallet at any time. Why a key cannot be had is for its keeper to say. */
  async function keyed(thread: Worker): Promise<void> {
    const now = await key().catch(() => null);
    if (worker !== thread || now === told) return;
    told = now;
    thread.postMessage({ key: now } satisfies KeyGiven);
  }

  return {
    address: () => ask({ ask: 'address' }),
    async demandOf({ fields, body }) {
      const said = valuesOf(fields, DEMAND_FIELDS);
      const text = body.length <= MAX_SENT && body.includes('x402Version') ? body.toString('utf8') : null;
      return said.length === 0 && text === null ? null : ask({ ask: 'demand', fields: said, body: text });
    },
    sign: ({ raw }, option, validSeconds) => ask({ ask: 'sign', raw, option, validSeconds }),
    async settlementOf(fields) {
      const said = valuesOf(fields, SETTLEMENT_FIELDS);
      return said.length === 0 ? null : ask({ ask: 'settlement', fields: said });
    },
    async settlementIn(meta) {
      const text = meta === null ? null : JSON.stringify(meta);
      return text === null || text.length > MAX_SENT ? null : ask({ ask: 'settlement', text });
    },
    async close() {
      clearTimeout(idle);
      end('the daemon is ending');
    },
  };
}

/** As version 2 calls it, and as drafts and sellers of their own have it. */
export const DEMAND_FIELDS = ['payment-required', 'x-payment-required', 'x-payment-requirements'];
/** Of version 2 and of version 1. */
export const SETTLEMENT_FIELDS = ['payment-response', 'x-payment-response'];

/** All that is said in these fields; what is too long to be meant says nothing. */
export function valuesOf(fields: Fields, names: readonly string[]): string[] {
  const values = names.flatMap((name) => fields[name] ?? []);
  return values.reduce((size, value) => size + value.length, 0) <= MAX_SENT ? values : [];
}
