import { Keyv, type KeyvStoreAdapter } from 'keyv';
import type { Clock } from '../ports.ts';
import type { Entry } from './entry.ts';
import type { CacheFile } from './file.ts';

/**
 * Keyv is the door behind which another store (Redis, Valkey) can stand. Ours keeps entries as they are: a body that is turned
 * into text and back would be most of the cost of a hit. Keyv swallows errors unless told otherwise, and would call a broken
 * store a miss.
 */
export function keyvOver(store: KeyvStoreAdapter): Keyv<Entry> {
  const keyv = new Keyv<Entry>({ store, throwOnErrors: true, useKeyPrefix: false });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}

export interface StoreOptions {
  file: CacheFile;
  clock: Clock;
  maxBytes: number;
}

/** Expired entries are not there; the clock is the cache's own, so Keyv is not told when they expire. */
export function sqliteStore({ file, clock, maxBytes }: StoreOptions): KeyvStoreAdapter {
  const store: KeyvStoreAdapter = {
    opts: {},
    // The methods of the interface promise any value; this store holds one kind.
    async get<Value>(key: string) {
      const entry = file.use((table) => table.get(key, clock()));
      return (entry === undefined ? undefined : { value: entry }) as { value: Value } | undefined;
    },
    async set(key: string, value: { value: Entry }, ttl = 0) {
      file.use((table) => table.put(key, value.value, clock() + ttl, clock(), maxBytes));
    },
    delete: async (key) => file.use((table) => table.delete(key)),
    async clear() {
      file.use((table) => {
        while (table.purge(Number.MAX_SAFE_INTEGER, 500) > 0);
      });
    },
    on: () => store,
  };
  return store;
}
