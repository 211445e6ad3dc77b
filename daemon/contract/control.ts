import { readFileSync } from 'node:fs';
import { createClient } from './client.ts';
import { readDaemonRecord, type Home } from './home.ts';
import { problem, type Problem } from './problem.ts';
import { ROUTES, type StatusAnswer, type StopAnswer } from './routes.ts';
import { isAlive } from './start-lock.ts';
import { portTaken } from './ensure.ts';

/** For `pag0 daemon status`, `stop` and `logs`. Starting is `ensureDaemon`. */
export type Stopped = { outcome: 'stopped'; pid: number } | { outcome: 'not-running' } | { outcome: 'problem'; problem: Problem };
export type Status = { outcome: 'running'; status: StatusAnswer } | { outcome: 'not-running' } | { outcome: 'problem'; problem: Problem };

/** Drains: what is running is committed first. Longer than the daemon's own limit for that. */
const STOP_LIMIT_MS = 15_000;

export async function daemonStatus(home: Home, port: number): Promise<Status> {
  const client = createClient({ home, port, timeoutMs: 2_000 });
  try {
    const outcome = await client.get<StatusAnswer>(ROUTES.status);
    if (outcome.kind === 'absent') return { outcome: 'not-running' };
    if (outcome.kind === 'answer' && outcome.status === 200) return { outcome: 'running', status: outcome.body };
    return { outcome: 'problem', problem: outcome.kind === 'silent' ? silent(home) : portTaken(port) };
  } finally {
    client.close();
  }
}

/** Asks it to stop and waits until its process is gone. A daemon that no longer answers is ended by a signal. */
export async function stopDaemon(home: Home, port: number, limitMs = STOP_LIMIT_MS): Promise<Stopped> {
  const client = createClient({ home, port, timeoutMs: 2_000 });
  try {
    const outcome = await client.post<StopAnswer>(ROUTES.stop, { reason: 'person' });
    if (outcome.kind === 'absent') return { outcome: 'not-running' };
    if (outcome.kind === 'stranger') return { outcome: 'problem', problem: portTaken(port) };
    const pid = outcome.kind === 'answer' ? outcome.body.pid : recordedPid(home, port);
    if (pid === null || pid === undefined) return { outcome: 'problem', problem: portTaken(port) };
    if (outcome.kind === 'silent') process.kill(pid, 'SIGTERM');
    if (await gone(pid, limitMs)) return { outcome: 'stopped', pid };
    // Everything promised is on disk before it is answered, so even this loses nothing but an open reservation's ending.
    process.kill(pid, 'SIGKILL');
    return (await gone(pid, 2_000)) ? { outcome: 'stopped', pid } : { outcome: 'problem', problem: silent(home) };
  } finally {
    client.close();
  }
}

/** The last lines of the log, the rotated part before it included when the current one is short. */
export function lastLogLines(home: Home, count: number): string[] {
  const lines = [`${home.logFile}.1`, home.logFile].flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
    } catch {
      return [];
    }
  });
  return lines.slice(-count);
}

/** Only a process that is provably a pag0 daemon's is ever signalled: a recorded pid may long belong to something else. */
function recordedPid(home: Home, port: number): number | null {
  const record = readDaemonRecord(home);
  if (record === null || record.port !== port || !isAlive(record.pid)) return null;
  try {
    return /daemon\.mjs|daemon\/main\.ts/.test(readFileSync(`/proc/${record.pid}/cmdline`, 'utf8')) ? record.pid : null;
  } catch {
    return null;
  }
}

async function gone(pid: number, limitMs: number): Promise<boolean> {
  const limit = Date.now() + limitMs;
  while (isAlive(pid)) {
    if (Date.now() > limit) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

function silent(home: Home): Problem {
  const record = readDaemonRecord(home);
  return problem('DAEMON_SILENT', `the daemon${record === null ? '' : ` (process ${record.pid})`} does not answer; end that process.`);
}
