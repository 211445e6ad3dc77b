import { describe, expect, it } from 'vitest';
import { answered, runWith, type Script } from './terminal.fixture.ts';
import type { Started } from './terminal.ts';

const VIEW = { session: 's1', cwd: '/work/app', utilizationRate: 0.7 };
const TEXT: Script = { '/v1/': answered({ text: 'pag0 budget\n  session' }) };
const ORDERS: Script = {
  '/v1/orders/check': answered({ sentence: 'this session: the limit is $5.00, and would be $10.00.', session: 's1', cwd: '/work/app' }),
  '/v1/orders': answered({ sentence: 'this session: the limit is $10.00 now.' }),
};

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
    ['report today', {}, '/v1/report?scope=today&format=text'],
    ['report all --json', {}, '/v1/report?scope=all'],
    ['report project', {}, '/v1/report?scope=project&cwd=%2Fwork%2Fapp&format=text'],
    ['report run', { CLAUDE_CODE_SESSION_ID: 's7' }, '/v1/report?scope=run&session=s7&format=text'],
    ['report run night', {}, '/v1/report?run=night&format=text'],
    ['report session s9', { CLAUDE_CODE_SESSION_ID: 's7' }, '/v1/report?scope=session&session=s9&format=text'],
    ['receipts today', {}, '/v1/receipts?scope=today&limit=50&format=text'],
    ['receipts session s9', {}, '/v1/receipts?scope=session&session=s9&limit=50&format=text'],
    ['budget session s9', {}, '/v1/budget?session=s9&format=text'],
    ['budget session', {}, '/v1/budget?cwd=%2Fwork%2Fapp&format=text'],
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

const DEAD: Started = { ok: false, problem: { code: 'DAEMON_DIED', sentence: 'pag0: the daemon ended as soon as it started.' } };
const HELLO = { service: 'pag0', version: '1', build: 'b', pid: 1, port: 4999, node: '24', startedAt: 0, state: 'ready' } as const;

describe('what stands in the way', () => {
  const table: [what: string, script: Script, exit: number, code: string, says: RegExp][] = [
    ['a daemon that cannot be started', { '/v1/': { kind: 'absent' } }, 5, 'DAEMON_DIED', /^pag0: the daemon ended as soon as it started\.$/],
    ['a stranger', { '/v1/': { kind: 'stranger' } }, 5, 'PORT_TAKEN', /^pag0: port 4999 is held by a program that cannot prove/],
    ['a silent daemon', { '/v1/': { kind: 'silent' } }, 5, 'DAEMON_SILENT', /^pag0: its daemon does not answer/],
    ['an unknown session', { '/v1/': answered({ error: { code: 'NOT_FOUND', message: 'pag0 does not know the session "x"' } }, 404) }, 1, 'NOT_FOUND', /^pag0 does not know the session "x"\.$/],
    ['a bad question', { '/v1/': answered({ error: { code: 'BAD_REQUEST', message: 'limit must be a number' } }, 400) }, 64, 'BAD_REQUEST', /^pag0: limit must be a number\.$/],
    ['a ledger that fails', { '/v1/': answered({ error: { code: 'LEDGER_UNAVAILABLE', message: 'the disk is full' } }, 503) }, 1, 'LEDGER_UNAVAILABLE', /^pag0: the disk is full\.$/],
    ['an answer without words', { '/v1/': answered('teapot', 418) }, 1, 'UNEXPECTED_ANSWER', /status 418/],
  ];
  it.each(table)('is one sentence on stderr: %s', async (_, script, exit, _code, says) => {
    for (const words of [['budget'], ['report'], ['receipts'], ['sessions'], ['kill'], ['approvals'], ['cache', 'ls'], ['wallet', 'balance'], ['reconcile']]) {
      const ran = await runWith(words, script, { start: () => DEAD });
      expect(ran).toMatchObject({ exit, out: '' });
      expect(ran.err.trimEnd()).toMatch(says);
      expect(ran.err.trimEnd()).not.toContain('\n');
    }
  });

  it.each(table)('is one JSON document on stdout with --json: %s', async (_, script, exit, code, says) => {
    for (const words of [['budget'], ['report', 'today'], ['receipts'], ['sessions'], ['kill'], ['approvals'], ['cache', 'ls'], ['wallet', 'balance'], ['reconcile']]) {
      const ran = await runWith([...words, '--json'], script, { start: () => DEAD });
      expect(ran).toMatchObject({ exit, err: '' });
      const { error } = JSON.parse(ran.out) as { error: { code: string; message: string } };
      expect(error.code).toBe(code);
      expect(`pag0: ${error.message}`).toMatch(new RegExp(says.source.replace('^pag0 does', '^pag0: pag0 does')));
    }
  });
});

describe('a daemon that has ended because nobody was at work', () => {
  const awakened = (body: unknown): Script => {
    let asked = 0;
    return { '/v1/': () => ((asked += 1) === 1 ? { kind: 'absent' } : answered(body)) };
  };

  it.each([['budget'], ['report today'], ['receipts'], ['sessions'], ['approvals'], ['kill']])('is started for the question: pag0 %s', async (words) => {
    const starts: Started[] = [];
    const start = (): Started => {
      starts.push({ ok: true, started: true, hello: HELLO });
      return starts[0]!;
    };
    const ran = await runWith(words.split(' '), awakened({ text: 'a page', sentence: 'a page' }), { start });
    expect(ran).toMatchObject({ exit: 0, out: 'a page\n', err: '' });
    expect(starts).toHaveLength(1);
  });

  it('is started for JSON as well, and what it has to say at its start stands beside the document', async () => {
    const start = (): Started => ({ ok: true, started: true, hello: { ...HELLO, notice: 'pag0: its SQLite was fetched.' } });
    const ran = await runWith(['report', '--json'], { ...awakened({ totalCost: '0' }) }, { start });
    expect(JSON.parse(ran.out)).toEqual({ totalCost: '0' });
    expect(ran.err).toBe('pag0: its SQLite was fetched.\n');
  });

  // In the client's sandbox the daemon is there and cannot be reached; another one in there would be nobody's.
  it('is not started by an agent', async () => {
    const ran = await runWith(['report'], { '/v1/': { kind: 'absent' } }, { env: { CLAUDECODE: '1' }, start: () => Promise.reject(new Error('never')) as never });
    expect(ran).toMatchObject({ exit: 5, out: '', err: 'pag0: its daemon is not running; the next prompt of the session starts it.\n' });
  });
});

describe('a mistake in the words ends with 64 and asks nobody', () => {
  const table: [words: string, says: RegExp][] = [
    ['bogus', /unknown command 'bogus'/],
    ['budget --sesion x', /unknown option '--sesion'/],
    ['budget fish', /"fish" is no part of it; write `pag0 budget`/],
    ['budget rise session $7', /did you mean `pag0 budget raise/],
    ['raise session $7', /unknown command 'raise'.*did you mean `pag0 budget raise`\?/],
    ['lower $7', /did you mean `pag0 budget lower`\?/],
    ['start', /did you mean `pag0 daemon start`\?/],
    ['budget $10', /did you mean `pag0 budget raise '\$10'`/],
    ['reprot', /unknown command 'reprot' \(Did you mean report\?\)/],
    ['budget raise', /raise needs an amount; did you mean `raise '\$10'`\?/],
    ['budget raise session', /did you mean `raise session '\$10'`\?.*single quotes/],
    ['budget raise session 7', /"7" is not an amount; did you mean '\$7'\?/],
    ['budget raise 8', /did you mean '\$8'\?/],
    ['budget raise session bash.02', /did you mean.*single quotes/],
    ['budget raise one two $5', /names nobody; write session, run, project, today or agent NAME/],
    ['report today all', /"today all" is nothing that can be asked about; write session \[ID\], run \[ID\], project, today or all/],
    ['report --session nope --run nope', /choose one of --session and --run/],
    ['receipts run night', /write session \[ID\], today or all/],
    ['report --today --all', /choose one of --today and --all/],
    ['receipts --today --all', /choose one of --today and --all/],
    ['kill today', /write session \[ID\], run \[ID\], project, agent NAME or all/],
    ['resume the thing', /write session \[ID\], run \[ID\], project, agent NAME or all/],
    ['daemon logs -n none', /--lines must be a whole number/],
    ['cache clear', /say which answers: --url 'api\.example\.com\/\*' or --all/],
    ['cache clear --all --url x', /say which answers/],
    ['cache show', /missing required argument 'id'/],
  ];
  it.each(table)('pag0 %s', async (words, says) => {
    const ran = await runWith(words.split(' '), {}, { interactive: true });
    expect(ran).toMatchObject({ exit: 64, out: '', asked: [] });
    expect(ran.err.trimEnd()).toMatch(says);
    expect(ran.err.trimEnd()).not.toContain('\n');
  });

  it.each(table)('and is JSON with --json: pag0 %s', async (words, says) => {
    const ran = await runWith([...words.split(' '), ...(words.includes('--json') ? [] : ['--json'])], {}, { interactive: true });
    expect(ran).toMatchObject({ exit: 64, err: '', asked: [] });
    const { error } = JSON.parse(ran.out) as { error: { code: string; message: string } };
    expect(error.code).toBe('BAD_REQUEST');
    expect(error.message).toMatch(says);
  });

  it('takes one format', async () => {
    expect(await runWith(['receipts', '--csv', '--json'], {})).toMatchObject({ exit: 64, err: '', out: expect.stringContaining('choose one of --csv and --json.') as string });
  });

  it('shows the help when there are no words', async () => {
    expect(await runWith([], {})).toMatchObject({ exit: 64, out: '', err: expect.stringContaining('Usage: pag0') as string });
    expect(await runWith(['--help'], {})).toMatchObject({ exit: 0, out: expect.stringContaining('Usage: pag0') as string });
  });
});

describe('orders', () => {
  it('raise a limit when a person at a terminal types the amount twice', async () => {
    const ran = await runWith(['budget', 'raise', 'session', '$10'], ORDERS, { interactive: true, typed: ' $10 ' });
    expect(ran.questions).toEqual(['Raise the limit of this session to $10.00? Type the amount again: ']);
    expect(ran.err).toBe('Session s1 in /work/app\nthis session: the limit is $5.00, and would be $10.00.\n');
    const request = { verb: 'raise', cwd: '/work/app', target: { kind: 'session' }, amount: '$10.00', by: { tty: true, pid: 4711 } };
    // The one that was shown is the one that is raised.
    expect(ran.asked).toEqual([
      { path: '/v1/orders/check', body: { ...request, session: null } },
      { path: '/v1/orders', body: { ...request, session: 's1' } },
    ]);
    expect(ran).toMatchObject({ exit: 0, out: 'this session: the limit is $10.00 now.\n' });
  });

  it.each(['', 'yes', '10', '$1'])('raise nothing when %j is typed instead', async (typed) => {
    const ran = await runWith(['budget', 'raise', '$10'], ORDERS, { interactive: true, typed });
    expect(ran.asked.some((one) => one.path === '/v1/orders')).toBe(false);
    expect(ran).toMatchObject({ exit: 2, err: expect.stringContaining('nothing was changed') as string });
  });

  it.each([
    [400, 'BAD_REQUEST', 'the limit is $5.00 already, so $2.00 does not raise it', 64],
    [404, 'NOT_FOUND', 'there is no agent "nobody" in this session', 1],
    [403, 'PERSON_REQUIRED', 'only a person can raise a limit', 1],
  ])('ask nobody to confirm what is refused anyway: %i %s', async (status, code, message, exit) => {
    const refused: Script = { '/v1/orders/check': answered({ error: { code, message } }, status) };
    expect(await runWith(['budget', 'raise', '$2'], refused, { interactive: true, typed: '$2' })).toMatchObject({ exit, out: '', questions: [], err: `pag0: ${message}.\n` });
  });

  it.each([['budget', 'raise', '$10'], ['resume']])('ask nothing of the daemon without a terminal: pag0 %s %s', async (...words) => {
    const ran = await runWith(words.filter((word) => word !== undefined), ORDERS, { interactive: false, typed: '$10' });
    expect(ran).toMatchObject({ exit: 1, asked: [], questions: [], err: expect.stringContaining('is for a person at a terminal') as string });
  });

  it('resume when a person types so', async () => {
    const ran = await runWith(['resume', 'agent', 'ralph-loop', '--session', 's9'], ORDERS, { interactive: true, typed: 'resume' });
    const request = { verb: 'resume', cwd: '/work/app', target: { kind: 'agent', name: 'ralph-loop' }, by: { tty: true, pid: 4711 } };
    expect(ran.asked).toEqual([
      { path: '/v1/orders/check', body: { ...request, session: 's9' } },
      { path: '/v1/orders', body: { ...request, session: 's1' } },
    ]);
  });

  it('lower and stop without a question and without a terminal', async () => {
    const lower = await runWith(['budget', 'lower', '--session', 's9', 'agent', 'r-1', '$1', '--json'], ORDERS);
    expect(lower).toMatchObject({ exit: 0, questions: [], err: '' });
    expect(lower.asked).toMatchObject([{ path: '/v1/orders', body: { verb: 'lower', session: 's9', target: { kind: 'agent', name: 'r-1' }, amount: '$1.00', by: { tty: false } } }]);
    expect(JSON.parse(lower.out)).toEqual({ sentence: 'this session: the limit is $10.00 now.' });
    expect((await runWith(['kill'], ORDERS)).asked.at(-1)).toMatchObject({ body: { verb: 'kill', session: null, cwd: '/work/app', target: { kind: 'session' } } });
  });

  it.each([
    ['session s9', { kind: 'session', id: 's9' }],
    ['project', { kind: 'project' }],
    ['run', { kind: 'run' }],
    ['run night', { kind: 'run', id: 'night' }],
  ])('stop what is named: %s', async (words, target) => {
    const ran = await runWith(['kill', ...words.split(' ')], ORDERS);
    expect(ran.asked).toEqual([{ path: '/v1/orders', body: { verb: 'kill', session: null, cwd: '/work/app', target, by: { tty: false, pid: 4711 } } }]);
  });

  it('stop everything also where no session is known', async () => {
    const ran = await runWith(['kill', 'all'], ORDERS);
    expect(ran.asked).toEqual([{ path: '/v1/orders', body: { verb: 'kill', session: null, cwd: '/work/app', target: { kind: 'all' }, by: { tty: false, pid: 4711 } } }]);
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
