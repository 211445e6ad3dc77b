import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answer, cacheWorld, freshFile, get, openFile, PAID, place } from './world.fixture.ts';

type World = ReturnType<typeof cacheWorld>;

const keep = (world: World, url?: string) => world.cache.keep(place(), get(url), answer({}, 'x'.repeat(3_000)), PAID, world.clock.now);
const find = (world: World, url?: string) => world.cache.find(place(), get(url), world.clock.now);
const UNAVAILABLE = { code: 'CACHE_UNAVAILABLE' };

describe('a cache file', () => {
  it('is its owner’s alone', async () => {
    const world = cacheWorld();
    await keep(world);
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(world.file + suffix).mode & 0o077).toBe(0);
  });

  it('that was deleted while it was in use is begun anew, and nothing else is lost', async () => {
    const world = cacheWorld();
    await keep(world);
    rmSync(world.file);
    world.pass(1);
    expect(await find(world)).toEqual({ state: 'miss' });
    expect(world.log).toEqual(['the cache file was deleted or replaced, and is opened anew']);
    expect(await keep(world)).toBe(true);
    expect((await find(world)).state).toBe('fresh');
    await world.cache.close();
    expect((await find(cacheWorld({ file: world.file }))).state).toBe('fresh');
  });

  it('whose folder went makes look-ups fail until it is back', async () => {
    const world = cacheWorld({ file: `${freshFile()}.folder/cache.db` });
    await expect(find(world)).rejects.toMatchObject(UNAVAILABLE);
    expect(await keep(world)).toBe(true);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(world.file.replace('/cache.db', ''));
    world.pass(1);
    expect(await keep(world)).toBe(true);
    expect((await find(world)).state).toBe('fresh');
  });

  it('that another process writes to can be read; what cannot be written may still be shared, is not kept, and that is soon said', async () => {
    const world = cacheWorld();
    await keep(world);
    const other = openFile(world.file);
    other.exec('BEGIN IMMEDIATE');
    const began = Date.now();
    expect(await keep(world, 'https://api.example/other')).toBe(true);
    expect(Date.now() - began).toBeLessThan(1_500);
    expect(world.log).toContain('an answer was not kept');
    expect((await find(world)).state).toBe('fresh');
    other.exec('ROLLBACK');
    other.close();
    expect(await keep(world, 'https://api.example/other')).toBe(true);
  });

  it('that another process holds for itself is not taken for a broken one', async () => {
    const file = freshFile();
    const other = openFile(file);
    other.exec('PRAGMA locking_mode = EXCLUSIVE');
    other.exec('PRAGMA journal_mode = WAL');
    other.exec('CREATE TABLE t (a)');
    const world = cacheWorld({ file });
    await expect(find(world)).rejects.toMatchObject(UNAVAILABLE);
    expect(existsSync(`${file}.broken`)).toBe(false);
    other.close();
    world.pass(1);
    expect(await find(world)).toEqual({ state: 'miss' });
  });

  it('that is no database is set aside at the start, with a line in the log', async () => {
    const file = freshFile();
    writeFileSync(file, 'no database at all '.repeat(500));
    const world = cacheWorld({ file });
    expect(world.log).toEqual(['the cache cannot be read and starts anew; what it held may have to be bought again']);
    expect(readFileSync(`${file}.broken`, 'utf8')).toContain('no database at all');
    expect(await keep(world)).toBe(true);
    expect((await find(world)).state).toBe('fresh');
  });

  it('of another version is set aside as well', async () => {
    const file = freshFile();
    const other = openFile(file);
    other.exec('PRAGMA user_version = 99');
    other.close();
    expect(await find(cacheWorld({ file }))).toEqual({ state: 'miss' });
    expect(existsSync(`${file}.broken`)).toBe(true);
  });

  it('that breaks while it is in use fails the look-up at hand, and the next one has an empty cache', async () => {
    const world = cacheWorld();
    for (let index = 0; index < 20; index += 1) await keep(world, `https://api.example/${index}`);
    const other = openFile(world.file);
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    other.close();
    await world.cache.close();
    const broken = cacheWorld({ file: world.file });
    // What SQLite has in memory already does not show it.
    const bytes = readFileSync(world.file);
    writeFileSync(world.file, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 0xa5)]));
    const outcomes: string[] = [];
    for (let index = 0; index < 20; index += 1) outcomes.push(await find(broken, `https://api.example/${index}`).then(({ state }) => state, (error: { code: string }) => error.code));
    expect(outcomes).toContain('CACHE_UNAVAILABLE');
    expect(outcomes.at(-1)).toBe('miss');
    expect(existsSync(`${world.file}.broken`)).toBe(true);
    expect(await keep(broken)).toBe(true);
    expect((await find(broken)).state).toBe('fresh');
  });

  it.each([
    ['facts that are not JSON', "UPDATE answers SET facts = '{'"],
    ['a body that is gone', 'DELETE FROM bodies'],
  ])('with %s fails the look-up and is set aside', async (_, damage) => {
    const world = cacheWorld();
    await keep(world);
    const other = openFile(world.file);
    other.exec(damage);
    other.close();
    await expect(find(world)).rejects.toMatchObject(UNAVAILABLE);
    expect(await find(world)).toEqual({ state: 'miss' });
    expect(existsSync(`${world.file}.broken`)).toBe(true);
  });

  it('that cannot be written to still answers', async () => {
    const world = cacheWorld();
    await keep(world);
    const full = cacheWorld({ file: world.file });
    // What a full disk does to a write, without filling one.
    const other = openFile(world.file);
    other.exec("CREATE TRIGGER full BEFORE INSERT ON bodies BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    other.close();
    expect(await keep(full, 'https://api.example/other')).toBe(true);
    expect((await find(full)).state).toBe('fresh');
    expect((await full.cache.list({ limit: 10, url: null })).total).toBe(1);
  });

  it('on a full disk keeps its one connection, and what it holds can be read', async () => {
    let opened = 0;
    const open = (path: string) => {
      opened += 1;
      const database = openFile(path);
      database.exec('PRAGMA max_page_count = 20');
      return database;
    };
    const world = cacheWorld({ open });
    await keep(world);
    for (let index = 0; index < 20; index += 1) {
      expect(await world.cache.keep(place(), get(`https://api.example/${index}`), answer({}, 'x'.repeat(200_000)), PAID, world.clock.now)).toBe(true);
      world.pass(1);
    }
    expect(world.log.filter((line) => line === 'an answer was not kept')).toHaveLength(20);
    expect([opened, (await find(world)).state]).toEqual([1, 'fresh']);
  });

  it('on a disk that fails is opened again, ever less often, and at last answers', async () => {
    let [opened, fails] = [0, false];
    const open = (path: string) => {
      opened += 1;
      const database = openFile(path);
      return {
        exec(sql: string) {
          // SQLITE_IOERR_WRITE
          if (fails && sql === 'BEGIN IMMEDIATE') throw Object.assign(new Error('disk I/O error'), { errcode: 778 });
          database.exec(sql);
        },
        prepare: (sql: string) => database.prepare(sql),
        close: () => database.close(),
      };
    };
    const world = cacheWorld({ open });
    await keep(world);
    fails = true;
    for (let index = 0; index < 100; index += 1) expect(await keep(world, `https://api.example/${index}`)).toBe(true);
    expect(opened).toBe(1);
    await expect(find(world)).rejects.toMatchObject(UNAVAILABLE);
    fails = false;
    world.pass(1);
    expect((await find(world)).state).toBe('fresh');
    for (let second = 0; second < 600; second += 1) {
      fails = true;
      await keep(world, 'https://api.example/other');
      fails = false;
      world.pass(1);
      await find(world).catch(() => null);
    }
    expect(opened).toBeLessThan(25);
    world.pass(64);
    expect((await find(world)).state).toBe('fresh');
  });
});
