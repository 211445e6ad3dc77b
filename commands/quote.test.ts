import { describe, expect, it } from 'vitest';
import type { QuoteRequest } from '../daemon/contract/quote-views.ts';
import { MISUSED } from './terminal.ts';
import { answered, runWith, type Script } from './terminal.fixture.ts';

const URL_ = 'https://shop.example/data';
const TEXT = 'GET https://shop.example/data\n  paid from the wallet: $0.01';
/** A daemon whose seller alone knows the price. */
const SELLER_KNOWS: Script = {
  '/v1/quote': (body) =>
    answered(
      (body as QuoteRequest).send
        ? { text: TEXT, outcome: 'pays', mode: 'enforce' }
        : { text: 'only the seller knows', outcome: 'unsent', mode: 'enforce' },
    ),
};
const TABLE_KNOWS = (outcome = 'billed', mode = 'enforce'): Script => ({
  '/v1/quote': answered({ text: TEXT, outcome, mode }),
});
const FIELDS = { accept: '*/*', 'user-agent': 'pag0 (quote)' };
const ASKED = {
  url: URL_,
  method: 'GET',
  fields: FIELDS,
  body: null,
  send: false,
  cwd: '/work/app',
  agent: null,
};
const sent = (asked: { body?: unknown }[]): boolean =>
  asked.some(({ body }) => (body as QuoteRequest).send);

describe('pag0 quote', () => {
  it('asks what a plain curl would, for the session of this folder, and says so before', async () => {
    const ran = await runWith(['quote', URL_], SELLER_KNOWS);
    expect(ran).toMatchObject({
      exit: 0,
      out: `${TEXT}\n`,
      err: `pag0 asks the seller once, without a payment: GET ${URL_} (2 header fields, no body)\n`,
    });
    expect(ran.asked).toEqual(
      [ASKED, { ...ASKED, send: true }].map((body) => ({ path: '/v1/quote?format=text', body })),
    );
  });

  it('sends nothing where nobody has to be asked', async () => {
    for (const method of ['GET', 'DELETE']) {
      const ran = await runWith(['quote', URL_, '-X', method], TABLE_KNOWS());
      expect(ran).toMatchObject({ exit: 0, out: `${TEXT}\n`, err: '', questions: [] });
      expect(sent(ran.asked)).toBe(false);
    }
  });

  it('takes method, body, fields and agent as curl does, and the session it runs in', async () => {
    const words = [
      'quote',
      URL_,
      '-d',
      '{"q":1}',
      '-H',
      'Content-Type: application/json',
      '-H',
      'X-Key:  a:b ',
      '--agent',
      'researcher-1',
      '--json',
    ];
    const ran = await runWith(
      words,
      { '/v1/quote': answered({ outcome: 'pays' }) },
      { env: { CLAUDE_CODE_SESSION_ID: 's7' } },
    );
    expect(ran.asked).toEqual([
      {
        path: '/v1/quote',
        body: {
          ...ASKED,
          method: 'POST',
          body: '{"q":1}',
          fields: { ...FIELDS, 'content-type': 'application/json', 'x-key': 'a:b' },
          agent: 'researcher-1',
          session: 's7',
        },
      },
    ]);
    expect(JSON.parse(ran.out)).toEqual({ outcome: 'pays' });
    const put = await runWith(['quote', URL_, '-X', 'PUT', '-d', 'a=1'], TABLE_KNOWS());
    expect(put.asked[0]!.body).toMatchObject({
      method: 'PUT',
      body: 'a=1',
      fields: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  });

  it.each(['GET', 'get', 'HEAD'])('asks nobody before %s', async (method) => {
    for (const interactive of [true, false]) {
      const ran = await runWith(['quote', URL_, '-X', method], SELLER_KNOWS, { interactive });
      expect(ran).toMatchObject({ exit: 0, questions: [] });
    }
  });

  describe.each([
    ['-X', 'DELETE'],
    ['-X', 'POST'],
    ['-X', 'delete'],
    ['-X', 'OPTIONS'],
    ['-X', 'PURGE'],
    ['-d', 'a=1'],
  ])('with %s %s', (option, value) => {
    const words = ['quote', URL_, option, value];

    it('says what it would send and asks; yes sends it', async () => {
      const ran = await runWith(words, SELLER_KNOWS, { interactive: true, typed: 'yes' });
      expect(ran).toMatchObject({
        exit: 0,
        out: `${TEXT}\n`,
        questions: ['Type "yes" to send it once, without a payment: '],
      });
      expect(ran.err).toContain(`${option === '-d' ? 'POST' : value.toUpperCase()} ${URL_} (`);
      expect(sent(ran.asked)).toBe(true);
    });

    it.each(['', 'y', 'no'])('sends nothing for %o', async (typed) => {
      const ran = await runWith(words, SELLER_KNOWS, { interactive: true, typed });
      expect([ran.exit, sent(ran.asked), ran.out]).toEqual([2, false, '']);
      expect(ran.err).toContain('nothing was sent');
    });

    it('sends nothing where nobody can be asked, and says what to do', async () => {
      const ran = await runWith(words, SELLER_KNOWS);
      expect([ran.exit, sent(ran.asked), ran.out, ran.questions]).toEqual([4, false, '', []]);
      expect(ran.err).toMatch(
        /which may do there what it says, so nothing was sent; ask in a terminal, or again with --yes\.\n$/,
      );
    });

    it('--yes asks nobody and still says what is sent', async () => {
      const ran = await runWith([...words, '--yes'], SELLER_KNOWS);
      expect([ran.exit, sent(ran.asked), ran.questions]).toEqual([0, true, []]);
      expect(ran.err).toContain('pag0 asks the seller once, without a payment: ');
    });
  });

  it.each([
    ['refused', 3],
    ['asks', 4],
    ['unpaid', 1],
    ['failed', 1],
    ['billed', 0],
    ['free', 0],
    ['cached', 0],
    ['ungoverned', 0],
    ['pays', 0],
  ])('that comes to "%s" ends with %i, and in shadow with 0', async (outcome, exit) => {
    for (const json of [[], ['--json']]) {
      expect((await runWith(['quote', URL_, ...json], TABLE_KNOWS(outcome))).exit).toBe(exit);
      expect((await runWith(['quote', URL_, ...json], TABLE_KNOWS(outcome, 'shadow'))).exit).toBe(
        0,
      );
    }
  });

  it('shows nothing of an address that a terminal would obey', async () => {
    const ran = await runWith(
      ['quote', 'https://shop.example/\u001b[2Jx', '-X', 'DELETE'],
      SELLER_KNOWS,
    );
    expect(ran.err).not.toContain('\u001b');
  });

  it('says in one sentence what is wrong', async () => {
    expect(
      await runWith(['quote', 'https://a.example/', '-H', 'nothing'], SELLER_KNOWS),
    ).toMatchObject({
      exit: MISUSED,
      asked: [],
      err: 'pag0: "nothing" is no header field; write \'Name: value\'.\n',
    });
    expect((await runWith(['quote'], SELLER_KNOWS)).exit).toBe(MISUSED);
    const loop: Script = {
      '/v1/quote': answered(
        {
          error: {
            code: 'GATEWAY_LOOP',
            message: 'this address leads to pag0 itself, so it was not asked',
          },
        },
        400,
      ),
    };
    expect(await runWith(['quote', 'http://127.0.0.1:4402/'], loop)).toMatchObject({
      exit: 1,
      out: '',
      err: 'pag0: this address leads to pag0 itself, so it was not asked.\n',
    });
  });
});
