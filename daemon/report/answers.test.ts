import { describe, expect, it } from 'vitest';
import { budgetAnswer, reportAnswer, sessionsAnswer } from './answers.ts';
import { createGrove, type Grove } from './grove.fixture.ts';

const query = (text: string): URLSearchParams => new URLSearchParams(text);

/** Two projects, the second spoke last; and a nested session, which spoke after both. */
async function two(): Promise<Grove> {
  const grove = createGrove();
  const app = grove.session('aaaa1111', { cwd: '/work/app/api', project: '/work/app/.git', run: 'night' });
  grove.now += 1_000;
  grove.session('aaaa2222', { cwd: '/work/site', project: '/work/site' });
  await grove.pay(app, 'main', 10_000n);
  grove.now += 1_000;
  grove.nested('bbbb3333', app, 'main');
  return grove;
}

describe('which session is meant', () => {
  const table: [asked: string, session: string | { code: string; problem: RegExp }][] = [
    ['session=aaaa1111', 'aaaa1111'],
    ['session=bbbb', 'bbbb3333'],
    ['session=aaaa', { code: 'BAD_REQUEST', problem: /2 sessions begin with "aaaa"/ }],
    ['session=bbb', { code: 'NOT_FOUND', problem: /does not know the session "bbb"/ }],
    ['session=gone-1234', { code: 'NOT_FOUND', problem: /pag0 sessions/ }],
    ['cwd=/work/app/api/src', 'aaaa1111'],
    ['cwd=/work/app', 'aaaa1111'],
    ['cwd=/work/site', 'aaaa2222'],
    ['cwd=/work/site-two', 'aaaa2222'],
    ['cwd=/elsewhere', 'aaaa2222'],
    ['', 'aaaa2222'],
    ['session=latest', 'aaaa2222'],
  ];
  it.each(table)('%s', async (asked, expected) => {
    const answer = await budgetAnswer((await two()).parts, query(asked));
    if (typeof expected === 'string') expect(answer).toMatchObject({ ok: true, body: { session: expected } });
    else expect(answer).toMatchObject({ ok: false, code: expected.code, problem: expect.stringMatching(expected.problem) as string });
  });

  it('is nobody before the first session', async () => {
    expect(await budgetAnswer(createGrove().parts, query(''))).toEqual({ ok: false, code: 'NOT_FOUND', problem: 'pag0 has seen no session yet' });
  });
});

describe('the answers', () => {
  it('are text when text is asked for', async () => {
    const { parts } = await two();
    for (const answer of [await budgetAnswer(parts, query('format=text')), await reportAnswer(parts, query('scope=all&format=text')), await sessionsAnswer(parts, query('format=text'))]) {
      expect(answer).toMatchObject({ ok: true, body: { text: expect.stringMatching(/^(pag0| {2}session)/) as string } });
    }
  });

  it('report the run and the project of the session, a run by its name, today and everything', async () => {
    const { parts } = await two();
    const asked = async (text: string) => {
      const answer = await reportAnswer(parts, query(text));
      return answer.ok && 'totalCost' in answer.body ? [answer.body.scope, answer.body.totalCost, answer.body.run ?? answer.body.project] : answer;
    };
    expect(await asked('session=aaaa1111')).toEqual(['session', '10000', null]);
    expect(await asked('scope=run&session=aaaa1111')).toEqual(['run', '10000', 'night']);
    expect(await asked('run=night')).toEqual(['run', '10000', 'night']);
    expect(await asked('scope=project&cwd=/work/site')).toEqual(['project', '0', '/work/site']);
    expect(await asked('scope=today')).toEqual(['today', '10000', null]);
    expect(await asked('scope=all')).toEqual(['all', '10000', null]);
    expect(await asked('scope=week')).toMatchObject({ ok: false, code: 'BAD_REQUEST', problem: 'scope must be session, run, project, today or all' });
  });

  it('list sessions, the one that spoke last first, as many as asked for', async () => {
    const { parts } = await two();
    expect(await sessionsAnswer(parts, query('limit=2'))).toMatchObject({ ok: true, body: { sessions: [{ id: 'bbbb3333', parent: { session: 'aaaa1111', agent: 'main' } }, { id: 'aaaa2222', spent: '0', limit: '5000000' }] } });
    for (const limit of ['0', '-1', '501', 'x', '1e2', '']) expect(await sessionsAnswer(parts, query(`limit=${limit}`))).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
  });
});
