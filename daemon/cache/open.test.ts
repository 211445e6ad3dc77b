import { describe, expect, it } from 'vitest';
import { DEFAULT_CACHE } from '../core/cache-rules.ts';
import { toolUrl } from '../core/reuse.ts';
import type { CachePlace, Fields, WebRequest } from '../ports.ts';
import { answer, cacheWorld, get, PAID, place, post, REUSE, START } from './world.fixture.ts';

type World = ReturnType<typeof cacheWorld>;

const keep = (world: World, request: WebRequest, kept = answer(), where: CachePlace = place()) => world.cache.keep(where, request, kept, PAID, world.clock.now);
const find = (world: World, request: WebRequest, where: CachePlace = place()) => world.cache.find(where, request, world.clock.now);
const stateOf = async (world: World, request: WebRequest, where?: CachePlace): Promise<string> => (await find(world, request, where)).state;

describe('an answer', () => {
  it('is served to whoever asks next, with its age, its price and who paid', async () => {
    const world = cacheWorld();
    expect(await keep(world, get(), answer({ 'content-type': 'text/plain', 'x-many': ['a', 'b'] }))).toBe(true);
    world.pass(90);
    expect(await find(world, get())).toEqual({
      state: 'fresh',
      answer: {
        id: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
        status: 200,
        fields: { 'content-type': 'text/plain', 'x-many': ['a', 'b'], date: 'Sat, 21 Nov 2026 07:38:00 GMT', age: '90' },
        body: Buffer.from('text'),
        ...PAID,
        storedAt: world.clock.now - 90_000,
        expiresAt: world.clock.now + 1_710_000,
      },
    });
  });

  it('that says nothing of its freshness is kept half an hour, paid or not', async () => {
    const world = cacheWorld();
    await keep(world, get());
    world.pass(1_799);
    expect(await stateOf(world, get())).toBe('fresh');
    world.pass(1);
    expect(await stateOf(world, get())).toBe('miss');
  });

  it('is nobody’s whose scope, wallet or credentials are others', async () => {
    const world = cacheWorld();
    await keep(world, get('https://api.example/doc', { authorization: 'Bearer a' }));
    expect(await stateOf(world, get('https://api.example/doc', { authorization: 'Bearer a' }))).toBe('fresh');
    for (const fields of [{}, { authorization: 'Bearer b' }, { authorization: 'Bearer a', cookie: 'x=1' }] as Fields[]) expect(await stateOf(world, get('https://api.example/doc', fields))).toBe('miss');
    expect(await stateOf(world, get('https://api.example/doc', { authorization: 'Bearer a' }), place({}, { scope: 'session:other' }))).toBe('miss');
    expect(await stateOf(world, get('https://api.example/doc', { authorization: 'Bearer a' }), place({}, { wallet: '0xabc' }))).toBe('miss');
  });

  it('goes by the rules of whoever asks, not of whoever stored it', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer(), place({ defaultTtl: 3_600 }));
    world.pass(100);
    expect(await stateOf(world, get(), place({ defaultTtl: 60 }))).toBe('miss');
    expect(await stateOf(world, get(), place({ enabled: false }))).toBe('miss');
    expect(await stateOf(world, get(), place({ limits: [{ ttlRules: [{ pattern: /doc/, ttl: 30 }], reuse: null }] }))).toBe('miss');
    expect(await stateOf(world, get(), place({ ttlRules: [{ pattern: /doc/, ttl: 7_200 }], defaultTtl: 60 }))).toBe('fresh');
  });

  it('is replaced by a newer one', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer({}, 'one'));
    await keep(world, get(), answer({}, 'two'));
    expect(await find(world, get())).toMatchObject({ answer: { body: Buffer.from('two') } });
    expect((await world.cache.list({ limit: 10, url: null })).total).toBe(1);
  });

  it('survives a restart', async () => {
    const world = cacheWorld();
    await keep(world, get());
    await world.cache.close();
    expect(await stateOf(cacheWorld({ file: world.file }), get())).toBe('fresh');
  });

  it('that a client has already is a 304 to it', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer({ etag: '"v1"', 'content-type': 'text/plain' }));
    expect(await find(world, get('https://api.example/doc', { 'if-none-match': 'W/"v0", "v1"' }))).toMatchObject({ state: 'fresh', answer: { status: 304, body: Buffer.alloc(0), fields: { etag: '"v1"', age: '0' } } });
    expect(await find(world, get('https://api.example/doc', { 'if-none-match': '"v2"' }))).toMatchObject({ state: 'fresh', answer: { status: 200 } });
  });

  it('that is compressed is not given to a client that cannot read it', async () => {
    const world = cacheWorld();
    await keep(world, get('https://api.example/doc', { 'accept-encoding': 'gzip, br' }), answer({ 'content-encoding': 'gzip' }));
    expect(await stateOf(world, get())).toBe('miss');
    expect(await stateOf(world, get('https://api.example/doc', { 'accept-encoding': 'gzip;q=0' }))).toBe('miss');
    expect(await stateOf(world, get('https://api.example/doc', { 'accept-encoding': 'deflate, gzip' }))).toBe('fresh');
  });

  it('that came compressed to a client that had not asked for it comes so again to those who ask the same way', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer({ 'content-encoding': 'gzip' }));
    expect(await stateOf(world, get())).toBe('fresh');
    expect(await stateOf(world, get('https://api.example/doc', { 'accept-encoding': 'br' }))).toBe('miss');
  });
});

describe('never kept', () => {
  const answers: [what: string, fields: Fields, status: number][] = [
    ['no-store', { 'cache-control': 'max-age=60, No-Store' }, 200],
    ['Set-Cookie', { 'set-cookie': 'a=b' }, 200],
    ['a payment receipt', { 'x-payment-response': 'e30=' }, 200],
    ['a payment receipt of the newer kind', { 'payment-response': 'e30=' }, 200],
    ['Vary: *', { vary: '*' }, 200],
    ['a part', { 'content-range': 'bytes 0-3/10', 'cache-control': 'max-age=60' }, 206],
    ...[401, 402, 403, 407, 429, 500, 501, 502, 503, 504].map((status): [string, Fields, number] => [String(status), { 'cache-control': 'max-age=60' }, status]),
    ['404 without a lifetime of its own', {}, 404],
    ['a status nobody knows', { 'cache-control': 'max-age=60' }, 299],
  ];
  it.each(answers)('is an answer with %s, whatever a rule says', async (_, fields, status) => {
    const world = cacheWorld();
    const where = place({ ttlRules: [{ pattern: /./, ttl: 3_600 }] });
    expect(await keep(world, get(), answer(fields, 'x', status), where)).toBe(false);
    expect(await stateOf(world, get(), where)).toBe('miss');
  });

  const requests: [what: string, request: WebRequest][] = [
    ['with Range', get(undefined, { range: 'bytes=0-1' })],
    ['with no-store', get(undefined, { 'cache-control': 'no-store' })],
    ['with a payment', get(undefined, { 'x-payment': 'e30=' })],
    ['with a payment of the newer kind', get(undefined, { 'payment-signature': 'e30=' })],
    ['that is another method in disguise', get(undefined, { 'x-http-method-override': 'DELETE' })],
    ['HEAD', { ...get(), method: 'HEAD' }],
    ['POST that nobody declared a read', post('{}')],
    ['GET with a body', { ...get(), body: Buffer.from('{"query":1}') }],
  ];
  it.each(requests)('is an answer to a request %s, and it is not looked up', async (_, request) => {
    const world = cacheWorld();
    expect(world.cache.mayKeep(place(), request)).toBe(false);
    expect(await keep(world, request, answer({ 'cache-control': 'max-age=60' }))).toBe(false);
    expect((await world.cache.list({ limit: 10, url: null })).total).toBe(0);
  });

  it('is an answer larger than one may be', async () => {
    const world = cacheWorld({ limits: { oneAnswer: 10 } });
    expect(await keep(world, get(), answer({}, 'x'.repeat(11)))).toBe(false);
    expect(await keep(world, get(), answer({}, 'x'.repeat(10)))).toBe(true);
  });
});

describe('a call declared a read', () => {
  it('has one answer however its JSON is written', async () => {
    const world = cacheWorld();
    await keep(world, post('{"q":"cats","n":5}'), answer(), place(REUSE));
    expect(await stateOf(world, post('{ "n": 5, "q": "\\u0063ats" }', { 'content-type': 'application/json; charset=utf-8' }), place(REUSE))).toBe('fresh');
    expect(await stateOf(world, post('{"q":"cats","n":5.0}'), place(REUSE))).toBe('miss');
    expect(await stateOf(world, post('{"q":"dogs","n":5}'), place(REUSE))).toBe('miss');
  });

  it('is asked again when it is stale: a condition on a POST means something else', async () => {
    const world = cacheWorld();
    await keep(world, post('{}'), answer({ etag: '"v1"' }), place(REUSE));
    world.pass(3_600);
    expect(await stateOf(world, post('{}'), place(REUSE))).toBe('miss');
  });

  it('may be a tool, by its name and arguments', async () => {
    const world = cacheWorld();
    const where = place({ reuse: [{ endpoint: null, tool: 'mcp__exa__*', method: null }] });
    const call = (tool: string, input: string) => post(input, {}, toolUrl(tool));
    await keep(world, call('mcp__exa__search', '{"q":1,"n":2}'), answer({}, '[]'), where);
    expect(await stateOf(world, call('mcp__exa__search', '{"n":2,"q":1}'), where)).toBe('fresh');
    expect(await stateOf(world, call('mcp__exa__crawl', '{"n":2,"q":1}'), where)).toBe('miss');
    expect(world.cache.mayKeep(where, call('mcp__github__create_issue', '{}'))).toBe(false);
  });

  it('is a GET or a POST unless its rule names another method', async () => {
    const world = cacheWorld();
    const reads = (method: string, named: string | null) => world.cache.mayKeep(place({ reuse: [{ endpoint: 'api.example/*', tool: null, method: named }] }), { ...post('{}'), method });
    expect(['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => reads(method, null))).toEqual(['GET', 'POST']);
    expect([reads('PUT', 'PUT'), reads('POST', 'PUT')]).toEqual([true, false]);
    await keep(world, get());
    await world.cache.written(place({ reuse: [{ endpoint: 'api.example/*', tool: null, method: null }] }), { ...get(), method: 'DELETE' }, { status: 204, fields: {} });
    expect(await stateOf(world, get())).toBe('miss');
  });

  it('is one only while every project’s list names it as well', () => {
    const { cache } = cacheWorld();
    const limit = (endpoint: string) => place({ ...REUSE, limits: [{ ttlRules: [], reuse: [{ endpoint, tool: null, method: null }] }] });
    expect(cache.mayKeep(limit('api.example/*'), post('{}'))).toBe(true);
    expect(cache.mayKeep(limit('other.example/*'), post('{}'))).toBe(false);
    expect(cache.mayKeep({ ...limit('api.example/*'), rules: { ...limit('api.example/*').rules, reuse: [] } }, post('{}'))).toBe(false);
  });
});

describe('a stale answer', () => {
  const VALID: Fields = { 'cache-control': 'max-age=60', etag: '"v1"', 'last-modified': 'Fri, 20 Nov 2026 07:38:00 GMT' };

  it('with a validator is offered together with the fields that ask about it, for a week', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer(VALID));
    world.pass(61);
    expect(await find(world, get())).toMatchObject({ state: 'stale', conditions: { 'if-none-match': '"v1"', 'if-modified-since': VALID['last-modified'] }, answer: { status: 200, price: 100_000n } });
    world.pass(7 * 86_400);
    expect(await stateOf(world, get())).toBe('miss');
  });

  it('is fresh again after a 304, with the fields that came with it', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer({ ...VALID, 'x-kept': '1', 'x-new': '1' }));
    world.pass(61);
    const found = await find(world, get());
    if (found.state !== 'stale') throw new Error(found.state);
    const renewed = await world.cache.renewed(place(), get(), found.answer, { etag: '"v1"', 'x-new': '2', 'content-length': '0' }, world.clock.now);
    expect(renewed).toMatchObject({ fields: { 'x-kept': '1', 'x-new': '2', age: '0' }, body: Buffer.from('text'), price: 100_000n });
    expect(renewed.fields['content-length']).toBeUndefined();
    world.pass(59);
    expect(await find(world, get())).toMatchObject({ state: 'fresh', answer: { fields: { 'x-new': '2', age: '59' } } });
  });

  it('is not renewed by a 304 that is about another', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer(VALID));
    world.pass(61);
    const found = await find(world, get());
    if (found.state !== 'stale') throw new Error(found.state);
    await world.cache.renewed(place(), get(), found.answer, { etag: '"other"' }, world.clock.now);
    expect(await stateOf(world, get())).toBe('stale');
  });

  it('is kept no longer once a 304 says no-store', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer(VALID));
    world.pass(61);
    const found = await find(world, get());
    if (found.state !== 'stale') throw new Error(found.state);
    expect(await world.cache.renewed(place(), get(), found.answer, { 'cache-control': 'no-store' }, world.clock.now)).toMatchObject({ status: 200 });
    expect(await stateOf(world, get())).toBe('miss');
  });

  it('is left to a client that asks about its own copy', async () => {
    const world = cacheWorld();
    await keep(world, get(), answer(VALID));
    world.pass(61);
    expect(await stateOf(world, get('https://api.example/doc', { 'if-none-match': '"v0"' }))).toBe('miss');
  });
});

describe('variants', () => {
  it('live side by side, and each is found by the fields that Vary names', async () => {
    const world = cacheWorld();
    const asking = (accept: string) => get('https://api.example/doc', { accept, 'user-agent': accept });
    await keep(world, asking('text/html'), answer({ vary: 'Accept' }, 'html'));
    await keep(world, asking('text/plain'), answer({ vary: ['accept', 'ACCEPT'] }, 'plain'));
    expect(await find(world, asking('text/html'))).toMatchObject({ state: 'fresh', answer: { body: Buffer.from('html') } });
    expect(await find(world, asking('text/plain'))).toMatchObject({ state: 'fresh', answer: { body: Buffer.from('plain') } });
    expect(await stateOf(world, asking('image/png'))).toBe('miss');
    expect((await world.cache.list({ limit: 10, url: null })).answers).toHaveLength(2);
  });

  it('are in one flight only when nothing could tell them apart', () => {
    const { cache } = cacheWorld();
    const key = (fields: Fields, request = get()) => cache.keyOf(place(), { ...request, fields });
    expect(key({ accept: '*/*', 'user-agent': 'curl' })).toBe(key({ 'user-agent': 'wget', accept: '*/*' }));
    expect(key({ accept: '*/*' })).not.toBe(key({ accept: 'text/html' }));
    expect(key({})).not.toBe(key({ 'if-none-match': '"v1"' }));
    expect(key({})).toBe(key({}, get('HTTPS://API.example:443/x/../doc#part')));
  });
});

describe('an answer that does not say for whom it is', () => {
  const FREE = { ...PAID, price: 0n };
  const tenth = { 'last-modified': new Date(START - 600_000).toUTCString(), date: new Date(START).toUTCString() };
  const asks = (fields: Record<string, string>) => get(undefined, { accept: 'application/json', 'user-agent': 'curl/8.5', ...fields });
  const kept = async (fields: Record<string, string>, paid: typeof PAID, rules = {}) => {
    const world = cacheWorld();
    await world.cache.keep(place(rules), asks({}), answer(fields), paid, world.clock.now);
    return (more: Record<string, string>) => stateOf(world, asks(more), place(rules));
  };

  it.each([
    ['Accept', { accept: 'text/csv' }],
    ['a language', { 'accept-language': 'de' }],
    ['a tenant', { 'x-tenant-id': 'a' }],
    ['an organisation', { 'openai-organization': 'org-1' }],
    ['a version', { 'api-version': '2' }],
    ['any other field', { 'x-whatever': '1' }],
  ])('is kept apart by %s, whether it was paid for or estimated', async (_, more) => {
    for (const state of [await kept({}, PAID), await kept(tenth, FREE)]) expect([await state(more), await state({})]).toEqual(['miss', 'fresh']);
  });

  it.each([
    ['a trace', { traceparent: '00-1-2-01', 'x-request-id': 'a', 'x-b3-traceid': 'b' }],
    ['a retry', { 'idempotency-key': 'k', 'x-stainless-retry-count': '1', date: 'today' }],
    ['the codings it takes in the same words', { 'cache-control': 'max-stale=5' }],
  ])('is not kept apart by %s', async (_, more) => {
    for (const state of [await kept({}, PAID), await kept(tenth, FREE)]) expect(await state(more)).toBe('fresh');
  });

  it('is for every program where it was paid for or is named, and for the one that asked where it was not', async () => {
    const other = { 'user-agent': 'python-requests/2' };
    expect(await (await kept({}, PAID))(other)).toBe('fresh');
    expect(await (await kept({}, FREE, { reuse: [{ endpoint: 'api.example', tool: null, method: null }] }))(other)).toBe('fresh');
    expect(await (await kept(tenth, FREE))(other)).toBe('miss');
  });

  it('is not kept at all where nothing was paid and there is nothing to estimate from', async () => {
    expect(await (await kept({}, FREE))({})).toBe('miss');
  });

  it('says it with its lifetime, and then Vary alone tells answers apart', async () => {
    for (const says of [{ 'cache-control': 'max-age=60' }, { expires: new Date(START + 60_000).toUTCString() }]) {
      expect(await (await kept(says, FREE))({ 'x-tenant-id': 'a' })).toBe('fresh');
      expect(await (await kept({ ...says, vary: 'X-Tenant-Id' }, PAID))({ 'x-tenant-id': 'a' })).toBe('miss');
    }
  });

  it('of anything and no Accept at all are one request', async () => {
    const world = cacheWorld();
    await keep(world, get());
    expect(await stateOf(world, get(undefined, { accept: '*/*' }))).toBe('fresh');
  });
});

describe('a write', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH'])('by %s takes away what is kept of the resource, for everybody', async (method) => {
    const world = cacheWorld();
    const other = place({}, { scope: 'user' });
    await keep(world, get());
    await keep(world, get(), answer(), other);
    await keep(world, get('https://api.example/other'));
    await world.cache.written(place(), { ...get(), method }, { status: 204, fields: {} });
    expect([await stateOf(world, get()), await stateOf(world, get(), other), await stateOf(world, get('https://api.example/other'))]).toEqual(['miss', 'miss', 'fresh']);
  });

  it('that failed, and a call declared a read, take nothing away', async () => {
    const world = cacheWorld();
    await keep(world, get('https://api.example/search'));
    await world.cache.written(place(), { ...get('https://api.example/search'), method: 'PUT' }, { status: 500, fields: {} });
    await world.cache.written(place(REUSE), post('{}'), { status: 200, fields: {} });
    expect(await stateOf(world, get('https://api.example/search'))).toBe('fresh');
  });

  it('takes away what it says it made, of its own origin alone', async () => {
    const world = cacheWorld();
    await keep(world, get('https://api.example/made'));
    await keep(world, get('https://other.example/made'));
    await world.cache.written(place(), post('{}'), { status: 201, fields: { location: '/made', 'content-location': 'https://other.example/made' } });
    expect([await stateOf(world, get('https://api.example/made')), await stateOf(world, get('https://other.example/made'))]).toEqual(['miss', 'fresh']);
  });
});

describe('the store', () => {
  it('makes room by letting go what was used longest ago', async () => {
    const world = cacheWorld({ limits: { bytes: 12_000 } });
    for (const name of ['a', 'b', 'c']) {
      await keep(world, get(`https://api.example/${name}`), answer({}, 'x'.repeat(2_500)));
      world.pass(1);
    }
    await find(world, get('https://api.example/a'));
    await keep(world, get('https://api.example/d'), answer({}, 'x'.repeat(2_500)));
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((name) => stateOf(world, get(`https://api.example/${name}`))))).toEqual(['fresh', 'miss', 'fresh', 'fresh']);
    expect((await world.cache.list({ limit: 0, url: null })).bytes).toBeLessThanOrEqual(12_000);
  });

  it('sweeps out what is past its time when it starts', async () => {
    const world = cacheWorld();
    await keep(world, get());
    await world.cache.close();
    const later = cacheWorld({ file: world.file });
    expect((await later.cache.list({ limit: 10, url: null })).total).toBe(1);
    await later.cache.close();
    const { DatabaseSync } = await import('@photostructure/sqlite');
    const database = new DatabaseSync(world.file);
    database.exec('UPDATE answers SET expires = 1');
    database.close();
    expect((await cacheWorld({ file: world.file }).cache.list({ limit: 10, url: null })).total).toBe(0);
  });

  it('lists, shows and clears, and shows no secrets', async () => {
    const world = cacheWorld();
    await keep(world, get('https://api.example/a?api_key=hidden&q=1'));
    world.pass(1);
    await keep(world, get('https://other.example/b'), answer({ 'content-type': 'text/plain' }, 'body'));
    await find(world, get('https://other.example/b'));
    const { answers, total } = await world.cache.list({ limit: 10, url: null });
    expect(total).toBe(2);
    expect(answers.map((one) => [one.url, one.size, one.hits])).toEqual([['https://other.example/b', 4, 1], ['https://api.example/a?api_key=…&q=1', 4, 0]]);
    expect((await world.cache.list({ limit: 10, url: 'other.example/*' })).answers).toHaveLength(1);
    expect(await world.cache.show(answers[0]!.id.slice(0, 6))).toMatchObject({ found: 'one', answer: { price: 100_000n, by: { agent: 'researcher-1' } }, body: Buffer.from('body') });
    expect(await world.cache.show('ffff')).toEqual({ found: 'none' });
    expect(await world.cache.show("' OR 1=1")).toEqual({ found: 'none' });
    expect(await world.cache.clear('api.example/*')).toBe(1);
    expect(await world.cache.clear(null)).toBe(1);
    expect(await world.cache.list({ limit: 10, url: null })).toMatchObject({ answers: [], total: 0, bytes: 0 });
  });

  it('keeps to the defaults of the use case', () => {
    expect(DEFAULT_CACHE).toMatchObject({ enabled: true, scope: 'session', defaultTtl: 1_800 });
  });
});
