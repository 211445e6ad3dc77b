import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemonStatus, stopDaemon } from '../daemon/contract/control.ts';
import { homeAt } from '../daemon/contract/home.ts';
import { freePort, runHook } from '../daemon/lifecycle/playground.fixture.ts';

/**
 * The plugin as it is committed, copied alone to a folder with nothing around it, under every Node it promises to run on. Slow:
 * npm fetches those Nodes and, for 20, the SQLite driver.
 */
const PLUGIN = fileURLToPath(new URL('../plugin', import.meta.url));
const SLOW = 180_000;

let root: string;
let port: number;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'pag0-ship-')));
  cpSync(PLUGIN, join(root, 'plugin'), { recursive: true });
  port = await freePort();
});
afterEach(async () => {
  await stopDaemon(homeAt(join(root, 'home')), port);
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
});

const env = (more: Record<string, string> = {}) => ({ PATH: process.env['PATH'] ?? '', HOME: root, PAG0_HOME: join(root, 'home'), PAG0_PORT: String(port), npm_config_cache: join(root, 'npm'), ...more });
const session = { session_id: 's1', cwd: '/', transcript_path: '/none.jsonl', source: 'startup' };

/** The Node of that major version, through npm's own package of it. */
function nodeOf(major: number): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const found = spawnSync('npx', ['-y', '-p', `node@${major}`, 'node', '-p', 'process.execPath'], { encoding: 'utf8', timeout: SLOW });
  const path = found.stdout.trim();
  if (!existsSync(path)) throw new Error(`npm gave no Node ${major}: ${found.stderr}`);
  return path;
}

describe('the plugin, copied alone', () => {
  it('works on Node 20 after one fetch, which it tells of once', async () => {
    const node = nodeOf(20);
    const first = await runHook(join(root, 'plugin'), 'session-start', session, env(), node);
    expect(first.output).toEqual({ systemMessage: `pag0: Node 20 has no SQLite built in; pag0 fetched @photostructure/sqlite 1.2.1 from npm once, into ${join(root, 'home', 'driver')}.` });
    console.log(`Node 20, first start with the fetch: ${first.ms} ms`);
    const home = homeAt(join(root, 'home'));
    expect(await daemonStatus(home, port)).toMatchObject({ outcome: 'running', status: { driver: '@photostructure/sqlite 1.2.1', state: 'ready' } });
    expect(statSync(home.driverDir).mode & 0o777).toBe(0o700);
    expect((await runHook(join(root, 'plugin'), 'user-prompt-submit', session, env(), node)).output).toEqual({});
    await stopDaemon(home, port);
    const second = await runHook(join(root, 'plugin'), 'session-start', session, env({ npm_config_registry: 'http://127.0.0.1:1/' }), node);
    expect(second.output).toEqual({});
  }, SLOW);

  it.each([22, 24])('works on Node %i with what that has built in, and without a warning', async (major) => {
    const node = nodeOf(major);
    const run = await runHook(join(root, 'plugin'), 'session-start', session, env(), node);
    expect(run.output).toEqual({});
    console.log(`Node ${major}, first start: ${run.ms} ms`);
    const home = homeAt(join(root, 'home'));
    expect(await daemonStatus(home, port)).toMatchObject({ outcome: 'running', status: { driver: 'node:sqlite', node: expect.stringMatching(new RegExp(`^${major}\\.`)) as string } });
    expect(existsSync(home.driverDir)).toBe(false);
    expect(readFileSync(home.logFile, 'utf8')).not.toMatch(/warning/i);
  }, SLOW);

  it.each([12, 14, 16, 18])('says one sentence on Node %i', async (major) => {
    const run = await runHook(join(root, 'plugin'), 'session-start', session, env(), nodeOf(major));
    expect(run).toMatchObject({ code: 0, output: { systemMessage: expect.stringMatching(new RegExp(`^pag0: needs Node 20\\.19 or newer, and \`node\` here is ${major}\\.`)) as string } });
  }, SLOW);
});
