import type { Clock } from '../ports.ts';
import type { CacheFile, CacheLog } from './file.ts';

/** What goes on beside look-ups: who was used when is written down, what is past its time is swept out. */
export interface House {
  used(key: string): void;
  /** Before anything is evicted by it. */
  writeUses(): void;
  close(): void;
}

const EVERY_MS = 60_000;
/** Rows swept at once: a few milliseconds, in which nobody else is answered. */
const AT_ONCE = 200;
/** Written down in between when so many have gathered. */
const MAX_USES = 2_000;

export function keepHouse(file: CacheFile, clock: Clock, log: CacheLog): House {
  // A write for every hit would be most of its cost.
  let uses = new Map<string, { at: number; hits: number }>();
  let closed = false;

  function writeUses(): void {
    if (uses.size === 0) return;
    const written = uses;
    uses = new Map();
    file.use((table) => table.touch(written));
  }

  function sweep(): void {
    if (closed) return;
    attempt(() => {
      writeUses();
      if (file.use((table) => table.purge(clock(), AT_ONCE)) === AT_ONCE) setImmediate(sweep);
    });
  }

  function attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.warn('the cache was not swept', { why: error instanceof Error ? error.message : String(error) });
    }
  }

  sweep();
  const timer = setInterval(sweep, EVERY_MS);
  timer.unref();

  return {
    used(key) {
      uses.set(key, { at: clock(), hits: (uses.get(key)?.hits ?? 0) + 1 });
      if (uses.size >= MAX_USES) attempt(writeUses);
    },
    writeUses: () => attempt(writeUses),
    close() {
      closed = true;
      clearInterval(timer);
      attempt(writeUses);
    },
  };
}
