import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answer, cacheWorld, get, PAID, place } from '../cache/world.fixture.ts';
import { CACHE_VIEWS, type CacheListView } from '../contract/cache-views.ts';
import { cacheRoutes } from './cache-api.ts';

async function asking() {
  const world = cacheWorld();
  const keep = (url: string, ...kept: Parameters<typeof answer>) => world.cache.keep(place(), get(url), answer(...kept), PAID, world.clock.now);
  await keep('https://api.example/search?q=cats&token=hidden', { 'content-type': 'application/json', 'x-evil': '\u001b[2Jgone' }, '{"hits":[]}\n\u001b[31mred');
  const app = cacheRoutes(world.cache, () => world.clock.now);
  const read = async (path: string, init?: RequestInit) => {
    const response = await app.request(path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const list = async () => (await read(CACHE_VIEWS.list)).body as unknown as CacheListView;
  return { ...world, keep, read, list };
}

describe('the routes of the cache', () => {
  it('list what is kept, with amounts as strings', async () => {
    const { list } = await asking();
    expect(await list()).toMatchObject({ total: 1, maxBytes: 256 * 1024 * 1024, answers: [{ method: 'GET', url: 'https://api.example/search?q=cats&token=…', status: 200, price: '100000', by: { agent: 'researcher-1' }, hits: 0 }] });
  });

  it('show an answer, its body only when that is asked for', async () => {
    const { list, read } = await asking();
    const { id } = (await list()).answers[0]!;
    const without = await read(`${CACHE_VIEWS.show}?id=${id}`);
    expect(without.body).toMatchObject({ status: 200, fields: { 'content-type': 'application/json' } });
    expect(without.body['body']).toBeUndefined();
    expect((await read(`${CACHE_VIEWS.show}?id=${id.slice(0, 5)}&body=true`)).body['body']).toEqual({ text: '{"hits":[]}\n\u001b[31mred', cut: false });
  });

  it('print no secret of an address that a field names', async () => {
    const { keep, read, list } = await asking();
    await keep('https://api.example/file', { location: 'https://store.example/f?v=1&X-Amz-Signature=hidden', 'content-location': '/f?sig=hidden', link: ['<https://a.example/?page=2>; rel="next", <https://b.example/?page=3&token=hidden>; rel="last"', '</x?key=hidden>; rel="x"'] });
    const { id } = (await list()).answers.find(({ url }) => url.endsWith('/file'))!;
    for (const format of ['', '&format=text']) expect(JSON.stringify((await read(`${CACHE_VIEWS.show}?id=${id}${format}`)).body)).not.toContain('hidden');
    expect((await read(`${CACHE_VIEWS.show}?id=${id}`)).body['fields']).toMatchObject({
      location: 'https://store.example/f?v=1&X-Amz-Signature=…',
      'content-location': '/f?sig=…',
      link: ['<https://a.example/?page=2>; rel="next", <https://b.example/?page=3&token=…>; rel="last"', '</x?key=…>; rel="x"'],
    });
  });

  it('print nothing that a terminal obeys', async () => {
    const { list, read } = await asking();
    const { text } = (await read(`${CACHE_VIEWS.show}?id=${(await list()).answers[0]!.id}&body=true&format=text`)).body as { text: string };
    expect(text).toMatch(/paid {6}\$0\.10 by researcher-1 in session s/);
    expect(text).toContain('{"hits":[]}\nred');
    expect(text).not.toContain('\u001b');
    expect(((await read(`${CACHE_VIEWS.list}?format=text`)).body as { text: string }).text.split('\n')).toEqual([
      expect.stringMatching(/^The cache holds 1 answer, [\d.]+ k?B of 256 MB\.$/),
      '',
      'id                size      paid  fresh for  hits  request',
      expect.stringMatching(/^[0-9a-f]{12} {6}20 B {5}\$0\.10 {5}30 min {5}0 {2}GET api\.exampl…q=cats&token=…$/),
    ]);
  });

  it('show compressed bodies as they read, and say so where they cannot', async () => {
    const { clock, cache, keep, read, list } = await asking();
    const shown = async () => (await read(`${CACHE_VIEWS.show}?id=${(await list()).answers[0]!.id}&body=true`)).body['body'];
    await cache.keep(place(), get('https://api.example/gzip'), { status: 200, fields: { 'content-encoding': 'gzip' }, body: gzipSync('readable') }, PAID, clock.now);
    expect(await shown()).toEqual({ text: 'readable', cut: false });
    await cache.keep(place(), get('https://api.example/bomb'), { status: 200, fields: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(5_000_000)) }, PAID, clock.now);
    expect(await shown()).toEqual({ unread: 'it is longer than what is shown here' });
    await keep('https://api.example/lie', { 'content-encoding': 'gzip' }, 'plain');
    expect(await shown()).toEqual({ unread: 'it is not the gzip that it says it is' });
    await keep('https://api.example/zstd', { 'content-encoding': 'zstd' }, 'x');
    expect(await shown()).toEqual({ unread: 'it is encoded as zstd, which is not decoded here' });
    await keep('https://api.example/bytes', {}, '\u0000');
    expect(await shown()).toEqual({ bytes: 'AA==', cut: false });
  });

  it('clear what is named and nothing else', async () => {
    const { keep, read, list } = await asking();
    await keep('https://other.example/b');
    const clear = (body: unknown) => read(CACHE_VIEWS.list, { method: 'POST', body: JSON.stringify(body) });
    expect(await clear({})).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    expect(await clear({ url: 'other.example/*' })).toMatchObject({ status: 200, body: { cleared: 1, sentence: 'Cleared 1 answer; whoever wants them next asks, and pays, again.' } });
    expect((await list()).total).toBe(1);
    expect(await clear({ all: true })).toMatchObject({ body: { cleared: 1 } });
    expect(await clear({ all: true })).toMatchObject({ body: { cleared: 0 } });
  });

  it.each([
    [`${CACHE_VIEWS.show}?id=beef`, 404, 'NOT_FOUND'],
    [`${CACHE_VIEWS.list}?limit=0`, 400, 'BAD_REQUEST'],
    [`${CACHE_VIEWS.list}?limit=1e3`, 400, 'BAD_REQUEST'],
  ])('say what is wrong with %s', async (path, status, code) => {
    expect(await (await asking()).read(path)).toMatchObject({ status, body: { error: { code } } });
  });
});
