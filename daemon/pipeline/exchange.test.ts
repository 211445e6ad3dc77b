import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { reportOf } from '../report/report.ts';
import { createExchangeWorld, ok, textOf, turns } from './exchange.fixture.ts';

const DOC = 'https://docs.example/guide';
const PRICED = { prices: [{ endpoint: 'docs.example/*', price: '$0.10' }] };
const upstreamError = (sent: boolean): Error => Object.assign(new Error('connection reset'), { sent, code: 'UPSTREAM_FAILED' });
const report = async (one: ReturnType<typeof createExchangeWorld>) => reportOf(one.world.parts, { scope: 'session', session: one.world.live.session });

describe('a request through the gateway', () => {
  it('is paid once by five who ask at once: one goes out, four are hits, 80 % is saved', async () => {
    const one = createExchangeWorld(PRICED);
    const all = [1, 2, 3, 4, 5].map(() => one.get(DOC));
    await turns();
    expect(one.asked).toHaveLength(1);
    one.asked[0]!.answer(ok('the guide'));
    const answers = await Promise.all(all);
    expect(await Promise.all(answers.map(textOf))).toEqual(Array(5).fill('the guide'));
    expect(answers.map((answer) => answer.fields['x-pag0-cache']).sort()).toEqual(['hit', 'hit', 'hit', 'hit', 'miss']);
    expect(await one.spent()).toEqual({ posted: 100_000n, reserved: 0n, held: 0n });
    expect(await report(one)).toMatchObject({ totalCost: '100000', totalRequests: 5, cacheHitRate: 0.8, cacheSavings: '400000' });
  });

  it('sets the money aside before a byte leaves', async () => {
    const one = createExchangeWorld(PRICED);
    const answer = one.get(DOC);
    await turns();
    expect(await one.spent()).toMatchObject({ posted: 0n, reserved: 100_000n });
    one.asked[0]!.answer(ok('x'));
    await textOf(await answer);
    expect(await one.spent()).toMatchObject({ posted: 100_000n, reserved: 0n });
  });

  it('gives the money back when no connection was made, and lets exactly one of the others try', async () => {
    const one = createExchangeWorld(PRICED);
    const first = one.get(DOC);
    await turns();
    const others = [one.get(DOC), one.get(DOC)];
    await turns();
    one.asked[0]!.fail(upstreamError(false));
    await expect(first).rejects.toThrow('connection reset');
    await turns();
    expect([one.asked.length, await one.spent()]).toEqual([2, { posted: 0n, reserved: 100_000n, held: 0n }]);
    one.asked[1]!.answer(ok('x'));
    expect((await Promise.all(others)).map((answer) => answer.status)).toEqual([200, 200]);
    expect(await one.spent()).toMatchObject({ posted: 100_000n });
  });

  it('counts what may have been spent, and lets nobody pay again when nobody knows', async () => {
    const one = createExchangeWorld(PRICED);
    const first = one.get(DOC);
    await turns();
    const others = [one.ask(DOC), one.ask(DOC)];
    await turns();
    one.asked[0]!.fail(upstreamError(true));
    await expect(first).rejects.toThrow('connection reset');
    for (const other of await Promise.all(others)) expect(other).toMatchObject({ refusal: { code: 'UPSTREAM_FAILED', sentence: expect.stringContaining('was not asked again') as string } });
    expect([one.asked.length, await one.spent()]).toEqual([1, { posted: 100_000n, reserved: 0n, held: 0n }]);
  });

  it('treats an answer that broke off as unknown to those who wait', async () => {
    const one = createExchangeWorld(PRICED);
    const first = one.get(DOC);
    await turns();
    const second = one.ask(DOC);
    const body = new Readable({ read() {} });
    one.asked[0]!.answer({ status: 200, fields: {}, body });
    const led = await first;
    led.body = (led.body as Readable).on('error', () => {});
    body.push('half');
    body.destroy(new Error('reset'));
    expect(await second).toMatchObject({ refusal: { code: 'UPSTREAM_FAILED' } });
    expect(one.cache.stored.size).toBe(0);
    expect(await one.spent()).toMatchObject({ posted: 100_000n, reserved: 0n });
  });

  it('fetches to its end what was paid for though its asker went away, and cuts off what was free', async () => {
    for (const [config, aborted] of [[PRICED, false], [{}, true]] as const) {
      const one = createExchangeWorld(config);
      const gone = new AbortController();
      const answer = one.get(DOC, { signal: gone.signal });
      await turns();
      gone.abort();
      expect(one.asked[0]!.signal.aborted).toBe(aborted);
      one.asked[0]!.answer(ok('the guide'));
      ((await answer).body as Readable).destroy();
      await turns();
      expect(one.cache.stored.size).toBe(1);
    }
  });

  it('is refused with the numbers when it does not fit, and nobody who waited is charged for it', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { sessionBudget: '$0.05' } });
    expect(await one.ask(DOC)).toMatchObject({ refusal: { code: 'SESSION_BUDGET_EXCEEDED', sentence: expect.stringContaining('$0.00 of $0.05') as string, details: { limit: '50000' } } });
    expect([one.asked.length, await one.spent()]).toEqual([0, { posted: 0n, reserved: 0n, held: 0n }]);
  });

  it('never passes a cap however many ask at once for different things', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { sessionBudget: '$1' } });
    const all = Array.from({ length: 50 }, (_, index) => one.ask(`${DOC}/${index}`));
    await turns(60);
    expect(one.asked).toHaveLength(10);
    for (const { answer } of one.asked) answer(ok('x'));
    expect((await Promise.all(all)).filter((exchanged) => 'answer' in exchanged)).toHaveLength(10);
    expect(await one.spent()).toMatchObject({ posted: 1_000_000n });
  });

  it('is answered from the cache to an agent whose budget is spent: that costs nothing', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { sessionBudget: '$0.10' } });
    const first = one.get(DOC);
    await turns();
    one.asked[0]!.answer(ok('the guide'));
    await textOf(await first);
    expect(await textOf(await one.get(DOC))).toBe('the guide');
    expect(await one.ask(`${DOC}/other`)).toHaveProperty('refusal');
  });

  it('closes when the cache cannot be read, since a miss would cost', async () => {
    const one = createExchangeWorld(PRICED);
    one.cache.breaks = true;
    await expect(one.get(DOC)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' });
    expect([one.asked.length, await one.spent()]).toEqual([0, { posted: 0n, reserved: 0n, held: 0n }]);
  });

  it('is asked by each for itself when the answer is nobody else’s', async () => {
    const one = createExchangeWorld(PRICED);
    one.cache.keeps = false;
    const all = [1, 2, 3].map(() => one.get(DOC));
    await turns();
    one.asked[0]!.answer(ok('mine'));
    await turns();
    expect(one.asked).toHaveLength(3);
    for (const { answer } of one.asked.slice(1)) answer(ok('mine'));
    await Promise.all(all);
    expect(await one.spent()).toMatchObject({ posted: 300_000n });
  });

  it('costs what its answer says it used, also when it is compressed', async () => {
    const { gzipSync } = await import('node:zlib');
    const one = createExchangeWorld({ prices: [{ endpoint: 'api.model.example/*', price: '$0.30', tokens: { inputPerMillion: '$3', outputPerMillion: '$15' } }] });
    const usage = JSON.stringify({ usage: { input_tokens: 1_000, output_tokens: 200 } });
    for (const [body, fields] of [[Buffer.from(usage), {}], [gzipSync(usage), { 'content-encoding': 'gzip' }]] as const) {
      const answer = one.get('https://api.model.example/v1/messages', { method: 'POST', body: Buffer.from('{}') });
      await turns();
      one.asked.at(-1)!.answer({ status: 200, fields, body: Readable.from([body]) });
      ((await answer).body as Readable).resume();
      await turns();
    }
    expect(await one.spent()).toEqual({ posted: 12_000n, reserved: 0n, held: 0n });
  });

  it('is not charged when the server asks to be paid first', async () => {
    const one = createExchangeWorld(PRICED);
    const answer = one.get(DOC);
    await turns();
    one.asked[0]!.answer({ status: 402, fields: {}, body: Buffer.from('{}') });
    expect((await answer).status).toBe(402);
    expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
  });

  it('needs a person’s yes above the threshold, and says so where nobody could be asked', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { approveAbove: '$0.05' } });
    expect(await one.ask(DOC, { approvedUpTo: 99_999n })).toMatchObject({ refusal: { code: 'APPROVAL_REQUIRED' } });
    expect(one.asked).toHaveLength(0);
  });

  it('counts in the turn’s speed and tells the person of the 70 %', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { sessionBudget: '$0.14' } });
    const answer = one.get(DOC);
    await turns();
    one.asked[0]!.answer(ok('x'));
    await textOf(await answer);
    expect(one.world.live.notices).toEqual([expect.stringContaining('this session has spent $0.10 of $0.14 (71 %)')]);
  });
});

describe('whoever waited', () => {
  it('is weighed again before it asks: the kill switch may have been pulled meanwhile', async () => {
    const one = createExchangeWorld(PRICED);
    const first = one.get(DOC);
    await turns();
    const others = [one.ask(DOC), one.ask(DOC)];
    await turns();
    await one.world.parts.directives.give({ kind: 'kill', scope: 'all', limit: null, by: 'person', at: one.world.now });
    one.asked[0]!.fail(upstreamError(false));
    await expect(first).rejects.toThrow();
    for (const other of await Promise.all(others)) expect(other).toMatchObject({ refusal: { code: 'KILL_SWITCH' } });
    expect(one.asked).toHaveLength(1);
  });

  it('is not held up by a leader that reads slowly', async () => {
    const one = createExchangeWorld(PRICED);
    const slow = one.get(DOC);
    await turns();
    const other = one.get(DOC);
    await turns();
    one.asked[0]!.answer({ status: 200, fields: {}, body: Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(64 * 1024))) });
    await slow;
    expect((await textOf(await other)).length).toBe(4 * 1024 * 1024);
  });

  it('does not wait for an answer that will be nobody else’s: its head says so, or its length', async () => {
    for (const fields of [{ 'cache-control': 'no-store' }, { 'content-length': String(9 * 1024 * 1024) }]) {
      const one = createExchangeWorld();
      const first = one.get(DOC);
      await turns();
      void one.get(DOC);
      await turns();
      one.asked[0]!.answer({ status: 200, fields, body: new Readable({ read() {} }) });
      await first;
      await turns();
      expect(one.asked).toHaveLength(2);
    }
  });

  it('stops waiting when an answer turns out too long to be kept', async () => {
    const one = createExchangeWorld();
    const first = one.get(DOC);
    await turns();
    void one.get(DOC);
    await turns();
    const body = new Readable({ read() {} });
    one.asked[0]!.answer({ status: 200, fields: {}, body });
    ((await first).body as Readable).on('data', () => {});
    for (let piece = 0; piece < 9; piece += 1) body.push(Buffer.alloc(1024 * 1024));
    await turns(60);
    expect(one.asked).toHaveLength(2);
  });

  it('shares a failure that was paid for, lest each of them pays for the same one', async () => {
    const one = createExchangeWorld(PRICED);
    const all = [1, 2, 3, 4, 5].map(() => one.get(DOC));
    await turns();
    one.asked[0]!.answer({ status: 503, fields: {}, body: Readable.from([Buffer.from('busy')]) });
    expect(await Promise.all((await Promise.all(all)).map(textOf))).toEqual(Array(5).fill('busy'));
    expect([one.asked.length, await one.spent(), one.cache.stored.size]).toEqual([1, { posted: 100_000n, reserved: 0n, held: 0n }, 0]);
  });

  it('for what is free asks for itself when nobody knows what became of the first', async () => {
    const one = createExchangeWorld();
    const first = one.get(DOC);
    await turns();
    const other = one.get(DOC);
    await turns();
    one.asked[0]!.fail(upstreamError(true));
    await expect(first).rejects.toThrow();
    await turns();
    one.asked[1]!.answer(ok('the guide'));
    expect(await textOf(await other)).toBe('the guide');
  });
});

describe('when the book cannot be written after an answer came', () => {
  it.each([
    ['a price', PRICED],
    ['a price by use', { prices: [{ endpoint: 'docs.example/*', price: '$0.10', tokens: { inputPerMillion: '$3', outputPerMillion: '$15' } }] }],
  ])('the answer is given, kept and shared all the same, and what was set aside stays counted: %s', async (_, config) => {
    const one = createExchangeWorld(config);
    const { ledger } = one.world.parts;
    const all = [one.get(DOC), one.get(DOC)];
    await turns();
    one.world.parts.ledger = { ...ledger, post: () => Promise.reject(new Error('disk full')) };
    one.asked[0]!.answer(ok('{"usage":{"input_tokens":1000,"output_tokens":200}}'));
    const texts = await Promise.all((await Promise.all(all)).map(textOf));
    expect(new Set(texts).size).toBe(1);
    await turns();
    expect([one.asked.length, one.cache.stored.size, one.world.parts.underway.size, one.lost.length]).toEqual([1, 1, 0, 1]);
    expect(await ledger.balances(['session:s1'])).toEqual([{ posted: 0n, reserved: 100_000n, held: 0n }]);
    one.world.parts.ledger = ledger;
    expect(await textOf(await one.get(DOC))).toBe(texts[0]);
  });
});

describe('what is on its way', () => {
  it('stays so until its body has passed, so that a daemon that is replaced does not cut it', async () => {
    const one = createExchangeWorld(PRICED);
    const answer = one.get('https://docs.example/order', { method: 'POST', body: Buffer.from('{}') });
    await turns();
    const body = new Readable({ read() {} });
    one.asked[0]!.answer({ status: 200, fields: {}, body });
    const passing = (await answer).body as Readable;
    await turns();
    expect(one.world.parts.underway.size).toBe(1);
    passing.resume();
    body.push(null);
    await turns();
    expect(one.world.parts.underway.size).toBe(0);
  });

  it('needs no yes when it is in the cache already', async () => {
    const one = createExchangeWorld({ ...PRICED, policy: { approveAbove: '$0.05' } });
    const first = one.get(DOC);
    await turns();
    one.asked[0]!.answer(ok('the guide'));
    await textOf(await first);
    expect(await textOf(await one.get(DOC, { approvedUpTo: 0n }))).toBe('the guide');
  });

  it('goes without a cache that is broken when it is free', async () => {
    const one = createExchangeWorld();
    one.cache.breaks = true;
    const answer = one.get(DOC);
    await turns();
    one.asked[0]!.answer(ok('the guide'));
    expect(await textOf(await answer)).toBe('the guide');
  });
});

it('what is kept is given with the letters and the reason it came with', async () => {
  const one = createExchangeWorld(PRICED);
  const first = one.get(DOC);
  await turns();
  const fields = { location: '/a', 'x-lower': '1' };
  const lines = [{ name: 'location', value: '/a', text: 'Location: /a' }, { name: 'x-lower', value: '1', text: 'x-lower: 1' }];
  one.asked[0]!.answer({ ...ok('the guide'), fields, written: { version: '1.1', lines, fields, statusLine: 'HTTP/1.1 200 Quite Fine', framing: 'length', trailers: () => [] } });
  await textOf(await first);
  const hit = await one.get(DOC);
  expect(hit).toMatchObject({ fields: { location: '/a', 'x-pag0-cache': 'hit' }, spelling: { reason: 'Quite Fine', names: ['Location'] } });
});
