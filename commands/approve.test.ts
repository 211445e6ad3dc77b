import { describe, expect, it } from 'vitest';
import { answered, runWith, type Script } from './terminal.fixture.ts';

const ONE = { id: 'k3m9x', session: 's1', agentId: 'researcher-1', endpoint: 'a.com/x', code: 'APPROVAL_REQUIRED', why: "costs $0.30, above what needs a person's yes", amount: '300000', network: 'eip155:84532', asset: '0xa', payTo: '0xb', expiresAt: 1, approved: false };
const SCRIPT: Script = { '/v1/approvals': (body) => answered(body === undefined ? { at: 0, approvals: [ONE], text: '1 payment asked about:' } : { sentence: 'Allowed once.' }) };
const posted = (yes: boolean) => ({ path: '/v1/approvals', body: { id: 'k3m9x', yes, by: { tty: true, pid: 4_711 } } });

describe('pag0 approvals', () => {
  it('shows what waits, as text or as JSON', async () => {
    expect(await runWith(['approvals'], SCRIPT)).toMatchObject({ exit: 0, err: '', out: '1 payment asked about:\n', asked: [{ path: '/v1/approvals?format=text' }] });
    const json = await runWith(['approvals', '--json'], SCRIPT);
    expect(JSON.parse(json.out)).toMatchObject({ approvals: [ONE] });
  });
});

describe('pag0 approve', () => {
  it('shows what for and to whom, and lets it be paid when a person types yes', async () => {
    const ran = await runWith(['approve', 'k3m9x'], SCRIPT, { interactive: true, typed: ' yes ' });
    expect(ran).toMatchObject({ exit: 0, out: 'Allowed once.\n', err: "a.com/x costs $0.30, above what needs a person's yes, asked by researcher-1\n", questions: ['Let $0.30 be paid to 0xb once? Type yes: '] });
    expect(ran.asked.at(-1)).toEqual(posted(true));
  });

  it.each(['', 'no', 'y', 'k3m9x'])('allows nothing when %j is typed', async (typed) => {
    const ran = await runWith(['approve', 'k3m9x'], SCRIPT, { interactive: true, typed });
    expect(ran).toMatchObject({ exit: 2, out: '', asked: [{ path: '/v1/approvals' }], err: expect.stringContaining('nothing was allowed') as string });
  });

  it('declines without a question', async () => {
    expect(await runWith(['approve', '--no', 'k3m9x'], SCRIPT, { interactive: true })).toMatchObject({ exit: 0, questions: [], asked: [posted(false)] });
    expect(await runWith(['approve', 'k3m9x', '--no', '--json'], SCRIPT, { interactive: true })).toMatchObject({ exit: 0, asked: [posted(false)], out: '{\n  "sentence": "Allowed once."\n}\n' });
  });

  it('asks nothing of the daemon without a terminal', async () => {
    for (const words of [['approve', 'k3m9x'], ['approve', '--no', 'k3m9x']]) expect(await runWith(words, SCRIPT)).toMatchObject({ exit: 1, asked: [], err: expect.stringContaining('is for a person at a terminal') as string });
  });

  it('says so when there is none of that name, and when the daemon sees no person', async () => {
    expect(await runWith(['approve', 'other'], SCRIPT, { interactive: true })).toMatchObject({ exit: 1, questions: [], err: 'pag0: no payment waits under "other"; `pag0 approvals` lists what does.\n' });
    const refused: Script = { '/v1/approvals': (body) => (body === undefined ? answered({ at: 0, approvals: [ONE] }) : answered({ error: { code: 'PERSON_REQUIRED', message: 'only a person can' } }, 403)) };
    expect(await runWith(['approve', 'k3m9x'], refused, { interactive: true, typed: 'yes' })).toMatchObject({ exit: 1, out: '', err: expect.stringContaining('only a person can.') as string });
    expect(await runWith(['approve', 'one', 'two'], {}, { interactive: true })).toMatchObject({ exit: 64, asked: [] });
  });
});
