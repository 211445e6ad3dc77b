import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homeAt, readDaemonRecord, type Home } from '../daemon/contract/home.ts';
import {
  freePort,
  linkDriver,
  runHook,
  until,
} from '../daemon/lifecycle/playground.fixture.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../', import.meta.url));
const NEW_PLUGIN = join(REPO, 'plugin');

/** The commit that version 0.1.0 was released from: its bundles are taken from the history. */
const RELEASE_0_1_0 = 'e2530f307397bc71597e4b598cfd14106c267b99';
const SESSION = 'a-session-of-0.1.0';

interface Report {
  totalCost: string;
  byAgent: { agentId: string; cost: string }[];
}

/** A person's machine on which 0.1.0 has spent money, and is then replaced while a session runs. */
describe('an upgrade from 0.1.0', () => {
  let root: string;
  let home: Home;
  let port: number;
  let seller: Server;
  let sellerPort: number;
  let env: Record<string, string>;
  let envFile: string;

  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'pag0-upgrade-')));
    mkdirSync(join(root, 'project'));
    const archive = execFileSync('git', ['archive', RELEASE_0_1_0, 'plugin'], {
      cwd: REPO,
      maxBuffer: 64 * 1024 * 1024,
    });
    mkdirSync(join(root, 'old'));
    execFileSync('tar', ['-x', '-C', join(root, 'old')], { input: archive });
    seller = createServer((_, answer) => answer.end('sold'));
    await new Promise<void>((resolve) => seller.listen(0, '127.0.0.1', resolve));
    sellerPort = (seller.address() as AddressInfo).port;
    port = await freePort();
    home = homeAt(join(root, '.pag0'));
    mkdirSync(home.dir, { mode: 0o700 });
    linkDriver(home);
    envFile = join(root, 'client-env.sh');
    writeFileSync(envFile, '');
    env = {
      PATH: process.env['PATH'] ?? '',
      HOME: root,
      PAG0_HOME: home.dir,
      PAG0_PORT: String(port),
      CLAUDE_ENV_FILE: envFile,
    };
    writeFileSync(
      home.configFile,
      JSON.stringify({
        policy: { sessionBudget: '$1', dailyBudget: '$20', maxPerRequest: '$0.50' },
        prices: [
          { tool: 'mcp__exa__*', price: '$0.10' },
          { endpoint: `127.0.0.1:${sellerPort}/*`, price: '$0.20' },
        ],
        cache: { enabled: false },
      }),
    );
  }, 60_000);

  afterAll(async () => {
    const record = readDaemonRecord(home);
    if (record !== null) process.kill(record.pid, 'SIGTERM');
    seller.close();
    await until(() => readDaemonRecord(home) === null).catch(() => undefined);
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  });

  const payload = (): object => ({ session_id: SESSION, cwd: join(root, 'project') });

  async function event(name: string, fields: object): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${port}/hook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hook_event_name: name, session_id: SESSION, ...fields }),
    });
    return answer.json();
  }

  const search = (id: string): object => ({
    tool_name: 'mcp__exa__search',
    tool_input: { query: id },
    tool_use_id: id,
  });

  async function pag0(plugin: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [join(plugin, 'dist/cli.mjs'), ...args], {
      env,
      cwd: join(root, 'project'),
    });
    return stdout;
  }

  const shell = (command: string): Promise<string> =>
    run('bash', ['-c', `. ${envFile}; ${command}`], { env }).then(
      ({ stdout }) => stdout,
      ({ code, stdout }: { code: number; stdout: string }) => `exit ${code}\n${stdout}`,
    );

  it('keeps what was spent, what was lowered, and what was still under way', async () => {
    const old = join(root, 'old', 'plugin');
    expect((await runHook(old, 'session-start', payload(), env)).code).toBe(0);
    expect(readDaemonRecord(home)).toMatchObject({ version: '0.1.0' });
    for (const id of ['one', 'two']) {
      expect(await event('PreToolUse', search(id))).toEqual({});
      await event('PostToolUse', { ...search(id), tool_response: 'found' });
    }
    await event('PreToolUse', search('under way'));
    expect(await shell(`curl -s http://127.0.0.1:${sellerPort}/a`)).toBe('sold');
    await pag0(old, 'budget', 'lower', 'session', '$0.80');
    const before = JSON.parse(await pag0(old, 'report', '--all', '--json')) as Report;
    expect(before.totalCost).toBe('400000');

    const upgraded = await runHook(NEW_PLUGIN, 'user-prompt-submit', payload(), env);
    expect(upgraded).toMatchObject({ code: 0 });
    expect(upgraded.output.continue).toBeUndefined();
    expect(readDaemonRecord(home)?.version).toBe(versionOf(NEW_PLUGIN));

    await event('PostToolUse', { ...search('under way'), tool_response: 'found' });
    const after = JSON.parse(await pag0(NEW_PLUGIN, 'report', '--all', '--json')) as Report;
    expect(after.totalCost).toBe('500000');
    expect(after.byAgent.map(({ agentId, cost }) => ({ agentId, cost }))).toEqual([
      { agentId: 'main', cost: '500000' },
    ]);

    // What the shells of that session were led by under 0.1.0 leads them still.
    expect(await shell(`curl -s http://127.0.0.1:${sellerPort}/b`)).toBe('sold');
    // $0.70 of the $0.80 that the session was lowered to: one more of $0.20 does not fit.
    expect(await shell(`curl -s http://127.0.0.1:${sellerPort}/c`)).toContain(
      'SESSION_BUDGET_EXCEEDED',
    );
    const last = JSON.parse(await pag0(NEW_PLUGIN, 'report', '--all', '--json')) as Report;
    expect(last.totalCost).toBe('700000');
  });
});

function versionOf(plugin: string): string {
  const manifest = readFileSync(join(plugin, '.claude-plugin/plugin.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
