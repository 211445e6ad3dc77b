import { fileURLToPath } from 'node:url';
import { ensureDaemon } from '../daemon/contract/ensure.ts';
import { BUILD, VERSION } from '../daemon/contract/release.ts';
import type { Started, Terminal } from './terminal.ts';

/** Nobody is kept waiting by a command that a person typed to start something. */
const START_WAIT_MS = 10_000;
const FETCH_WAIT_MS = 120_000;

/** The daemon that comes with this program: started, or found running. */
export async function startDaemon({ home, port, env }: Pick<Terminal, 'home' | 'port' | 'env'>): Promise<Started> {
  const fromSources = BUILD === 'source';
  const ensured = await ensureDaemon({
    dir: home.dir,
    port,
    version: VERSION,
    build: BUILD,
    entry: fileURLToPath(new URL(fromSources ? '../daemon/main.ts' : './daemon.mjs', import.meta.url)),
    // Sources are run through the loader that this process was started with.
    execArgv: fromSources ? process.execArgv : [],
    env,
    waitMs: START_WAIT_MS,
    fetchWaitMs: FETCH_WAIT_MS,
  });
  if (!ensured.ok) return { ok: false, problem: ensured.problem };
  ensured.client.close();
  return { ok: true, started: ensured.started, hello: ensured.hello };
}
