import { describe, expect, it } from 'vitest';
import { QUOTE_VIEWS, type QuoteView } from '../contract/quote-views.ts';
import type { AskedQuote, Quoted } from '../pipeline/quote.ts';
import type { Connection } from '../ports.ts';
import { createGrove } from '../report/grove.fixture.ts';
import { quoteRoutes } from './quote-api.ts';

const VIEW: QuoteView = { url: 'https://shop.example/data', method: 'GET', session: '1a2b3c4d-1', agent: 'main', mode: 'enforce', outcome: 'pays', priced: 'seller', price: '10000', byUse: false, payTo: '0xpayee', network: 'eip155:8453', asset: '0xtoken', answered: 402, cached: null, code: null, sentence: null };
const ASKED = { url: VIEW.url, method: 'get', fields: { accept: '*/*', host: 'other.example', 'content-length': '7', 'proxy-authorization': 'x', connection: 'close' }, body: null, send: true, cwd: '/work/app', agent: null };

function stage(quoted: Quoted = { ok: true, quote: VIEW }, confined = false) {
  const grove = createGrove();
  const asked: AskedQuote[] = [];
  const connection = { remotePort: 9 };
  const mayBeConfined = async (one: Connection) => one === connection && confined;
  const app = quoteRoutes({ parts: grove.parts, doorway: { mayBeConfined }, quotes: { of: async (one) => (asked.push(one), quoted) } });
  const post = async (body: unknown, query = '') => {
    const response = await app.request(QUOTE_VIEWS.quote + query, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }, { incoming: { socket: connection } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { grove, asked, post };
}

describe('POST /v1/quote', () => {
  it('asks for the newest session of the folder, with the fields that are the seller’s business', async () => {
    const { grove, asked, post } = stage();
    grove.session('1a2b3c4d-1');
    expect(await post(ASKED)).toEqual({ status: 200, body: VIEW });
    expect(asked).toMatchObject([{ request: { method: 'GET', url: VIEW.url, fields: { accept: '*/*' }, body: null }, session: { id: '1a2b3c4d-1' }, cwd: '/work/app' }]);
    expect(Object.keys(asked[0]!.request.fields)).toEqual(['accept']);
  });

  it('goes by the defaults where no session is known, and not where one was named', async () => {
    const { asked, post } = stage();
    expect((await post(ASKED)).status).toBe(200);
    expect(asked[0]!.session).toBeNull();
    expect(await post({ ...ASKED, session: 'unknown' })).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
  });

  it.each([
    ['no method', { method: undefined }],
    ['a method with a blank', { method: 'GET /' }],
    ['a field that begins another', { fields: { accept: 'x\r\nx-payment: 1' } }],
    ['a name that is none', { fields: { 'a b': 'x' } }],
    ['a body without end', { body: 'x'.repeat(256 * 1024 + 1) }],
    ['an address without end', { url: `https://a.example/${'x'.repeat(9_000)}` }],
    ['what nobody knows', { pay: true }],
  ])('refuses %s', async (_, more) => {
    const { asked, post } = stage();
    expect(await post({ ...ASKED, ...more })).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    expect(asked).toEqual([]);
  });

  it('is refused to whoever comes out of a sandbox, whatever session and folder it names', async () => {
    const { grove, asked, post } = stage(undefined, true);
    grove.session('1a2b3c4d-1');
    for (const more of [{}, { session: '1a2b3c4d-1' }, { cwd: '/tmp/nobodys' }, { method: 'PUT', body: 'the secrets' }]) {
      expect(await post({ ...ASKED, ...more })).toMatchObject({ status: 403, body: { error: { code: 'ENDPOINT_NOT_ALLOWED', message: expect.stringContaining('from outside of the sandbox') as string } } });
    }
    expect(asked).toEqual([]);
  });

  it('says what stands in the way', async () => {
    const { post } = stage({ ok: false, code: 'GATEWAY_LOOP', problem: 'this address leads to pag0 itself, so it was not asked' });
    expect(await post(ASKED)).toMatchObject({ status: 400, body: { error: { code: 'GATEWAY_LOOP' } } });
  });

  const text = async (quote: Partial<QuoteView>): Promise<unknown> => (await stage({ ok: true, quote: { ...VIEW, ...quote } }).post(ASKED, '?format=text')).body['text'];

  it('reads well', async () => {
    expect(await text({})).toBe(
      `
GET https://shop.example/data

  paid from the wallet: $0.01 as the seller demands

  payee    0xpayee
  token    0xtoken
  network  eip155:8453

It was asked once, without a payment, and answered 402.
For main of session 1a2b3c4d, as its limits stand now.`.trimStart(),
    );
    const plain = { payTo: null, asset: null, network: null, answered: null };
    expect(await text({ ...plain, outcome: 'billed', priced: 'table', byUse: true })).toContain('\n  let through: $0.01 by the price table, set aside until the answer says what it\n  cost\n\nNothing was sent.');
    expect(await text({ ...plain, outcome: 'free', price: '0', answered: 200 })).toContain('\n  free: no rule prices it, and it was answered without being paid\n\nIt was asked once, without a payment, and answered 200.');
    expect(await text({ ...plain, outcome: 'refused', code: 'KILL_SWITCH', sentence: 'pag0 KILL_SWITCH: no', session: null })).toContain('\n  refused: $0.01 as the seller demands\n  pag0 KILL_SWITCH: no\n\nNothing was sent.\npag0 has seen no session yet: this is by the defaults.');
    expect(await text({ mode: 'shadow' })).toContain('\nshadow: nothing is refused or paid');
  });
});
