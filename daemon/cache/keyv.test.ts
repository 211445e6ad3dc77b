import { describe, expect, it } from 'vitest';
import { cacheFile } from './file.ts';
import { keyvOver, sqliteStore } from './keyv.ts';
import { storeSuite } from './store.suite.ts';
import { freshFile, openFile } from './world.fixture.ts';

const silent = { info: () => {}, warn: () => {}, error: () => {} };

storeSuite('memory', () => keyvOver(new Map() as never));
storeSuite('sqlite', () => keyvOver(sqliteStore({ file: cacheFile(freshFile(), openFile, silent, Date.now), clock: Date.now, maxBytes: 1_000_000 })));

describe('Keyv', () => {
  it('passes on the errors of its store: a broken cache is not a miss', async () => {
    const fails = (): never => {
      throw new Error('broken');
    };
    const keyv = keyvOver({ opts: {}, get: fails, set: fails, delete: fails, clear: fails, on: () => undefined } as never);
    await expect(keyv.get('k')).rejects.toThrow('broken');
    await expect(keyv.set('k', {} as never, 5)).rejects.toThrow('broken');
    await expect(keyv.delete('k')).rejects.toThrow('broken');
  });
});
