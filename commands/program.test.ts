import { describe, expect, it } from 'vitest';
import { answered, runWith, type Script } from './terminal.fixture.ts';

const VIEW = { session: 's1', cwd: '/work/app', utilizationRate: 0.7 };
const TEXT: Script = { '/v1/': answered({ text: 'pag0 budget\n  session' }) };
const ORDERS: Script = { '/v1/budget': answered(VIEW), '/v1/orders': answered({ sentence: 'this session: the limit is $10.00 now.' }) };

describe('what is asked of the daemon', () => {
  const table: [words: string, env: Record<string, string>, path: string][] = [
    ['budget', {}, '/v1/budget?cwd=%2Fwork%2Fapp&format=text'],
    ['budget', { CLAUDE_CODE_SESSION_ID: 's7' }, '/v1/budget?session=s7&format=text'],
    ['budget --session s9', { CLAUDE_CODE_SESSION_ID: 's7' }, '/v1/budget?session=s9&format=text'],
    ['report', {}, '/v1/report?scope=session&cwd=%2Fwork%2Fapp&format=text'],
    ['report --session', {}, '/v1/report?scope=session&cwd=%2Fwork%2Fapp&format=text'],
    ['report --session s9', {}, '/v1/report?scope=session&session=s9&format=text'],
    ['report --run', { CLAUDE_CODE_SESSION_ID: 's7' }, '/v1/report?scope=run&session=s7&format=text'],
    ['report --run night', {}, '/v1/report?run=night&format=text'],
    ['report --project', {}, '/v1/report?scope=project&cwd=%2Fwork%2Fapp&format=text'],
    ['report --today', {}, '/v1/report?scope=today&format=text'],
    ['report --all', {}, '/v1/report?scope=all&format=text'],
    ['sessions', {}, '/v1/sessions?limit=20&format=text'],
    ['sessions --limit 5', {}, '/v1/sessions?limit=5&format=text'],
    ['report --all --json', {}, '/v1/report?scope=all'],
    ['receipts', {}, '/v1/receipts?scope=session&cwd=%2Fwork%2Fapp&limit=50&format=text'],
    ['receipts --session s9 --limit 5', {}, '/v1/receipts?scope=session&session=s9&limit=5&format=text'],
    ['receipts --today --csv', {}, '/v1/receipts?scope=today&limit=50&format=csv'],
    ['receipts --all --json', {}, '/v1/receipts?scope=all&limit=50'],
    ['cache ls', {}, '/v1/cache?limit=50&format=text'],
    ['cache ls --url api.exa.ai/* --limit 5', {}, '/v1/cache?limit=5&url=api.exa.ai%2F*&format=text'],
    ['cache ls --json', {}, '/v1/cache?limit=50'],
    ['cache show 4f2a', {}, '/v1/cache/answer?id=4f2a&format=text'],
    ['cache show 4f2a --body --json', {}, '/v1/cache/answer?id=4f2a&body=true'],
  ];
  it.each(table)('pag0 %s %j asks %s', async (words, env, path) => {
    const ran = await runWith(words.split(' '), TEXT, { env });
    expect(ran.asked.map((one) => one.path)).toEqual([path]);
    expect(ran).toMatchObject({ exit: 0, err: '' });
  });

  it('is printed as it comes, without anything a terminal obeys', async () => {
    expect((await runWith(['budget'], { '/v1/budget': answered({ text: 'one\n  \u001b[2Jtwo' }) })).out).toBe('one\n  two\n');
  });

  it('is exactly the JSON with --json', async () => {
    const { out, err } = await runWith(['budget', '--json'], { '/v1/budget': answered(VIEW) });
    expect(JSON.parse(out)).toEqual(VIEW);
    expect(err).toBe('');
  });
});

describe('what stands in the way is one sentence on stderr', () => {
  const table: [what: string, script: Script, exit: number, says: RegExp][] = [
    ['no daemon', { '/v1/': { kind: 'absent' } }, 1, /^pag0: its daemon is not running; start it with `pag0 daemon start`/],
    ['a stranger', { '/v1/': { kind: 'stranger' } }, 1, /^pag0: port 4999 is held by a program that cannot prove/],
    ['a silent daemon', { '/v1/': { kind: 'silent' } }, 1, /^pag0: its daemon does not answer/],
    ['an unknown session', { '/v1/': answered({ error: { code: 'NOT_FOUND', message: 'pag0 does not know the session "x"' } }, 404) }, 1, /^pag0 does not know the session "x"\.$/],
    ['a bad question', { '/v1/': answered({ error: { code: 'BAD_REQUEST', message: 'limit must be a number' } }, 400) }, 2, /^pag0: limit must be a number\.$/],
    ['a ledger that fails', { '/v1/': answered({ error: { code: 'LEDGER_UNAVAILABLE', message: 'the disk is full' } }, 503) }, 1, /^pag0: the disk is full\.$/],
    ['an answer without words', { '/v1/': answered('teapot', 418) }, 1, /status 418/],
  ];
  it.each(table)('%s', async (_, script, exit, says) => {
    for (const words of [['budget'], ['report', '--json'], ['sessions']]) {
      const ran = await runWith(words, script);
      expect(ran).toMatchObject({ exit, out: '' });
      expect(ran.err.trimEnd()).toMatch(says);
      expect(ran.err.trimEnd()).not.toContain('\n');
    }
  });
});

describe('a mistake in the words ends with 2 and asks nobody', () => {
  const table: [words: string, says: RegExp][] = [
    ['bogus', /unknown command 'bogus'/],
    ['budget --sesion x', /unknown option '--sesion'/],
    ['budget up', /too many arguments/],
    ['budget raise', /raise needs an amount, such as '\$10'/],
    ['budget raise one two $5', /names nobody; write session, run, project, day or agent NAME/],
    ['report --today --all', /choose one of --today and --all/],
    ['receipts --today --all', /choose one of --today and --all/],
    ['receipts --csv --json', /choose one of --csv and --json/],
    ['kill run', /write session, all or agent NAME/],
    ['resume the thing', /write session, all or agent NAME/],
    ['daemon logs -n none', /--lines must be a whole number/],
    ['cache clear', /say which answers: --url 'api\.example\.com\/\*' or --all/],
    ['cache clear --all --url x', /say which answers/],
    ['cache show', /missing required argument 'id'/],
  ];
  it.each(table)('pag0 %s', async (words, says) => {
    const ran = await runWith(words.split(' '), {}, { interactive: true });
    expect(ran).toMatchObject({ exit: 2, out: '', asked: [] });
    expect(ran.err.trimEnd()).toMatch(says);
    expect(ran.err.trimEnd()).not.toContain('\n');
  });

  it('shows the help when there are no words', async () => {
    expect(await runWith([], {})).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('Usage: pag0') as string });
    expect(await runWith(['--help'], {})).toMatchObject({ exit: 0, out: expect.stringContaining('Usage: pag0') as string });
  });
});

describe('orders', () => {
  it('raise a limit when a person at a terminal types the amount twice', async () => {
    const ran = await runWith(['budget', 'raise', 'session', '$10'], ORDERS, { interactive: true, typed: ' $10 ' });
    expect(ran.questions).toEqual(['Raise the limit of this session to $10? Type the amount again: ']);
    expect(ran.err).toBe('Session s1 in /work/app\n');
    expect(ran.asked.at(-1)).toEqual({ path: '/v1/orders', body: { verb: 'raise', session: 's1', target: { kind: 'session' }, amount: '$10', by: { tty: true, pid: 4711 } } });
    expect(ran).toMatchObject({ exit: 0, out: 'this session: the limit is $10.00 now.\n' });
  });

  it.each(['', 'yes', '10', '$1'])('raise nothing when %j is typed instead', async (typed) => {
    const ran = await runWith(['budget', 'raise', '$10'], ORDERS, { interactive: true, typed });
    expect(ran.asked.some((one) => one.path === '/v1/orders')).toBe(false);
    expect(ran).toMatchObject({ exit: 1, err: expect.stringContaining('nothing was changed') as string });
  });

  it.each([['budget', 'raise', '$10'], ['resume']])('ask nothing of the daemon without a terminal: pag0 %s %s', async (...words) => {
    const ran = await runWith(words.filter((word) => word !== undefined), ORDERS, { interactive: false, typed: '$10' });
    expect(ran).toMatchObject({ exit: 1, asked: [], questions: [], err: expect.stringContaining('is for a person at a terminal') as string });
  });

  it('resume when a person types so', async () => {
    const ran = await runWith(['resume', 'agent', 'ralph-loop', '--session', 's9'], ORDERS, { interactive: true, typed: 'resume' });
    expect(ran.asked).toEqual([
      { path: '/v1/budget?session=s9' },
      { path: '/v1/orders', body: { verb: 'resume', session: 's1', target: { kind: 'agent', name: 'ralph-loop' }, by: { tty: true, pid: 4711 } } },
    ]);
  });

  it('lower and stop without a question and without a terminal', async () => {
    const lower = await runWith(['budget', 'lower', '--session', 's9', 'agent', 'r-1', '$1', '--json'], ORDERS);
    expect(lower).toMatchObject({ exit: 0, questions: [], err: '' });
    expect(lower.asked).toMatchObject([{ path: '/v1/budget?session=s9' }, { body: { verb: 'lower', target: { kind: 'agent', name: 'r-1' }, amount: '$1', by: { tty: false } } }]);
    expect(JSON.parse(lower.out)).toEqual({ sentence: 'this session: the limit is $10.00 now.' });
    expect((await runWith(['kill'], ORDERS)).asked.at(-1)).toMatchObject({ body: { verb: 'kill', session: 's1', target: { kind: 'session' } } });
  });

  it('stop everything also where no session is known', async () => {
    const ran = await runWith(['kill', 'all'], ORDERS);
    expect(ran.asked).toEqual([{ path: '/v1/orders', body: { verb: 'kill', session: null, target: { kind: 'all' }, by: { tty: false, pid: 4711 } } }]);
  });

  it('say what the daemon says when it refuses', async () => {
    const refused = answered({ error: { code: 'PERSON_REQUIRED', message: 'only a person can raise a limit' } }, 403);
    expect(await runWith(['budget', 'lower', '$50'], { ...ORDERS, '/v1/orders': refused })).toMatchObject({ exit: 1, out: '', err: 'pag0: only a person can raise a limit.\n' });
  });
});

describe('the cache', () => {
  const cleared: Script = { '/v1/cache': answered({ cleared: 2, sentence: 'Cleared 2 answers; whoever wants them next asks, and pays, again.' }) };
  it.each([
    ['--all', { all: true }],
    ['--url=api.exa.ai/*', { url: 'api.exa.ai/*' }],
  ])('is cleared of what is named: %s', async (option, body) => {
    const ran = await runWith(['cache', 'clear', option], cleared);
    expect(ran).toMatchObject({ exit: 0, err: '', out: 'Cleared 2 answers; whoever wants them next asks, and pays, again.\n', asked: [{ path: '/v1/cache', body }] });
  });

  it('says why it cannot be read', async () => {
    const script: Script = { '/v1/cache': answered({ error: { code: 'CACHE_UNAVAILABLE', message: 'the cache cannot be used: database is locked' } }, 503) };
    expect(await runWith(['cache', 'ls'], script)).toMatchObject({ exit: 1, out: '', err: 'pag0: the cache cannot be used: database is locked.\n' });
  });
});
