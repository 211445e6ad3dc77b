import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Clock } from '../ports.ts';
import { parseConfig, type Config } from './schema.ts';

/** How often a file's time stamp is looked at, in ms: soon enough for a person, never on the path of every call. */
const LOOK_EVERY = 250;

export interface ConfigSource {
  /** The last good configuration; null while there has never been one that could be read. */
  current(): Config | null;
  /** What is wrong with the file as it stands; null when it is in force. */
  problem(): ConfigProblem | null;
  /** Changes with every configuration that came into force. */
  version(): number;
}

/** What is wrong, and what holds meanwhile; both without a full stop. */
export interface ConfigProblem {
  says: string;
  stays: string;
}

const LAST_GOOD = 'the last good configuration stays in force';
const NOTHING = 'there is no earlier one to go by, so nothing that can cost is let through until it is mended';

const EMPTY: Config = { policy: {}, timeZone: null, remarks: [] };

/**
 * A configuration file that is read again when it changes. A broken edit changes nothing but `problem`: the last good
 * one stays in force, across restarts too where `keepCopy` names a file for it. No file at all is a good configuration.
 */
export function configSource(file: string, clock: Clock, keepCopy?: string): ConfigSource {
  let config: Config | null = null;
  let problem: string | null = null;
  let version = 0;
  let seen = '';
  let looked = Number.NEGATIVE_INFINITY;

  function look(): void {
    const now = clock();
    if (now - looked < LOOK_EVERY && now >= looked) return;
    looked = now;
    const stamp = stampOf(file);
    if (stamp === seen) return;
    seen = stamp;
    take(stamp === 'absent' ? { ok: true, config: EMPTY } : readConfig(file), stamp !== 'absent');
  }

  function take(read: ReturnType<typeof parseConfig>, fromFile: boolean): void {
    if (read.ok) {
      config = read.config;
      problem = null;
      version += 1;
      if (fromFile && keepCopy !== undefined) copy(file, keepCopy);
      return;
    }
    problem = `${file}: ${read.problem}`;
    if (config === null && keepCopy !== undefined && stampOf(keepCopy) !== 'absent') {
      const kept = readConfig(keepCopy);
      if (kept.ok) {
        config = kept.config;
        version += 1;
      }
    }
  }

  return {
    current() {
      look();
      return config;
    },
    problem() {
      look();
      return problem === null ? null : { says: problem, stays: config === null ? NOTHING : LAST_GOOD };
    },
    version() {
      look();
      return version;
    },
  };
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? 'absent' : `${stat.mtimeNs}-${stat.size}-${stat.ino}`;
}

/** Larger than any sane policy; a project's file is not trusted to be small. */
const MAX_BYTES = 1_000_000;

function readConfig(file: string): ReturnType<typeof parseConfig> {
  try {
    if (statSync(file).size > MAX_BYTES) return { ok: false, problem: `it is larger than ${MAX_BYTES} bytes` };
    return parseConfig(readFileSync(file, 'utf8'));
  } catch (error) {
    return { ok: false, problem: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})` };
  }
}

function copy(from: string, to: string): void {
  try {
    writeFileSync(to, readFileSync(from), { mode: 0o600 });
  } catch {
    // Only a convenience for the next start; a full disk shows elsewhere.
  }
}
