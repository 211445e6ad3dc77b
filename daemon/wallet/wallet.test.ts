import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildBundles, type Files } from '../../scripts/build.ts';
import { WALLET_VARIABLES } from '../contract/wallet-secrets.ts';
import { WALLET_VIEWS, type WalletView } from '../contract/wallet-views.ts';
import { createPlayground, type HookRun, type Playground } from '../lifecycle/playground.fixture.ts';
import { lock } from './keystore.ts';
import { addressOf } from './private-key.ts';

/** The plugin as it ships: its hook brings or starts, its daemon holds. */
const KEY = `0x${'5ec4e7'.repeat(10)}5ec4`;
const PASSWORD = 'unguessable-5ec4e7';
let files: Files;
let playground: Playground | null = null;
beforeAll(async () => void (files = await buildBundles()), 60_000);
afterEach(async () => {
  await playground?.dispose();
  playground = null;
});

async function start(env: Record<string, string>, before: (home: string) => Promise<void> | void = () => {}) {
  const p = await createPlayground({ edit: (stand) => files.forEach((text, name) => stand.set(name, text)) });
  playground = p;
  await before(p.home.dir);
  const envFile = join(p.plugin, 'env');
  writeFileSync(envFile, '');
  const run = await p.hook('session-start', undefined, { ...env, CLAUDE_ENV_FILE: envFile });
  const outcome = await p.client.get<WalletView>(WALLET_VIEWS.wallet);
  return { p, run, view: outcome.kind === 'answer' ? outcome.body : null, environment: readFileSync(envFile, 'utf8'), answer: JSON.stringify(outcome) };
}

/** Everything that the key might have been left in. */
function traces(p: Playground, run: HookRun, ...more: string[]): string[] {
  const written = filesBelow(p.home.dir).map((file) => readFileSync(file, 'latin1'));
  const all = [...written, p.log(), JSON.stringify(run.output), ...more];
  return all.filter((text) => [KEY.slice(2), PASSWORD].some((secret) => text.includes(secret)));
}

function filesBelow(folder: string): string[] {
  // The driver is a link to somebody else's many files.
  return readdirSync(folder).filter((name) => name !== 'driver').flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

function seenFromOutside(pid: number): string {
  return process.platform === 'linux' ? readFileSync(`/proc/${pid}/environ`, 'latin1') + readFileSync(`/proc/${pid}/cmdline`, 'latin1') : '';
}

describe('the key', () => {
  it("reaches the daemon from the plugin's settings, and stands nowhere else", async () => {
    const { p, run, view, environment, answer } = await start({ CLAUDE_PLUGIN_OPTION_WALLET_PRIVATE_KEY: KEY });
    expect(view).toEqual({ source: 'userConfig', address: addressOf(KEY), problem: null });
    expect(run.output).toEqual({});
    expect(traces(p, run, environment, answer, seenFromOutside((await p.hello())!.pid))).toEqual([]);
  });

  it('is opened with a password from the settings', async () => {
    const { p, run, view, environment, answer } = await start({ CLAUDE_PLUGIN_OPTION_WALLET_PASSWORD: PASSWORD }, async (home) => {
      // The hook makes the folder; here it is there before it.
      mkdirSync(home, { recursive: true, mode: 0o700 });
      writeFileSync(join(home, 'wallet.json'), await lock(KEY, PASSWORD, 1_024));
    });
    expect(view).toEqual({ source: 'keystore', address: addressOf(KEY), problem: null });
    expect(traces(p, run, environment, answer, seenFromOutside((await p.hello())!.pid))).toEqual([]);
  });

  it('comes from the environment of whoever started the daemon, out of which the agents lose it', async () => {
    const { p, run, view, environment, answer } = await start({ [WALLET_VARIABLES.privateKey]: KEY });
    expect(view).toEqual({ source: 'environment', address: addressOf(KEY), problem: null });
    expect(run.output.systemMessage).toMatch(/^pag0: PAG0_WALLET_PRIVATE_KEY stands in the environment this client was started with, .*`pag0 wallet import`\.$/);
    expect(environment).toContain('unset PAG0_WALLET_PRIVATE_KEY PAG0_WALLET_PASSWORD\n');
    const outside = seenFromOutside((await p.hello())!.pid);
    expect(traces(p, run, environment, answer, outside)).toEqual([]);
    expect(outside).not.toContain('PAG0_WALLET_PRIVATE_KEY');
  });

  it('is brought again to a daemon that was started anew in mid-session', async () => {
    const { p } = await start({});
    const run = await p.hook('user-prompt-submit', undefined, { CLAUDE_PLUGIN_OPTION_WALLET_PRIVATE_KEY: KEY });
    expect(run.output).toEqual({});
    expect(await p.client.get(WALLET_VIEWS.wallet)).toMatchObject({ status: 200, body: { source: 'userConfig' } });
  });

  it('is not chosen by a client that an agent started', async () => {
    const { p } = await start({});
    await p.hook('session-start', { session_id: 'nested', cwd: '/' }, { PAG0_PARENT_SESSION: 's1', CLAUDE_PLUGIN_OPTION_WALLET_PRIVATE_KEY: KEY });
    expect(await p.client.get(WALLET_VIEWS.wallet)).toMatchObject({ status: 200, body: { source: null } });
  });
});

describe.runIf(process.platform === 'linux')('the daemon’s memory', () => {
  it('is left out of core files', async () => {
    const { p } = await start({});
    expect(readFileSync(`/proc/${(await p.hello())!.pid}/coredump_filter`, 'utf8').trim()).toBe('00000000');
  });

  it('is opened to no debugger by a signal', async () => {
    const { p } = await start({});
    const { pid } = (await p.hello())!;
    process.kill(pid, 'SIGUSR1');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await p.hello())?.pid).toBe(pid);
    expect(p.log()).not.toMatch(/Debugger listening/);
  });
});
