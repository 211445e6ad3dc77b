import { describe, expect, it } from 'vitest';
import { RECEIPT_VIEWS, type ReceiptsView } from '../contract/receipt-views.ts';
import { widthOf } from '../contract/printable.ts';
import { ASSET, createPaidGrove, hashOf, NETWORK, PAYEE, PAYER } from '../report/payments.fixture.ts';
import { receiptRoutes } from './receipts-api.ts';

async function asking() {
  const grove = createPaidGrove();
  const live = grove.session('1a2b3c4d-1');
  grove.agent(live, 'r1', 'researcher');
  const app = receiptRoutes(grove.parts);
  const read = async (query = '') => {
    const response = await app.request(`${RECEIPT_VIEWS.receipts}?${query}`);
    return { status: response.status, body: (await response.json()) as ReceiptsView & { text: string; error: { code: string } } };
  };
  return { grove, live, read };
}

describe('the receipts', () => {
  it('say of each payment all that is known', async () => {
    const { grove, live, read } = await asking();
    await grove.cheque(live, { agent: 'r1', call: 'toolu_9' });
    expect((await read('scope=all')).body).toEqual({
      scope: 'all',
      session: null,
      more: false,
      receipts: [
        {
          at: grove.now,
          state: 'posted',
          network: NETWORK,
          asset: ASSET,
          payer: PAYER,
          payee: PAYEE,
          amount: '10000',
          nonce: hashOf(1_001),
          transaction: hashOf(1),
          reason: null,
          resource: 'https://api.seller.example/paid',
          endpoint: 'api.seller.example/paid',
          agent: 'researcher-1',
          tool: 'Bash',
          toolCall: 'toolu_9',
          session: '1a2b3c4d-1',
        },
      ],
    });
  });

  it('tell what came of each, newest first, and no call where a program of the session paid', async () => {
    const { grove, live, read } = await asking();
    for (const ending of ['post', 'void', 'hold', 'open'] as const) {
      await grove.cheque(live, { ending, call: 'environment' });
      grove.now += 1_000;
    }
    const { receipts } = (await read('scope=session')).body;
    expect(receipts.map(({ state, transaction, reason, toolCall }) => [state, transaction, reason, toolCall])).toEqual([
      ['open', null, null, null],
      ['held', null, null, null],
      ['void', null, 'it expired', null],
      ['posted', hashOf(1), null, null],
    ]);
  });

  it('are those of a session with all that it started, of the day, or all', async () => {
    const { grove, live, read } = await asking();
    await grove.cheque(live);
    grove.now += 24 * 60 * 60_000;
    await grove.cheque(grove.nested('nested-1', live, 'r1'));
    await grove.cheque(grove.session('other-1'));
    const sessions = async (query: string) => (await read(query)).body.receipts.map(({ session }) => session);
    expect(await sessions('scope=session&session=1a2b3c4d')).toEqual(['nested-1', '1a2b3c4d-1']);
    expect(await sessions('scope=today')).toEqual(['other-1', 'nested-1']);
    expect(await sessions('scope=all')).toEqual(['other-1', 'nested-1', '1a2b3c4d-1']);
  });

  it('are as many as asked, and say that there are more', async () => {
    const { grove, live, read } = await asking();
    for (const _ of [1, 2, 3]) await grove.cheque(live);
    expect((await read('limit=2')).body).toMatchObject({ receipts: { length: 2 }, more: true });
    expect((await read('limit=3')).body).toMatchObject({ receipts: { length: 3 }, more: false });
    expect((await read('limit=2&format=text')).body.text).toContain('2 payments shown; --limit shows more.');
  });

  it.each([['limit=0'], ['limit=x'], ['scope=run'], ['session=nobody-knows-it']])('refuse what cannot be asked: %s', async (query) => {
    const { read } = await asking();
    expect([400, 404]).toContain((await read(query)).status);
  });

  it('read well', async () => {
    const { grove, live, read } = await asking();
    expect((await read('format=text')).body.text).toBe('pag0 receipts, session 1a2b3c4d\n\nNothing was paid from the wallet.');
    await grove.cheque(live, { agent: 'r1' });
    await grove.cheque(live, { ending: 'hold', call: 'environment', resource: null, amount: 2_500n });
    expect((await read('format=text')).body.text).toBe(
      `
pag0 receipts, session 1a2b3c4d

  21 Nov 2026, 12:00  held      $0.0025  api.seller.example/paid
    to ${PAYEE} on Base Sepolia
    by main in 1a2b3c4d
  21 Nov 2026, 12:00  posted      $0.01  api.seller.example/paid
    to ${PAYEE} on Base Sepolia
    by researcher-1 in 1a2b3c4d, toolu_1
    for https://api.seller.example/paid
    ${hashOf(1)}

  $0.01 posted in 1 payment, $0.0025 unconfirmed in 1 payment`.trimStart(),
    );
  });

  it('show nothing that a terminal obeys, no secret of an address, and no formula', async () => {
    const { grove, live, read } = await asking();
    await grove.cheque(live, { resource: '=HYPERLINK("https://evil.example")\u001b[2J\r\nnext', endpoint: `\u202e${'x'.repeat(300)}`, call: `toolu_\u001b[2J${'y'.repeat(200)}` });
    await grove.cheque(live, { resource: 'https://api.seller.example/paid?token=hidden' });
    const { text } = (await read('format=text')).body;
    for (const line of text.split('\n')) {
      expect(line).not.toMatch(/\p{C}/u);
      expect(widthOf(line)).toBeLessThanOrEqual(80);
    }
    const rows = (await read('format=csv')).body.text.split('\r\n');
    expect(rows).toHaveLength(4);
    expect(rows[0]).toBe('time,state,network,asset,payer,payee,amount,transaction,nonce,resource,endpoint,agent,tool,tool_call,session,reason');
    expect(rows[1]).toContain(`2026-11-21T12:00:00.000Z,posted,${NETWORK},${ASSET},${PAYER},${PAYEE},10000,${hashOf(2)},${hashOf(1_002)},https://api.seller.example/paid?token=…,`);
    expect(rows[2]).toContain(`,"'=HYPERLINK(""https://evil.example"") next",`);
    for (const format of ['', 'format=text', 'format=csv']) expect(JSON.stringify((await read(format)).body)).not.toContain('hidden');
  });
});
