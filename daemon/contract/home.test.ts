import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { daemonEnv, FETCH_ENV } from './daemon-env.ts';
import { DEFAULT_PORT, ensureToken, homeAt, homeDir, openHome, portFrom, readToken } from './home.ts';
import { takeStartLock } from './start-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-home-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const fresh = () => join(root, `home${(count += 1)}`);

describe('the home', () => {
  it('is made for its owner alone, with the folders above it', () => {
    const dir = join(fresh(), 'deep', 'er');
    expect(openHome(dir)).toMatchObject({ ok: true, home: { dir, tokenFile: join(dir, 'token') } });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it('is where PAG0_HOME says, else below the user', () => {
    expect(homeDir({ PAG0_HOME: '/x/../y' })).toBe('/y');
    expect(homeDir({ PAG0_HOME: '' })).toMatch(/\.pag0$/);
    expect([portFrom({}), portFrom({ PAG0_PORT: '5000' }), portFrom({ PAG0_PORT: 'x' }), portFrom({ PAG0_PORT: '70000' })]).toEqual([DEFAULT_PORT, 5000, DEFAULT_PORT, DEFAULT_PORT]);
  });

  it('has no token until somebody makes one, and then always that one', () => {
    const home = homeAt(fresh());
    openHome(home.dir);
    expect(readToken(home)).toBeNull();
    const first = ensureToken(home);
    expect(first).toEqual({ ok: true, token: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect([ensureToken(home), readToken(home)]).toEqual([first, first]);
    expect(readdirSync(home.dir)).toEqual(['token']);
  });

  it('gives twenty processes that race for the first token the same one', async () => {
    const home = homeAt(fresh());
    const program = join(root, 'race.mjs');
    const { outputFiles } = await build({
      stdin: { contents: "import { ensureToken, homeAt, openHome } from './home.ts'; openHome(process.argv[2]); console.log(ensureToken(homeAt(process.argv[2])).token);", resolveDir: import.meta.dirname },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
    });
    writeFileSync(program, outputFiles[0]!.text);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, () => {
        const child = spawn(process.execPath, [program, home.dir]);
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => (text += chunk));
        return new Promise<string>((resolve) => child.on('close', () => resolve(text.trim())));
      }),
    );
    expect(new Set(tokens)).toEqual(new Set([readFileSync(home.tokenFile, 'utf8')]));
    expect(readdirSync(home.dir)).toEqual(['token']);
  });

  it('refuses a token that is a link, or that is none', () => {
    const home = homeAt(fresh());
    openHome(home.dir);
    const elsewhere = join(root, 'elsewhere');
    writeFileSync(elsewhere, 'a'.repeat(64));
    symlinkSync(elsewhere, home.tokenFile);
    expect(ensureToken(home)).toMatchObject({ ok: false, problem: { code: 'HOME_FOREIGN' } });
    rmSync(home.tokenFile);
    mkdirSync(home.tokenFile);
    expect(ensureToken(home)).toMatchObject({ ok: false, problem: { code: 'HOME_FOREIGN' } });
  });

  it('closes what had been left open to others', () => {
    const home = homeAt(fresh());
    openHome(home.dir);
    ensureToken(home);
    chmodSync(home.dir, 0o777);
    chmodSync(home.tokenFile, 0o666);
    expect([openHome(home.dir).ok, readToken(home)?.ok]).toEqual([true, true]);
    expect([statSync(home.dir).mode & 0o777, statSync(home.tokenFile).mode & 0o777]).toEqual([0o700, 0o600]);
  });
});

describe('the start lock', () => {
  const file = join(root, 'start.lock');

  it('is held by one, and free again when it is released', () => {
    const held = takeStartLock(file, Date.now());
    expect(held).not.toBeNull();
    expect(takeStartLock(file, Date.now())).toBeNull();
    held!.release();
    takeStartLock(file, Date.now())!.release();
  });

  it('is taken from a process that is gone, and from one that holds it too long', () => {
    writeFileSync(file, '999999999');
    takeStartLock(file, Date.now())!.release();
    writeFileSync(file, String(process.ppid));
    expect(takeStartLock(file, Date.now())).toBeNull();
    const old = new Date(Date.now() - 11_000);
    utimesSync(file, old, old);
    takeStartLock(file, Date.now())!.release();
  });

  it('is not released by one who lost it', () => {
    const held = takeStartLock(file, Date.now())!;
    writeFileSync(file, String(process.ppid));
    held.release();
    expect(readFileSync(file, 'utf8')).toBe(String(process.ppid));
    rmSync(file);
  });
});

describe('what a daemon inherits', () => {
  it('is what any session would give it: no keys, no session, no run, no preload, no proxy', () => {
    const env = {
      PATH: '/bin', HOME: '/h', TZ: 'UTC', LANG: 'C', LC_ALL: 'C', NODE_EXTRA_CA_CERTS: '/ca',
      ANTHROPIC_API_KEY: 'k', CLAUDE_CODE_SESSION_ID: 's', CLAUDECODE: '1', NODE_OPTIONS: '--inspect', AWS_SECRET_ACCESS_KEY: 'x', npm_config__authToken: 't',
      PAG0_IDLE_MS: '5', PAG0_RUN: 'r', PAG0_PARENT_SESSION: 'p', PAG0_WALLET_PRIVATE_KEY: 'k', PAG0_WALLET_PASSWORD: 'w', https_proxy: 'http://p', npm_config_registry: 'http://r',
    };
    expect(daemonEnv(env, { PAG0_PORT: '1' })).toEqual({
      PATH: '/bin', HOME: '/h', TZ: 'UTC', LANG: 'C', LC_ALL: 'C', NODE_EXTRA_CA_CERTS: '/ca', PAG0_IDLE_MS: '5', PAG0_PORT: '1',
      [FETCH_ENV]: JSON.stringify({ https_proxy: 'http://p', npm_config_registry: 'http://r' }),
    });
  });
});
