import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll } from 'vitest';
import { DEFAULT_CACHE, type CacheRules } from '../core/cache-rules.ts';
import type { Database } from '../ledger/database.ts';
import type { CachePlace, Fields, WebRequest } from '../ports.ts';
import { openCache, type CacheSizes } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag0-cache-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

export const openFile = (path: string): Database => new DatabaseSync(path) as unknown as Database;
export const freshFile = (): string => join(folder, `${(files += 1)}.db`);

/** When a cache's time begins. */
export const START = Date.UTC(2026, 10, 21, 7, 38);

/** A cache whose time stands still until it is told otherwise, and a log to read. */
export function cacheWorld(options: { file?: string; limits?: Partial<CacheSizes>; open?: (path: string) => Database } = {}) {
  const file = options.file ?? freshFile();
  const log: string[] = [];
  const clock = { now: START };
  const cache = openCache({
    file,
    open: options.open ?? openFile,
    clock: () => clock.now,
    log: { info: (text) => void log.push(text), warn: (text) => void log.push(text), error: (text) => void log.push(text) },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  return { file, cache, log, clock, pass: (seconds: number) => void (clock.now += seconds * 1_000) };
}

export const place = (rules: Partial<CacheRules> = {}, more: Partial<CachePlace> = {}): CachePlace => ({ scope: 'session:s', wallet: '', rules: { ...DEFAULT_CACHE, ...rules }, ...more });
export const get = (url = 'https://api.example/doc', fields: Fields = {}): WebRequest => ({ method: 'GET', url, fields, body: null });
export const post = (body: string, fields: Fields = { 'content-type': 'application/json' }, url = 'https://api.example/search'): WebRequest => ({ method: 'POST', url, fields, body: Buffer.from(body) });
export const answer = (fields: Fields = {}, body = 'text', status = 200) => ({ status, fields, body: Buffer.from(body) });
export const PAID = { price: 100_000n, by: { session: 's', agent: 'researcher-1', run: 'r', project: '/p' } };
export const REUSE = { reuse: [{ endpoint: 'api.example/search', tool: null, method: 'POST' }] };
