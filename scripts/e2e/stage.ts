import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DaemonRecord } from '../../daemon/contract/home.ts';
import { type MessagesApi, startMessagesApi } from './messages-api.ts';
import { type PricedApi, startPricedApi } from './priced-api.ts';
import type { Scripts, ToolUse } from './script.ts';
import { runSession, type SessionOptions, type SessionOutcome } from './session.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

const run = promisify(execFile);

export const PLUGIN = fileURLToPath(new URL('../../plugin/', import.meta.url));
export const LOOP_PLUGIN = fileURLToPath(new URL('./loop-plugin/', import.meta.url));
const CLI = join(PLUGIN, 'dist', 'cli.mjs');

/** A person's machine with pag0 on it, a seller on loopback and a scripted model. */
export interface Stage {
  readonly workspace: Workspace;
  readonly model: MessagesApi;
  readonly seller: PricedApi;
  readonly pag0Home: string;
  /** `curl` for the seller: one priced request. */
  curl(path: string): ToolUse;
  session(prompt: string, more?: Partial<SessionOptions>): Promise<SessionOutcome>;
  /** The `pag0` CLI as a person's terminal runs it; answers stdout. */
  pag0(...args: string[]): Promise<string>;
  /** The same in a terminal with more in its environment. */
  pag0With(env: Readonly<Record<string, string>>, ...args: string[]): Promise<string>;
  report(...args: string[]): Promise<Report>;
  daemon(): Promise<DaemonRecord | null>;
  killDaemon(signal?: NodeJS.Signals): Promise<void>;
  writeAgent(name: string): Promise<void>;
  close(): Promise<void>;
}

/** The part of a report that the tests read. */
export interface Report {
  totalCost: string;
  totalRequests: number;
  kinds: { settled: string; billed: string; estimated: string };
  held: string;
  cacheHitRate: number;
  cacheSavings: string;
  refused: { total: number };
  byAgent: { agentId: string; id: string; cost: string; requests: number; parent: { agent: string } | null; stopped: { code: string; attempts: number } | null }[];
  byEndpoint: { endpoint: string; cost: string; requests: number }[];
  stops: { agentId: string; code: string; reason: string; attempts: number }[];
}

/** `price` is what every request to the seller costs. Without a word of it there is no cache: most tests count requests. */
export async function openStage(price: string, scripts: (stage: Stage) => Scripts, config: object | ((sellerPort: number) => object) = {}): Promise<Stage> {
  const seller = await startPricedApi();
  const workspace = await createWorkspace();
  const pag0Home = join(workspace.home, '.pag0');
  await mkdir(pag0Home, { mode: 0o700 });
  const rule = { endpoint: `127.0.0.1:${seller.port}/*`, price };
  await writeFile(join(pag0Home, 'config.json'), JSON.stringify({ prices: [rule], cache: { enabled: false }, ...(typeof config === 'function' ? config(seller.port) : config) }));
  const stage: Stage = {
    workspace,
    seller,
    pag0Home,
    get model(): MessagesApi {
      return model;
    },
    curl: (path) => ({ name: 'Bash', input: { command: `curl -s http://127.0.0.1:${seller.port}${path}` } }),
    session: (prompt, more = {}) =>
      runSession({ workspace, apiUrl: model.url, prompt, skipPermissions: true, pluginDirs: [PLUGIN], ...more }),
    pag0: (...args) => stage.pag0With({}, ...args),
    async pag0With(env, ...args) {
      const { stdout } = await run(process.execPath, [CLI, ...args], { cwd: workspace.cwd, env: { PATH: process.env['PATH'] ?? '', HOME: workspace.home, ...env } });
      return stdout;
    },
    report: async (...args) => JSON.parse(await stage.pag0('report', '--json', ...args)) as Report,
    daemon: async () => JSON.parse(await readFile(join(pag0Home, 'daemon.json'), 'utf8').catch(() => 'null')) as DaemonRecord | null,
    async killDaemon(signal = 'SIGKILL') {
      const record = await stage.daemon();
      if (record !== null) await endProcess(record.pid, signal);
    },
    async writeAgent(name) {
      const folder = join(workspace.cwd, '.claude', 'agents');
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, `${name}.md`), `---\nname: ${name}\ndescription: The ${name} of the end-to-end tests.\n---\nYou are the ${name}.\n`);
    },
    async close() {
      await stage.killDaemon('SIGTERM');
      await model.close();
      await seller.close();
      await workspace.dispose();
    },
  };
  const model = await startMessagesApi(scripts(stage));
  return stage;
}

async function endProcess(pid: number, signal: NodeJS.Signals): Promise<void> {
  try {
    process.kill(pid, signal);
    for (let waited = 0; waited < 10_000; waited += 20) {
      process.kill(pid, 0);
      await sleep(20);
    }
  } catch {
    // Gone.
  }
}

export function agent(type: string, script: string, background = false): ToolUse {
  return { name: 'Agent', input: { description: script, prompt: `[[script:${script}]]`, subagent_type: type, run_in_background: background } };
}
