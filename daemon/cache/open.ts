import { lookUpKey, flightKey, normalUrl, resourceKey, variantKey } from '../core/cache-key.ts';
import { coverUrl } from '../core/credentials.ts';
import { isConditional, clientHas, conditionsFor, endToEnd, fieldsOf304, isAbout, updated } from '../core/validation.ts';
import { keepableRequest } from '../core/keepable.ts';
import type { AnswerShelf } from '../core/kept-answer.ts';
import { acceptedCodings, canDecode } from '../core/negotiation.ts';
import { isDeclaredRead } from '../core/reuse.ts';
import type { Database } from '../ledger/database.ts';
import type { AnswerCache, CachePlace, Clock, Fields, Found, StoredAnswer, WebRequest } from '../ports.ts';
import { sha256 } from './digest.ts';
import type { AnswerEntry, AnswerFacts } from './entry.ts';
import { cacheFile, type CacheLog } from './file.ts';
import { keepHouse } from './house.ts';
import { keyvOver, sqliteStore } from './keyv.ts';
import { judge, type Judged } from './semantics.ts';
import { answerShelf, idOf } from './shelf.ts';

export interface CacheOptions {
  /** `cache.db`, beside nothing of value: it is replaced when it is broken. */
  file: string;
  open(path: string): Database;
  log: CacheLog;
  clock?: Clock;
  limits?: Partial<CacheSizes>;
}

export interface CacheSizes {
  /** All answers together; those used longest ago go first. */
  bytes: number;
  /** A larger one is not kept. */
  oneAnswer: number;
}

export const DEFAULT_SIZES: CacheSizes = { bytes: 256 * 1024 * 1024, oneAnswer: 8 * 1024 * 1024 };

export type OpenedCache = AnswerCache & AnswerShelf;

/** How long, in ms, a stale answer with a validator is kept: a 304 may cost nothing, and the whole answer again. */
const STALE_KEPT = 7 * 86_400_000;
/** Signposts must not be gone before what they point to. */
const SIGNPOST_KEPT = 30 * 86_400_000;
/** Sets of names in Vary that are remembered of one resource. */
const MAX_VARIES = 4;
const MISS: Found = { state: 'miss' };

/** Never throws: a file that cannot be opened makes look-ups reject, and the daemon goes on with what cannot cost. */
export function openCache(options: CacheOptions): OpenedCache {
  const { log, clock = Date.now } = options;
  const sizes = { ...DEFAULT_SIZES, ...options.limits };
  const file = cacheFile(options.file, options.open, log, clock);
  const entries = keyvOver(sqliteStore({ file, clock, maxBytes: sizes.bytes }));
  const house = keepHouse(file, clock, log);

  const mayKeep = (place: CachePlace, request: WebRequest): boolean => keepableRequest(place.rules, request);

  function lookUp(place: CachePlace, request: WebRequest): string {
    const body = request.body instanceof Uint8Array ? request.body : null;
    return lookUpKey(place, { ...request, body }, isDeclaredRead(place.rules, request), sha256);
  }

  /** The answer kept for a request, under its own key or one of those that a signpost leads to. */
  async function entryFor(key: string, fields: Fields): Promise<{ key: string; entry: AnswerEntry } | null> {
    const entry = await entries.get(key);
    if (entry === undefined) return null;
    if (entry.kind === 'answer') return { key, entry };
    for (const vary of entry.varies) {
      const variant = variantKey(key, vary, fields, sha256);
      const found = await entries.get(variant);
      if (found?.kind !== 'answer') continue;
      house.used(key);
      return { key: variant, entry: found };
    }
    return null;
  }

  async function find(place: CachePlace, request: WebRequest, now: number): Promise<Found> {
    if (!mayKeep(place, request)) return MISS;
    const found = await entryFor(lookUp(place, request), request.fields);
    if (found === null || !canDecode(request.fields, found.entry.facts)) return MISS;
    const { facts } = found.entry;
    const judged = judge(place.rules, { ...facts, url: normalUrl(request.url), price: BigInt(facts.price), receivedAt: facts.storedAt }, now);
    const answer = answerOf(found.key, found.entry, judged);
    if (judged.satisfies(request.fields)) {
      house.used(found.key);
      return { state: 'fresh', answer: request.method === 'GET' && clientHas(request.fields, facts.fields, facts.storedAt) ? as304(answer) : answer };
    }
    // On any other method a condition means something else, and one of the client's own is about the client's copy.
    const conditions = request.method === 'GET' && !isConditional(request.fields) ? conditionsFor(facts.fields) : null;
    return conditions === null ? MISS : { state: 'stale', answer, conditions };
  }

  /** `usable`: ms for which it may stand for the thing asked for, or be asked about. */
  function judgedNow(place: CachePlace, request: WebRequest, answer: Pick<StoredAnswer, 'status' | 'fields' | 'price'>, now: number): { url: string; judged: Judged; usable: number } {
    const url = normalUrl(request.url);
    const judged = judge(place.rules, { ...answer, method: request.method, url, receivedAt: now }, now);
    const isAskedAbout = request.method === 'GET' && conditionsFor(answer.fields) !== null;
    return { url, judged, usable: Math.max(0, judged.freshUntil - now) + (isAskedAbout ? STALE_KEPT : 0) };
  }

  async function store(place: CachePlace, request: WebRequest, answer: Pick<StoredAnswer, 'status' | 'fields' | 'body' | 'price' | 'by' | 'spelling'>, now: number): Promise<StoredAnswer | null> {
    if (!mayKeep(place, request)) return null;
    const { url, judged, usable } = judgedNow(place, request, answer, now);
    const vary = judged.varies;
    if (!judged.storable || vary === null || answer.body.length > sizes.oneAnswer) return null;
    const key = lookUp(place, request);
    const own = variantKey(key, vary, request.fields, sha256);
    if (usable === 0) {
      // An answer for once; and one that is older than it is for no more.
      await entries.delete(own);
      return null;
    }
    const resource = resourceKey(url, sha256);
    const { status, fields, price, by, spelling } = answer;
    const facts: AnswerFacts = { method: request.method, url: coverUrl(url), status, fields, ...(spelling === undefined ? {} : { spelling }), accepted: acceptedCodings(request.fields), scope: place.scope, price: price.toString(), by, storedAt: now, expiresAt: judged.freshUntil };
    house.writeUses();
    if (vary.length > 0) await pointTo(key, vary, resource);
    const entry: AnswerEntry = { kind: 'answer', facts, body: answer.body, resource };
    await entries.set(own, entry, usable);
    return answerOf(own, entry, judged);
  }

  async function pointTo(key: string, vary: string[], resource: string): Promise<void> {
    const present = await entries.get(key);
    const others = present?.kind === 'signpost' ? present.varies.filter((names) => names.join() !== vary.join()) : [];
    await entries.set(key, { kind: 'signpost', varies: [vary, ...others].slice(0, MAX_VARIES), resource }, SIGNPOST_KEPT);
  }

  return {
    mayKeep,
    keyOf: (place, request) => flightKey(lookUp(place, request), request.fields, sha256),
    find,
    lasts(place, request, { status, fields, price }, now) {
      const { judged, usable } = judgedNow(place, request, { status, fields: received(fields, now), price }, now);
      return judged.storable && judged.varies !== null && usable > 0;
    },
    async keep(place, request, answer, paid, now) {
      try {
        return (await store(place, request, { ...answer, ...paid, fields: received(answer.fields, now) }, now)) !== null;
      } catch (error) {
        // It may be shared all the same with those who wait for it: a full disk is no reason to buy it again.
        log.error('an answer was not kept', error);
        return true;
      }
    },
    async renewed(place, request, stale, fields, now) {
      // A server that says 304 to a validator that is not this one's has changed nothing here; the body it vouched for is still good.
      if (!isAbout(fields, stale.fields)) return stale;
      const fresh = { ...stale, fields: updated(stale.fields, received(fields, now)), storedAt: now };
      try {
        const stored = await store(place, request, fresh, now);
        if (stored !== null) return stored;
        // Its new fields forbid keeping it.
        const old = await entryFor(lookUp(place, request), request.fields);
        if (old !== null) await entries.delete(old.key);
      } catch (error) {
        log.error('an answer was not renewed', error);
      }
      return fresh;
    },
    async written(place, request, answer) {
      if (SAFE.has(request.method) || isDeclaredRead(place.rules, request) || answer.status < 200 || answer.status >= 400) return;
      try {
        const keys = touchedUrls(request.url, answer.fields).map((url) => resourceKey(url, sha256));
        file.use((table) => keys.forEach((key) => table.deleteResource(key)));
      } catch (error) {
        log.error('answers that a write made out of date could not be removed', error);
      }
    },
    ...answerShelf(file, sizes.bytes, house),
    async close() {
      house.close();
      file.close();
    },
  };
}

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The target, and what the answer names of the same origin: another's answers are none of its business. */
function touchedUrls(target: string, fields: Fields): string[] {
  const named = [fields['location'], fields['content-location']].filter((value) => typeof value === 'string' && URL.canParse(value, target));
  const { origin } = new URL(target);
  return [target, ...named.map((value) => new URL(String(value), target)).filter((url) => url.origin === origin).map((url) => url.href)];
}

/** As it is kept: without what was for this connection alone, and with the Date that every answer has (RFC 9110, section 6.6.1). */
function received(fields: Fields, now: number): Fields {
  return { date: new Date(now).toUTCString(), ...endToEnd(fields) };
}

function answerOf(key: string, { facts, body }: AnswerEntry, judged: Judged): StoredAnswer {
  const { status, fields, price, by, storedAt, spelling } = facts;
  return { id: idOf(key), status, fields: { ...fields, age: String(judged.age) }, body, price: BigInt(price), by, storedAt, expiresAt: judged.freshUntil, ...(spelling === undefined ? {} : { spelling }) };
}

function as304(answer: StoredAnswer): StoredAnswer {
  return { ...answer, status: 304, fields: fieldsOf304(answer.fields), body: Buffer.alloc(0) };
}
