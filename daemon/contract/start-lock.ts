import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { removeIfThere } from './home.ts';
import { errorCode } from './problem.ts';

/**
 * Keeps twenty sessions that start at once from starting twenty Nodes. Only a courtesy: the port is the real lock, so a lock
 * wrongly taken for stale costs a process that ends at once, never a second daemon.
 */
export interface StartLock {
  release(): void;
}

const STALE_MS = 10_000;

export function takeStartLock(file: string, now: number): StartLock | null {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      return { release: () => releaseOwn(file) };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    if (!isStale(file, now)) return null;
    removeIfThere(file);
  }
  return null;
}

function isStale(file: string, now: number): boolean {
  try {
    const age = now - statSync(file).mtimeMs;
    const pid = Number(readFileSync(file, 'utf8'));
    // A file just made may not hold its pid yet.
    if (!Number.isInteger(pid) || pid <= 0) return age > 1_000;
    return age > STALE_MS || !isAlive(pid);
  } catch {
    return true;
  }
}

function releaseOwn(file: string): void {
  try {
    if (readFileSync(file, 'utf8') === String(process.pid)) removeIfThere(file);
  } catch {
    // Taken over as stale: it is somebody else's now.
  }
}

/** In a container whose first process collects no orphans, an ended process keeps its number for ever; it does not live. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  return process.platform !== 'linux' || !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}
