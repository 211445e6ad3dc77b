import { describe, expect, it } from 'vitest';
import type { ReconciliationAnswer } from '../daemon/contract/reconciliation-views.ts';
import { answered, runWith } from './terminal.fixture.ts';

const VIEW: ReconciliationAnswer = { source: 'keystore', address: '0xme', problem: null, since: 0, accounts: [], differences: 0, unknown: 0, text: 'pag0 reconcile\n  no \u001b[2Jdifference' };

describe('pag0 reconcile', () => {
  const run = (view: Partial<ReconciliationAnswer>, ...words: string[]) => runWith(['reconcile', ...words], { '/v1/reconciliation': answered({ ...VIEW, ...view }) });

  it('succeeds when there is no difference', async () => {
    expect(await run({})).toMatchObject({ exit: 0, out: 'pag0 reconcile\n  no difference\n', err: '', asked: [{ path: '/v1/reconciliation?days=7&format=text' }] });
    const json = await run({}, '--json', '--since', '30');
    expect(json).toMatchObject({ exit: 0, err: '', asked: [{ path: '/v1/reconciliation?days=30' }] });
    const { text: _, ...view } = VIEW;
    expect(JSON.parse(json.out)).toEqual(view);
  });

  it('fails when there is one, and when that is not known', async () => {
    expect(await run({ differences: 1 })).toMatchObject({ exit: 1, err: expect.stringMatching(/^pag0: the book and the chain differ in one thing; /) as string });
    expect(await run({ unknown: 1 }, '--json')).toMatchObject({ exit: 1, err: expect.stringMatching(/unknown \(NO_RPC or NO_ANSWER\); name an RPC/) as string });
    expect(await run({ problem: 'the wallet file is broken' })).toMatchObject({ exit: 1, err: 'pag0: the wallet file is broken.\n' });
  });
});

describe('pag0 receipts --csv', () => {
  it('writes lines that end with CRLF, and nothing that a terminal obeys', async () => {
    const { out } = await runWith(['receipts', '--csv'], { '/v1/receipts': answered({ text: 'a,b\r\n"\u001b[2J1",\r\n' }) });
    expect(out).toBe('a,b\r\n"1",\r\n');
  });
});
