import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createPlayground, linkDriver, until, type Playground } from './playground.fixture.ts';

const opened: Playground[] = [];
const mounts: string[] = [];
const playground = async (options?: Parameters<typeof createPlayground>[0]): Promise<Playground> => {
  const made = await createPlayground(options);
  opened.push(made);
  return made;
};
afterEach(async () => {
  const playgrounds = opened.splice(0);
  // Asked once more, so that `dispose` knows whom to end: with the disk goes the token to ask with.
  await Promise.all(playgrounds.map((one) => one.hello()));
  for (const folder of mounts.splice(0)) spawnSync('umount', ['-l', folder]);
  await Promise.all(playgrounds.map((one) => one.dispose()));
});

const isRoot = process.getuid?.() === 0;

/** A disk of its own, where this machine lets a test mount one. */
function mount(folder: string, options: string): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0;
  if (done) mounts.push(folder);
  return done;
}

const canMount = isRoot && process.platform === 'linux' && (() => {
  const folder = `/tmp/pag0-mount-probe-${process.pid}`;
  const done = mount(folder, 'size=64k');
  spawnSync('umount', [mounts.pop() ?? folder]);
  rmSync(folder, { recursive: true, force: true });
  return done;
})();

function fill(folder: string): void {
  const chunk = Buffer.alloc(4096);
  try {
    for (let index = 0; index < 10_000; index += 1) writeFileSync(join(folder, `filler${index}`), chunk);
  } catch {
    // Full: as intended.
  }
}

describe('one clear sentence, and the session goes on', () => {
  it('when the home is a file', async () => {
    const p = await playground({ driver: false });
    writeFileSync(p.home.dir, '');
    expect(await p.hook('session-start')).toMatchObject({ code: 0, output: { systemMessage: `pag0: ${p.home.dir} is not a folder pag0 can use; move it away, or name another folder in PAG0_HOME.` } });
  });

  it.runIf(canMount)('when the home is on a disk that cannot be written', async () => {
    const p = await playground({ driver: false });
    mount(p.home.dir, 'size=64k,mode=700,ro');
    expect((await p.hook('session-start')).output).toEqual({ systemMessage: `pag0: ${p.home.dir} cannot be written; make it writable for you, or name another folder in PAG0_HOME.` });
  });

  it.runIf(isRoot)('when the home or the token in it belongs to somebody else', async () => {
    const p = await playground();
    chownSync(p.home.dir, 65_534, 65_534);
    expect((await p.hook('session-start')).output.systemMessage).toBe(`pag0: ${p.home.dir} belongs to another user, so it is not trusted; delete it, or name another folder in PAG0_HOME.`);
    chownSync(p.home.dir, 0, 0);
    writeFileSync(p.home.tokenFile, 'a'.repeat(64), { mode: 0o600 });
    chownSync(p.home.tokenFile, 65_534, 65_534);
    expect((await p.hook('session-start')).output.systemMessage).toContain(`${p.home.tokenFile} belongs to another user`);
    expect(p.starts()).toBe(0);
  });

  it('when the token is damaged', async () => {
    const p = await playground();
    writeFileSync(p.home.tokenFile, 'short');
    expect((await p.hook('session-start')).output.systemMessage).toBe(`pag0: ${p.home.tokenFile} is damaged; delete it and start the session again.`);
  });

  it('when the daemon cannot start at all', async () => {
    const p = await playground({ edit: (files) => files.set('daemon.mjs', 'throw new Error("broken bundle");') });
    const run = await p.hook('session-start');
    expect(run.output.systemMessage).toBe(`pag0: the daemon ended as soon as it started; the reason is at the end of ${p.home.logFile}.`);
    expect(p.log()).toContain('broken bundle');
    expect(run.ms).toBeLessThan(2_000);
  });

  it('when the ledger cannot be opened: every session that waits is told', async () => {
    const p = await playground();
    mkdirSync(p.home.ledgerFile);
    const runs = await Promise.all([p.hook('session-start'), p.hook('session-start'), p.hook('user-prompt-submit')]);
    for (const run of runs) expect(run.output.systemMessage).toMatch(/^pag0: the daemon cannot start \(.*\); its log is /);
    expect(p.starts()).toBe(1);
  });

  it.runIf(canMount)('when the disk is full before anything exists', async () => {
    const p = await playground({ driver: false });
    mount(p.home.dir, 'size=64k,mode=700');
    fill(p.home.dir);
    expect((await p.hook('session-start')).output).toEqual({ systemMessage: `pag0: the disk that holds ${p.home.dir} is full; free some space, then start the session again.` });
    expect(readdirSync(p.home.dir).filter((name) => !name.startsWith('filler'))).toEqual([]);
  });

  it.runIf(canMount)('when the disk is full by the time the ledger is opened, and all is well once there is room', async () => {
    const p = await playground({ driver: false });
    mount(p.home.dir, 'size=512k,mode=700');
    linkDriver(p.home);
    fill(p.home.dir);
    for (const name of ['filler0', 'filler1', 'filler2']) rmSync(join(p.home.dir, name));
    expect((await p.hook('session-start')).output.systemMessage).toContain('is full; free some space');
    for (const name of readdirSync(p.home.dir)) if (name.startsWith('filler')) rmSync(join(p.home.dir, name));
    process.kill((await p.hello())!.pid, 'SIGTERM');
    await until(async () => (await p.hello()) === null);
    expect((await p.hook('user-prompt-submit')).output).toEqual({});
  });

  it('when the registry cannot be reached from a Node without SQLite', async () => {
    const p = await playground({ driver: false });
    const { hasBuiltInSqlite } = await import('../contract/version.ts');
    if (hasBuiltInSqlite(process.versions.node)) return;
    // Nobody listens there; nothing leaves the machine.
    const run = await p.hook('session-start', undefined, { npm_config_registry: 'http://127.0.0.1:1/', npm_config_cache: join(dirname(p.home.dir), 'npm') });
    expect(run.output.systemMessage).toMatch(/^pag0: Node 20 has no SQLite built in, and npm could not fetch it \(ECONNREFUSED\); install Node 22\.13 or newer/);
    expect(existsSync(p.home.driverDir)).toBe(false);
  });

  it('when Node is too old, from the file that old Nodes can still read', async () => {
    const p = await playground();
    const preload = join(dirname(p.home.dir), 'old.cjs');
    writeFileSync(preload, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });");
    const run = await p.hook('session-start', undefined, { NODE_OPTIONS: `--require ${preload}` });
    expect(run.output.systemMessage).toBe('pag0: needs Node 20.19 or newer, and `node` here is 18.20.4; install a newer Node and start the session again. Nothing is limited or counted until then.');
    expect(p.starts()).toBe(0);
  });
});

describe('what is ours is repaired', () => {
  it('a home and a token that others could read are closed again', async () => {
    const p = await playground();
    await p.hook('session-start');
    chmodSync(p.home.dir, 0o755);
    chmodSync(p.home.tokenFile, 0o644);
    expect((await p.hook('user-prompt-submit')).output).toEqual({});
    expect([statSync(p.home.dir).mode & 0o777, statSync(p.home.tokenFile).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it('a start lock left by a hook that was killed', async () => {
    const p = await playground();
    writeFileSync(p.home.startLock, '999999999');
    expect((await p.hook('session-start')).output).toEqual({});
    expect(p.starts()).toBe(1);
  });
});
