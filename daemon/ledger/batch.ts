import { Pag0Error } from '../core/errors.ts';
import type { Database, Statement } from './database.ts';

/**
 * Group commit. Work that arrives while a turn of the event loop lasts is written in one transaction, so that many
 * callers share one wait for the disk, and nobody hears of a result before it is durable. Work is synchronous and runs
 * in the order of arrival: inside a batch there is no interleaving to reason about.
 */
export interface Batch {
  run<T>(work: () => T): Promise<T>;
  /** Looks only: in its turn behind what is waited for already, else at once and without a commit. */
  read<T>(work: () => T): Promise<T>;
  /** Written with the next batch; nobody waits for it. A failure is reported to `onLost`. */
  behind(work: () => void): void;
  flush(): void;
}

export interface BatchHooks {
  /** Another process has written since the last batch: what is remembered of the database is out of date. */
  onStale(): void;
  /** Last work before the commit: write what the batch changed in memory. */
  beforeCommit(): void;
  onLost(error: unknown): void;
}

interface Job {
  work: () => unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A batch longer than this would make its first caller wait too long for its last. */
const MAX_BATCH = 512;
/**
 * How long, in ms, a write that nobody waits for may be lost by a crash. Its commit blocks everybody for as long as the disk
 * takes, so where nothing but notes is written there is one a second.
 */
const BEHIND_MS = 1_000;

export function createBatch(database: Database, hooks: BatchHooks): Batch {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const dataVersion: Statement = database.prepare('PRAGMA data_version');
  let queue: Job[] = [];
  let scheduled = false;
  let later: NodeJS.Timeout | null = null;
  let knownVersion = -1;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  /** What nobody waits for goes with the next batch that somebody does wait for, or soon by itself. */
  function scheduleLater(): void {
    later ??= setTimeout(flush, BEHIND_MS);
  }

  function flush(): void {
    scheduled = false;
    if (later !== null) clearTimeout(later);
    later = null;
    const jobs = queue.length > MAX_BATCH ? queue.splice(0, MAX_BATCH) : queue;
    if (jobs === queue) queue = [];
    else schedule();
    if (jobs.length > 0) commitAll(jobs);
  }

  function commitAll(jobs: readonly Job[]): void {
    const results: unknown[] = [];
    try {
      begin.run();
      // Inside the write lock nobody else can commit, so one look per batch is enough.
      noticeOthers();
      for (const job of jobs) results.push(job.work());
      hooks.beforeCommit();
      commit.run();
    } catch (cause) {
      rollBack();
      const error = unavailable('written', cause);
      for (const job of jobs) job.reject(error);
      return;
    }
    jobs.forEach((job, index) => job.resolve(results[index]));
  }

  function noticeOthers(): void {
    const version = Number(dataVersion.get()?.['data_version']);
    if (version === knownVersion) return;
    hooks.onStale();
    knownVersion = version;
  }

  function rollBack(): void {
    // What the batch changed in memory is as void as what it wrote.
    hooks.onStale();
    try {
      database.exec('ROLLBACK');
    } catch {
      // A failed BEGIN or a full disk has already ended the transaction.
    }
  }

  function run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      schedule();
    });
  }

  return {
    run,
    async read(work) {
      if (scheduled) return run(work);
      try {
        noticeOthers();
        return work();
      } catch (cause) {
        throw unavailable('read', cause);
      }
    },
    behind(work) {
      queue.push({ work, resolve: () => {}, reject: hooks.onLost });
      scheduleLater();
    },
    flush() {
      while (queue.length > 0) flush();
    },
  };
}

function unavailable(what: 'read' | 'written', cause: unknown): Pag0Error {
  return new Pag0Error('LEDGER_UNAVAILABLE', `the ledger cannot be ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
