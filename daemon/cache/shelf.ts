import { endpointOf } from '../core/endpoint.ts';
import { endpointMatches } from '../core/endpoint-pattern.ts';
import { globMatches } from '../core/glob.ts';
import type { AnswerShelf, KeptAnswer } from '../core/kept-answer.ts';
import type { ListedRow } from './entry.ts';
import type { CacheFile } from './file.ts';
import type { House } from './house.ts';

/** So much of a key names an answer: a million of them would hardly share one. */
export function idOf(key: string): string {
  return key.slice(0, 12);
}

/** Rows read at once; in between the daemon answers others. */
const PAGE = 200;

/** What people see of the cache. These look at every row if asked to, a page at a time; no call of an agent waits for that. */
export function answerShelf(file: CacheFile, maxBytes: number, house: House): AnswerShelf {
  async function* matching(url: string | null): AsyncGenerator<ListedRow> {
    house.writeUses();
    let last: number | null = null;
    do {
      const page = file.use((table) => table.page(last, PAGE));
      for (const row of page.rows) if (url === null || urlMatches(url, row.facts.url)) yield row;
      last = page.last;
      await new Promise((resolve) => setImmediate(resolve));
    } while (last !== null);
  }

  return {
    async list({ limit, url }) {
      const answers: KeptAnswer[] = [];
      if (limit > 0) {
        for await (const row of matching(url)) if (answers.push(keptAnswer(row)) >= limit) break;
      }
      const { answers: total, bytes } = file.use((table) => table.total());
      return { answers, total, bytes, maxBytes };
    },
    async show(id) {
      house.writeUses();
      const found = /^[0-9a-f]{4,64}$/.test(id) ? file.use((table) => table.startingWith(id)) : [];
      const [first, second] = found;
      if (first === undefined) return { found: 'none' };
      return second === undefined ? { found: 'one', answer: keptAnswer(first.row), fields: first.row.facts.fields, body: first.body } : { found: 'several' };
    },
    async clear(url) {
      let gone = 0;
      for await (const row of matching(url)) if (file.use((table) => table.delete(row.key))) gone += 1;
      file.use((table) => {
        // Without answers the signposts lead nowhere.
        if (url === null) while (table.purge(Number.MAX_SAFE_INTEGER, PAGE) > 0);
        table.shrink();
      });
      return gone;
    },
  };
}

/** A glob as in a policy; one with a query is about the whole URL, so that it never takes more than it names. */
export function urlMatches(glob: string, url: string): boolean {
  if (glob.includes('?')) return globMatches(glob, url) || globMatches(glob, url.replace(/^https?:\/\//, ''));
  const endpoint = endpointOf(url);
  return globMatches(glob, url) || (endpoint !== null && /^https?:/.test(url) && endpointMatches(glob, endpoint));
}

function keptAnswer({ key, facts, size, usedAt, hits }: ListedRow): KeptAnswer {
  const { method, url, status, scope, price, by, storedAt, expiresAt } = facts;
  return { id: idOf(key), method, url, status, scope, size, price: BigInt(price), by, storedAt, expiresAt, usedAt, hits };
}
