import type { Keyv } from 'keyv';
import { describe, expect, it } from 'vitest';
import type { Entry } from './entry.ts';
import { PAID } from './world.fixture.ts';

const entry = (text: string): Entry => ({
  kind: 'answer',
  facts: { method: 'GET', url: 'https://api.example/doc', status: 200, fields: { vary: ['a', 'b'] }, accepted: null, scope: 'user', price: '5', by: PAID.by, storedAt: 1, expiresAt: 2 },
  body: Buffer.from(text),
  resource: 'r',
});

/** What every store behind Keyv promises the cache. */
export function storeSuite(name: string, open: () => Keyv<Entry>): void {
  describe(`a store (${name})`, () => {
    it('gives back what it was given, bytes included', async () => {
      const store = open();
      const bytes = { ...entry(''), body: Buffer.from([0, 255, 10, 0]) } as Entry;
      await store.set('k', bytes, 1_000);
      expect(await store.get('k')).toEqual(bytes);
      const signpost: Entry = { kind: 'signpost', varies: [['accept'], []], resource: 'r' };
      await store.set('s', signpost, 1_000);
      expect(await store.get('s')).toEqual(signpost);
    });

    it('knows nothing of keys it was not given', async () => {
      expect(await open().get('k')).toBeUndefined();
    });

    it('replaces, deletes and clears', async () => {
      const store = open();
      await store.set('a', entry('1'), 1_000);
      await store.set('a', entry('2'), 1_000);
      expect(await store.get('a')).toEqual(entry('2'));
      await store.set('b', entry('3'), 1_000);
      expect(await store.delete('a')).toBe(true);
      expect(await store.get('a')).toBeUndefined();
      await store.clear();
      expect(await store.get('b')).toBeUndefined();
    });

    it('has forgotten what is past its time', async () => {
      const store = open();
      await store.set('k', entry('1'), 5);
      await new Promise((resolve) => setTimeout(resolve, 15));
      expect(await store.get('k')).toBeUndefined();
    });
  });
}
