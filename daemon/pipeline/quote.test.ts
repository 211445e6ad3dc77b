import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { NO_SANDBOX } from '../core/sandbox.ts';
import { leadsHere } from '../gateway/authority.ts';
import { demandV2, offerV2, USDC } from '../payer/sellers.fixture.ts';
import { ok, turns } from './exchange.fixture.ts';
import { createPayingWorld, demandsV2, paidTo, type PayingWorld } from './paying.fixture.ts';
import { createQuotes, type AskedQuote, type Quoted } from './quote.ts';

const URL_ = 'https://shop.example/data';
const PORT = 4402;

function stage(config: object = {}): { one: PayingWorld; start(more?: Partial<AskedQuote> & { url?: string; method?: string; fields?: Record<string, string> }): Promise<Quoted> } {
  const one = createPayingWorld(config);
  const upstream = { send: (request: never, signal: AbortSignal) => new Promise<never>((resolve, reject) => one.asked.push({ request, signal, answer: resolve as never, fail: reject })) };
  const quotes = createQuotes({ parts: one.world.parts, cache: one.cache, upstream, payer: one.payer, purchases: one.purchases, isOwn: (url) => leadsHere(url, PORT) });
  return {
    one,
    start: ({ url = URL_, method = 'GET', fields = {}, ...more } = {}) => quotes.of({ request: { url, method, fields, body: null }, session: one.world.live.session, cwd: '/work', agent: null, send: true, ...more }),
  };
}

/** Asks, and lets the seller answer. */
async function quoted({ one, start }: ReturnType<typeof stage>, answer: Parameters<PayingWorld['asked'][number]['answer']>[0] | Error, more = {}): Promise<Extract<Quoted, { ok: true }>['quote']> {
  const asking = start(more);
  await turns();
  const sent = one.asked.at(-1);
  if (answer instanceof Error) sent?.fail(answer);
  else sent?.answer(answer);
  const found = await asking;
  if (!found.ok) throw new Error(found.problem);
  return found.quote;
}

const book = async ({ world }: PayingWorld) => ({ sums: await world.parts.ledger.sums({ all: true }), open: await world.parts.ledger.open({ session: 's1' }), receipts: await world.parts.ledger.receipts({ all: true }, 9) });
const NOTHING = { sums: [], open: [], receipts: [] };
const demand = (amount = '10000') => demandsV2(demandV2([offerV2({ amount })]));

describe('a quote', () => {
  it('names price, payee, token and network of a demand, and pays nothing, reserves nothing, writes nothing down', async () => {
    const at = stage();
    expect(await quoted(at, demand())).toMatchObject({ outcome: 'pays', priced: 'nobody', price: '10000', payTo: paidTo, network: 'eip155:84532', asset: USDC.toLowerCase(), answered: 402, code: null, session: 's1', agent: 'main', mode: 'enforce' });
    expect([at.one.asked.length, at.one.payer.signed]).toEqual([1, 0]);
    expect(await book(at.one)).toEqual(NOTHING);
    expect([at.one.approvals.list(), at.one.world.live.notices]).toEqual([[], []]);
  });

  it('goes by the price table, and then sends nothing', async () => {
    const at = stage({ prices: [{ endpoint: 'shop.example/*', method: 'POST', price: '$0.15', tokens: { inputPerMillion: '$1', outputPerMillion: '$2' } }] });
    expect(await at.start({ method: 'POST' })).toMatchObject({ ok: true, quote: { outcome: 'billed', priced: 'table', price: '150000', byUse: true, answered: null, payTo: null } });
    expect(at.one.asked).toEqual([]);
    expect(await book(at.one)).toEqual(NOTHING);
  });

  it('that may not be asked of the seller is not, whatever else would have to be known', async () => {
    const at = stage();
    expect(await at.start({ method: 'DELETE', send: false })).toMatchObject({ ok: true, quote: { outcome: 'unsent', price: null, answered: null } });
    expect(at.one.asked).toEqual([]);
  });

  it('of a demand that nobody can meet says why, with price and payee', async () => {
    const at = stage();
    expect(await quoted(at, demandsV2(demandV2([offerV2({ amount: '0.01' })])))).toMatchObject({ outcome: 'unpaid', code: 'PAYMENT_FAILED', answered: 402, sentence: expect.stringMatching(/0\.01 .* to 0x3c44.*no whole number/) as string });
  });

  it('says of what answers without a demand that it is free, and reads none of it', async () => {
    const at = stage();
    const body = Readable.from([Buffer.from('much')]);
    expect(await quoted(at, { status: 200, fields: {}, body })).toMatchObject({ outcome: 'free', price: '0', answered: 200 });
    expect(body.destroyed).toBe(true);
  });

  const refused: [code: string, config: object, sent: number][] = [
    ['REQUEST_LIMIT_EXCEEDED', { policy: { maxPerRequest: '$0.005' } }, 1],
    ['SESSION_BUDGET_EXCEEDED', { policy: { sessionBudget: '$0.005' } }, 1],
    ['ASSET_NOT_ALLOWED', { networks: [{ id: 'eip155:8453' }] }, 1],
    ['ENDPOINT_NOT_ALLOWED', { policy: { blockedEndpoints: ['shop.example'] }, prices: [{ endpoint: 'shop.example/*', price: 'x402' }] }, 0],
    ['ENDPOINT_NOT_ALLOWED', { policy: { allowedEndpoints: ['a.com'], strict: true } }, 0],
    ['DAILY_BUDGET_EXCEEDED', { policy: { dailyBudget: '$0.01' }, prices: [{ endpoint: 'shop.example/*', price: '$0.02' }] }, 0],
  ];
  it.each(refused)('says that it would be refused, for %s, with the sentence: %j', async (code, config, sent) => {
    const at = stage(config);
    const view = await quoted(at, demand());
    expect(view).toMatchObject({ outcome: 'refused', code, sentence: expect.stringContaining(code) as string });
    expect(at.one.asked).toHaveLength(sent);
    expect(await book(at.one)).toEqual(NOTHING);
  });

  it('says that a person would be asked, and asks nobody', async () => {
    const at = stage({ policy: { approveAbove: '$0.005' } });
    expect(await quoted(at, demand())).toMatchObject({ outcome: 'asks', code: 'APPROVAL_REQUIRED', price: '10000', payTo: paidTo });
    expect([at.one.approvals.list(), at.one.world.live.notices]).toEqual([[], []]);
    const table = stage({ policy: { approveAbove: '$0.005' }, prices: [{ endpoint: 'shop.example/*', price: '$0.02' }] });
    expect(await table.start()).toMatchObject({ quote: { outcome: 'asks', price: '20000' } });
  });

  it('asks the chain whether the wallet has enough', async () => {
    const at = stage();
    at.one.funds.has = 5_000n;
    expect(await quoted(at, demand())).toMatchObject({ outcome: 'refused', code: 'INSUFFICIENT_FUNDS', price: '10000', payTo: paidTo });
  });

  it('names the price also where there is no wallet', async () => {
    const at = stage();
    at.one.wallet.address = null;
    expect(await quoted(at, demand())).toMatchObject({ outcome: 'unpaid', price: '10000', payTo: paidTo, sentence: expect.stringContaining('there is no wallet') as string });
    expect(await quoted(at, { status: 402, fields: {}, body: Buffer.from('pay me') })).toMatchObject({ outcome: 'unpaid', price: null, payTo: null });
  });

  it('says that the answer is in the cache, and then sends nothing', async () => {
    const at = stage({ prices: [{ endpoint: 'shop.example/*', price: '$0.02' }] });
    const first = at.one.get(URL_);
    await turns();
    at.one.asked[0]!.answer(ok('the data'));
    await first;
    await turns();
    expect(await at.start()).toMatchObject({ quote: { outcome: 'cached', price: '0', cached: { price: '20000' }, answered: null } });
    expect(at.one.asked).toHaveLength(1);
  });

  it('is for the agent that is named, whose limits count', async () => {
    const at = stage({ agents: { researcher: { maxPerRequest: '$0.005' } } });
    at.one.world.parts.sessions.learnChild(at.one.world.live, { id: 'r1', type: 'researcher', parent: 'main' });
    for (const agent of ['researcher-1', 'r1']) expect(await quoted(at, demand(), { agent })).toMatchObject({ agent: 'researcher-1', outcome: 'refused', code: 'REQUEST_LIMIT_EXCEEDED' });
    expect(await quoted(at, demand())).toMatchObject({ agent: 'main', outcome: 'pays' });
    expect(await at.start({ agent: 'nobody' })).toMatchObject({ ok: false, code: 'NOT_FOUND' });
  });

  it('goes by the defaults before the first session, and leaves none behind', async () => {
    const at = stage();
    expect(await quoted(at, demand(), { session: null })).toMatchObject({ session: null, outcome: 'pays' });
    expect(at.one.world.parts.sessions.all()).toHaveLength(1);
  });

  it('leaves a local address alone that no rule names, as the gateway does, and asks one that a rule names', async () => {
    const at = stage({ prices: [{ endpoint: '127.0.0.1:9000/*', price: 'x402' }] });
    for (const url of ['http://127.0.0.1:8080/', 'http://192.168.1.1/admin', 'http://metadata.internal/', 'http://[::1]:99/']) expect(await at.start({ url })).toMatchObject({ quote: { outcome: 'ungoverned' } });
    expect(at.one.asked).toEqual([]);
    expect(await quoted(at, demand(), { url: 'http://127.0.0.1:9000/x' })).toMatchObject({ outcome: 'pays', priced: 'seller' });
  });

  it('asks nobody whom the sandbox of the session does not let its commands reach', async () => {
    const at = stage();
    at.one.world.parts.sandboxOf = () => ({ ...NO_SANDBOX, exit: 'pag0', allowed: ['api.example.com'] });
    expect(await at.start()).toMatchObject({ quote: { outcome: 'refused', code: 'ENDPOINT_NOT_ALLOWED' } });
    expect(at.one.asked).toEqual([]);
    expect(await quoted(at, demand(), { url: 'https://api.example.com/x' })).toMatchObject({ outcome: 'pays' });
  });

  it.each(['http://127.0.0.1:4402/v1/status', 'http://localhost:4402/', 'http://[::1]:4402/', 'http://0x7f000001:4402/', 'http://127.1:4402/', 'https://localhost.:4402/', 'http://[::ffff:127.0.0.1]:4402/'])('does not lead to pag0 itself: %s', async (url) => {
    const at = stage({ prices: [{ endpoint: '*', price: 'x402' }] });
    expect(await at.start({ url })).toMatchObject({ ok: false, code: 'GATEWAY_LOOP' });
    expect(at.one.asked).toEqual([]);
  });

  it.each([
    [{ url: 'shop.example/data' }, 'write all of it'],
    [{ url: 'file:///etc/passwd' }, 'write all of it'],
    [{ url: 'https://me:secret@shop.example/' }, 'user name'],
    [{ method: 'CONNECT' }, 'CONNECT'],
    [{ fields: { 'x-payment': 'abc' } }, 'carries no payment'],
  ])('is not made of %j', async (more, problem) => {
    const at = stage();
    expect(await at.start(more)).toMatchObject({ ok: false, code: 'BAD_REQUEST', problem: expect.stringContaining(problem) as string });
    expect(at.one.asked).toEqual([]);
  });

  it('says why a seller could not be asked, and gives up in time', async () => {
    const at = stage();
    expect(await quoted(at, Object.assign(new Error('no such host'), { sent: false, code: 'UPSTREAM_FAILED' }))).toMatchObject({ outcome: 'failed', code: 'UPSTREAM_FAILED', sentence: 'no such host', price: null });
    expect(at.one.asked[0]!.signal).toBeInstanceOf(AbortSignal);
  });

  it('says in shadow what it would come to if it were enforced, and that it is not', async () => {
    const at = stage({ mode: 'shadow', policy: { maxPerRequest: '$0.005' } });
    expect(await quoted(at, demand())).toMatchObject({ mode: 'shadow', outcome: 'refused', code: 'REQUEST_LIMIT_EXCEEDED' });
    expect(await book(at.one)).toEqual(NOTHING);
  });
});
