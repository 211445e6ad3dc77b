import { Worker } from 'node:worker_threads';
import type { PageConverter } from '../ports.ts';
import type { PageRead, PageToRead } from './worker.ts';

export interface ConverterOptions {
  /** The built `worker.ts`. */
  file: URL;
  /** One page, in ms. */
  timeMs?: number;
  /** The thread ends after this long without work, in ms. */
  idleMs?: number;
}

/** In MB; a page has megabytes, its tree in memory a multiple of them. */
const HEAP_MB = 256;

/** Runs one thread, begun with the first page. A page that takes too long or too much ends the thread, and with it those that wait behind it. */
export function createPageConverter({ file, timeMs = 5_000, idleMs = 60_000 }: ConverterOptions): PageConverter {
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;
  const waiting = new Map<number, (markdown: string | null) => void>();

  function begin(): Worker {
    const begun = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB }, stdout: true, stderr: true });
    begun.on('message', ({ id, markdown }: PageRead) => waiting.get(id)?.(markdown));
    const gone = (): void => {
      if (worker === begun) end();
    };
    begun.on('error', gone).on('exit', gone);
    // A daemon that ends does not wait for it.
    begun.unref();
    return begun;
  }

  function end(): void {
    const ended = worker;
    worker = null;
    for (const answer of [...waiting.values()]) answer(null);
    void ended?.terminate();
  }

  return {
    markdown(html, url) {
      clearTimeout(idle);
      worker ??= begin();
      const page: PageToRead = { id: (last += 1), html, url };
      return new Promise((resolve) => {
        const late = setTimeout(end, timeMs);
        waiting.set(page.id, (markdown) => {
          clearTimeout(late);
          waiting.delete(page.id);
          if (waiting.size === 0 && worker !== null) idle = setTimeout(end, idleMs).unref();
          resolve(markdown);
        });
        worker!.postMessage(page);
      });
    },
    async close() {
      clearTimeout(idle);
      end();
    },
  };
}
