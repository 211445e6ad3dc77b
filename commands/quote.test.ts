import { describe, expect, it } from 'vitest';
import { answered, runWith, type Script } from './terminal.fixture.ts';

const TEXT: Script = { '/v1/quote': answered({ text: 'GET https://shop.example/data\n  paid from the wallet: $0.01' }) };
const FIELDS = { accept: '*/*', 'user-agent': 'pag0 (quote)' };
const ASKED = { url: 'https://shop.example/data', method: 'GET', fields: FIELDS, body: null, cwd: '/work/app', agent: null };

describe('pag0 quote', () => {
  it('asks what a plain curl would, for the session of this folder', async () => {
    const ran = await runWith(['quote', 'https://shop.example/data'], TEXT);
    expect(ran).toMatchObject({ exit: 0, err: '', out: 'GET https://shop.example/data\n  paid from the wallet: $0.01\n', asked: [{ path: '/v1/quote?format=text', body: ASKED }] });
  });

  it('takes method, body, fields and agent as curl does, and the session it runs in', async () => {
    const words = ['quote', 'https://shop.example/data', '-d', '{"q":1}', '-H', 'Content-Type: application/json', '-H', 'X-Key:  a:b ', '--agent', 'researcher-1', '--json'];
    const ran = await runWith(words, { '/v1/quote': answered({ outcome: 'pays' }) }, { env: { CLAUDE_CODE_SESSION_ID: 's7' } });
    expect(ran.asked).toEqual([{ path: '/v1/quote', body: { ...ASKED, method: 'POST', body: '{"q":1}', fields: { ...FIELDS, 'content-type': 'application/json', 'x-key': 'a:b' }, agent: 'researcher-1', session: 's7' } }]);
    expect(JSON.parse(ran.out)).toEqual({ outcome: 'pays' });
    const put = await runWith(['quote', 'https://shop.example/data', '-X', 'PUT', '-d', 'a=1'], TEXT);
    expect(put.asked[0]!.body).toMatchObject({ method: 'PUT', body: 'a=1', fields: { 'content-type': 'application/x-www-form-urlencoded' } });
  });

  it('says in one sentence what is wrong', async () => {
    expect(await runWith(['quote', 'https://a.example/', '-H', 'nothing'], TEXT)).toMatchObject({ exit: 64, asked: [], err: 'pag0: "nothing" is no header field; write \'Name: value\'.\n' });
    expect((await runWith(['quote'], TEXT)).exit).toBe(64);
    const loop: Script = { '/v1/quote': answered({ error: { code: 'GATEWAY_LOOP', message: 'this address leads to pag0 itself, so it was not asked' } }, 400) };
    expect(await runWith(['quote', 'http://127.0.0.1:4402/'], loop)).toMatchObject({ exit: 1, out: '', err: 'pag0: this address leads to pag0 itself, so it was not asked.\n' });
  });
});
