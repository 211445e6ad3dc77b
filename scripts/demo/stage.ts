import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../../daemon/contract/client.ts';
import { homeAt, readDaemonRecord, type Home } from '../../daemon/contract/home.ts';
import { VIEWS, type BudgetView } from '../../daemon/contract/views.ts';
import { WALLET_OPTIONS } from '../../daemon/contract/wallet-secrets.ts';
import { startPricedApi, type PricedApi } from '../e2e/priced-api.ts';
import type { Cleanup } from './cleanup.ts';
import { configFor } from './figures.ts';
import { openMarket, type Market } from './market.ts';
import { openPlugin, type Plugin } from './plugin.ts';
import { openShell, type Shell } from './shell.ts';

/** A person's machine in small: folders of its own, a seller, the plugin, and a port that is nobody's. */
export interface Stage {
  readonly cwd: string;
  /** Where the client keeps the transcripts of this folder. */
  readonly transcripts: string;
  readonly hookUrl: string;
  readonly seller: PricedApi;
  readonly market: Market | null;
  readonly plugin: Plugin;
  readonly shell: Shell;
  budget(session: string): Promise<BudgetView>;
  /** The end of the daemon's log, which goes with the folder. */
  log(): Promise<string>;
}

/** Should this process be killed so hard that it cannot clean up, the daemon ends by itself soon. */
const IDLE_MS = 60_000;

export async function openStage(cleanup: Cleanup): Promise<Stage> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'pag0-demo-')));
  cleanup.add(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const home = homeAt(join(root, 'home', '.pag0'));
  const cwd = join(root, 'project');
  const transcripts = join(root, 'home', '.claude', 'projects', 'project');
  for (const folder of [home.dir, cwd, transcripts]) await mkdir(folder, { recursive: true, mode: 0o700 });

  const seller = await startPricedApi();
  cleanup.add(() => seller.close());
  const market = await openMarket(cleanup);
  await writeFile(home.configFile, JSON.stringify(configFor(`127.0.0.1:${seller.port}`, market), null, 2));

  const port = await freePort();
  const env = bareEnv(root, home, port);
  const envFile = join(root, 'environment.sh');
  await writeFile(envFile, '');
  const client = createClient({ home, port });
  const secrets = market === null ? {} : { [WALLET_OPTIONS.privateKey]: market.key };
  const plugin = openPlugin(cwd, { ...env, CLAUDE_ENV_FILE: envFile }, secrets);
  // The hooks find or start the daemon; ending it is ours. A hook may have replaced it, so it is looked up at the end.
  cleanup.add(() => stopDaemon(home));
  cleanup.add(() => plugin.quiet());
  cleanup.add(() => client.close());
  return {
    cwd,
    transcripts,
    hookUrl: `http://127.0.0.1:${port}/hook`,
    seller,
    market,
    plugin,
    shell: openShell(cwd, env, envFile),
    async budget(session) {
      const outcome = await client.get<BudgetView>(`${VIEWS.budget}?${new URLSearchParams({ session })}`);
      if (outcome.kind !== 'answer' || outcome.status !== 200) throw new Error(`the daemon does not say its budgets (${outcome.kind})`);
      return outcome.body;
    },
    log: async () => (await readFile(home.logFile, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n'),
  };
}

const INHERITED = ['PATH', 'SYSTEMROOT', 'SystemRoot', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'TMPDIR', 'LANG', 'TZ'];

/** Nothing of the shell that runs the demo gets in: it may be a proxy's, or that of an agent in a session with pag0. */
function bareEnv(root: string, home: Home, port: number): NodeJS.ProcessEnv {
  const kept = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    ...Object.fromEntries(kept),
    HOME: join(root, 'home'),
    USERPROFILE: join(root, 'home'),
    PAG0_HOME: home.dir,
    PAG0_PORT: String(port),
    PAG0_IDLE_MS: String(IDLE_MS),
    CLAUDECODE: '1',
    CLAUDE_PID: String(process.pid),
    CLAUDE_CODE_SESSION_ATTENDED: '1',
  };
}

/** Asked of the system and given back at once. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const STOP_MS = 5_000;

async function stopDaemon(home: Home): Promise<void> {
  const end = Date.now() + STOP_MS;
  let pid = readDaemonRecord(home)?.pid;
  // The lock of a hook that was interrupted: its daemon is on the way and will write down who it is.
  for (; pid === undefined && existsSync(home.startLock) && Date.now() < end; pid = readDaemonRecord(home)?.pid) await sleep(20);
  if (pid === undefined) return;
  for (let signal: NodeJS.Signals | 0 = 'SIGTERM'; isThere(pid, signal); signal = Date.now() < end ? 0 : 'SIGKILL') await sleep(20);
}

function isThere(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
