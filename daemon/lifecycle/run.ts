import { homeDir, openHome, portFrom } from '../contract/home.ts';
import { fileProblem, type Problem } from '../contract/problem.ts';
import { nodeProblem } from '../contract/version.ts';
import { BUILD, VERSION } from '../contract/release.ts';
import { openLog, type Log } from './log.ts';
import { IDLE_MS, startDaemon, type Assemble } from './start.ts';

/** Runs until it is told to end, then ends the process. Never returns to a caller that could go on in a half-closed daemon. */
export async function runDaemon(parts: { assemble: Assemble; driverSource: string }): Promise<never> {
  const old = nodeProblem(process.versions.node);
  if (old !== null) return fail({ code: 'NODE_TOO_OLD', sentence: old });
  // SQLite makes files of its own; nothing here is anyone else's to read.
  process.umask(0o077);
  const opened = openHome(homeDir());
  if (!opened.ok) return fail(opened.problem);
  const { home } = opened;
  const log = openLogOrNull(home.logFile);
  if ('problem' in log) return fail(log.problem);

  // Whatever was half done is settled by the ledger at the next start; a daemon in an unknown state must not go on paying.
  process.on('uncaughtException', (error) => {
    log.error('uncaught', error);
    process.exit(1);
  });

  const started = await startDaemon({
    home,
    port: portFrom(),
    version: VERSION,
    build: BUILD,
    log,
    clock: Date.now,
    idleMs: idleLimit(process.env['PAG0_IDLE_MS']),
    ...parts,
  });
  if (started.outcome === 'yielded') process.exit(0);
  if (started.outcome === 'refused') {
    log.error(started.problem.sentence);
    return fail(started.problem);
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => started.stop('signal'));
  const reason = await started.ended;
  process.exit(reason === 'failed' ? 1 : 0);
}

function openLogOrNull(file: string): Log | { problem: Problem } {
  try {
    return openLog(file);
  } catch (error) {
    const found = fileProblem(error, file);
    if (found === null) throw error;
    return { problem: found };
  }
}

function idleLimit(text: string | undefined): number {
  const ms = Number(text);
  return text !== undefined && Number.isFinite(ms) && ms > 0 ? ms : IDLE_MS;
}

function fail(problem: Problem): never {
  process.stderr.write(`${problem.sentence}\n`);
  process.exit(1);
}
