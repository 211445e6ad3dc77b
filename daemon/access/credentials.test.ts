import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readShell } from '../shell/syntax.ts';
import { planTickets, withTickets } from '../core/ticketable.ts';
import { hasProgram, startRecorder, type Recorder } from './recorder.fixture.ts';
import { createTickets, type TicketRequest, type Tickets, type TicketsOptions } from './tickets.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-tickets-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const TOKEN = 'a'.repeat(64);
const CURL = new Set(['curl'] as const);
const BOTH = new Set(['curl', 'wget'] as const);
const CALL: TicketRequest = { session: 's1', agent: 'researcher-1', toolUseId: 't1', sandboxed: false, programs: CURL };
let now = 0;
let dir = '';
let options: TicketsOptions;
let tickets: Tickets;

beforeEach(() => {
  now = 1_000_000;
  dir = join(mkdtempSync(join(root, 'home-')), 'tickets');
  options = { dir, token: TOKEN, random: randomBytes, clock: () => now, port: 4402, caBundle: '/ca/bundle.pem', userHome: root };
  tickets = createTickets(options);
});

const basic = (user: string, secret: string): string => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
const inFile = (file: string): string => /proxy-user = "(.*)"/.exec(readFileSync(file, 'utf8'))![1]!;
const headerOf = (file: string): string => `Basic ${Buffer.from(inFile(file)).toString('base64')}`;

describe("a call's ticket", () => {
  it('names session, agent and call, while that call runs', () => {
    const { curl } = tickets.issue(CALL);
    expect(tickets.whoAsks(headerOf(curl))).toEqual({ asker: { session: 's1', agent: 'researcher-1', toolUseId: 't1', by: 'ticket' } });
    const header = headerOf(curl);
    tickets.end('s1', 't1');
    expect(tickets.whoAsks(header)).toEqual({ rejected: 'expired' });
    expect(existsSync(curl)).toBe(false);
  });

  it('lies where nobody else can read it', () => {
    const { curl, wget } = tickets.issue({ ...CALL, programs: BOTH });
    for (const file of [curl, wget]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(curl).not.toContain(inFile(curl).split(':')[1]!.slice(0, 8));
  });

  it('is the same for a call that is asked about twice', () => {
    const { curl } = tickets.issue(CALL);
    expect(tickets.issue(CALL).curl).toBe(curl);
    expect(tickets.issue({ ...CALL, programs: BOTH })).toMatchObject({ curl, wget: expect.stringMatching(/\.wget$/) as string });
    expect(readdirSync(dir)).toHaveLength(2);
    tickets.end('s1', 't1');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('ends with its session, and with no other', () => {
    const mine = headerOf(tickets.issue(CALL).curl);
    const other = headerOf(tickets.issue({ ...CALL, session: 's2' }).curl);
    tickets.end('s2', 't2');
    tickets.endSession('s1');
    expect(tickets.whoAsks(mine)).toEqual({ rejected: 'expired' });
    expect(tickets.whoAsks(other)).toMatchObject({ asker: { session: 's2' } });
  });

  it('of an earlier daemon admits nobody, is known as ours, and is tidied away', () => {
    const { curl } = tickets.issue(CALL);
    const header = headerOf(curl);
    const next = createTickets(options);
    expect(next.whoAsks(header)).toEqual({ rejected: 'expired' });
    expect(existsSync(curl)).toBe(false);
  });

  it('that nobody ends, ends by itself', () => {
    const header = headerOf(tickets.issue(CALL).curl);
    now += 12 * 60 * 60_000 + 1;
    expect(tickets.whoAsks(header)).toEqual({ rejected: 'expired' });
    tickets.issue({ ...CALL, toolUseId: 't2' });
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it('is one of a thousand at most: the oldest makes room', () => {
    const first = headerOf(tickets.issue(CALL).curl);
    for (let index = 0; index < 1_000; index++) tickets.issue({ ...CALL, toolUseId: `u${index}` });
    expect(readdirSync(dir)).toHaveLength(1_000);
    expect(tickets.whoAsks(first)).toEqual({ rejected: 'expired' });
  });

  it('cannot be made by anybody else', () => {
    const [user, secret] = inFile(tickets.issue(CALL).curl).split(':') as [string, string];
    const other = createTickets({ ...options, dir: join(dir, '..', 'other'), token: 'b'.repeat(64) });
    const foreign = inFile(other.issue(CALL).curl).split(':')[1]!;
    const forged = [secret.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')), secret.slice(0, -1), `${secret}x`, secret.split('.')[0]!, '.', '', foreign];
    for (const text of forged) expect(tickets.whoAsks(basic(user, text))).toEqual({ rejected: 'unknown' });
    expect(tickets.whoAsks(basic('root', secret))).toEqual({ rejected: 'unknown' });
    expect(tickets.whoAsks(basic(tickets.sessionTicket('s1').user, secret))).toEqual({ rejected: 'unknown' });
  });

  it('goes on when its folder was deleted, and no link is followed', () => {
    rmSync(dir, { recursive: true });
    expect(existsSync(tickets.issue(CALL).curl)).toBe(true);
    rmSync(dir, { recursive: true });
    mkdirSync(join(dir, '..', 'elsewhere'));
    symlinkSync(join(dir, '..', 'elsewhere'), dir);
    expect(() => createTickets(options)).toThrow(/is not a folder/);
  });
});

describe("a session's secret", () => {
  it('is the same after a restart and names the session', () => {
    const { user, secret } = tickets.sessionTicket('0b5c-é:x');
    const next = createTickets(options);
    expect(next.sessionTicket('0b5c-é:x')).toEqual({ user, secret });
    expect(next.whoAsks(basic(user, secret))).toEqual({ asker: { session: '0b5c-é:x', agent: 'main', toolUseId: null, by: 'environment' } });
  });

  it('opens no other session, and stands in a URL as it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        const [a, b] = [tickets.sessionTicket(one), tickets.sessionTicket(other)];
        expect(`${a.user}:${a.secret}`).toMatch(/^[\w-]+:[\w-]+$/);
        if (a.user !== b.user) expect(tickets.whoAsks(basic(a.user, b.secret))).toEqual({ rejected: 'unknown' });
      }),
    );
  });
});

it('what is no ticket is unknown, whatever it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(tickets.whoAsks(text)).toEqual({ rejected: 'unknown' });
    }),
  );
  for (const text of ['', 'Basic', 'Basic !', 'Bearer x', `Basic ${'A'.repeat(5_000)}`, basic('call', ''), basic('session-', ''), 'Negotiate abc']) {
    expect(tickets.whoAsks(text)).toEqual({ rejected: 'unknown' });
  }
});

it("the user's own configuration of curl and wget is respected", () => {
  const userHome = mkdtempSync(join(root, 'user-'));
  const with_ = () => createTickets({ ...options, userHome });
  expect(with_().ownConfig()).toEqual(new Set());
  writeFileSync(join(userHome, '.wgetrc'), 'user_agent = me\n');
  expect(with_().ownConfig()).toEqual(new Set());
  expect(readFileSync(with_().issue({ ...CALL, programs: BOTH }).wget, 'utf8')).toMatch(/^user_agent = me$/m);
  writeFileSync(join(userHome, '.wgetrc'), 'https_proxy = http://proxy:1\n');
  writeFileSync(join(userHome, '.curlrc'), '-s\nproxy = "http://proxy:1"\n');
  expect(with_().ownConfig()).toEqual(new Set(['curl', 'wget']));
});

describe('the real programs', () => {
  let recorder: Recorder;
  beforeAll(async () => {
    recorder = await startRecorder();
  });
  afterAll(() => recorder.close());
  beforeEach(() => {
    recorder.seen.length = 0;
    tickets = createTickets({ ...options, dir: join(recorder.folder, `it's here ${now++}`), port: recorder.port, caBundle: recorder.bundle, userHome: recorder.folder });
  });

  /** The command as the hook would rewrite it, run by bash. */
  async function runs(command: string, env: Record<string, string> = {}) {
    const reading = readShell(command);
    const plan = planTickets(reading, () => true, { background: false, ownConfig: tickets.ownConfig() });
    expect(plan.left).toEqual([]);
    const rewritten = withTickets(command, reading, plan, tickets.issue({ ...CALL, programs: BOTH }), readShell)!;
    const result = await recorder.run('bash', ['-c', rewritten], env);
    const asked = recorder.seen.map(({ url, credentials }) => {
      const who = credentials === null ? null : tickets.whoAsks(basic(...(credentials.split(/:(.*)/s).slice(0, 2) as [string, string])));
      return `${url} ${who !== null && 'asker' in who ? who.asker.toolUseId : 'nobody'}`;
    });
    return { ...result, asked };
  }

  const HOSTS: readonly (readonly [string, string[]])[] = [
    ['curl -s https://a.example.com/x', ['https://a.example.com/x t1']],
    ['curl -s http://a.example.com/x', ['http://a.example.com/x t1']],
    ['for i in 1 2; do curl -s "https://a.example.com/$i" | tee /dev/null; done', ['https://a.example.com/1 t1', 'https://a.example.com/2 t1']],
    ['curl -s https://a.example.com/x --next -s https://b.example.com/y', ['https://a.example.com/x t1', 'https://b.example.com/y t1']],
    ['curl -q -s http://127.0.0.1:9/x', ['http://127.0.0.1:9/x t1']],
    [`echo "$(curl -s https://a.example.com/x)"`, ['https://a.example.com/x t1']],
    ['printf "http://a.example.com/1\\nhttp://a.example.com/2\\n" | xargs -n1 curl -s', ['http://a.example.com/1 t1', 'http://a.example.com/2 t1']],
  ];
  it.each(HOSTS)('curl comes with its ticket: %s', async (command, asked) => {
    expect(await runs(command, { NO_PROXY: '*', no_proxy: '*', https_proxy: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' })).toMatchObject({ code: 0, asked });
  });

  it('curl shows what it showed without, headers included', async () => {
    const { stdout } = await runs(`curl -s -i -D - -w '%{http_code}' --fail https://a.example.com/x`);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(stdout).not.toContain('Connection established');
    expect(stdout).not.toContain('X-Tunnel');
    expect(stdout).toMatch(/ok\n200$/);
  });

  it.skipIf(!hasProgram('wget'))("wget comes with its ticket, and with the user's own settings", async () => {
    writeFileSync(join(recorder.folder, '.wgetrc'), 'header = X-Mine: yes\nquiet = on\n');
    const { code, stdout, stderr, asked } = await runs('wget -O- https://a.example.com/x && wget -O- http://b.example.com/y', { no_proxy: '*', https_proxy: 'http://127.0.0.1:9' });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'ok\nok\n', stderr: '' });
    expect(asked).toEqual(['https://a.example.com/x t1', 'http://b.example.com/y t1']);
  });

  it.each([
    ['curl', 'curl -s https://a.example.com/x http://127.0.0.1:9/y', ['https://a.example.com/x t1', 'http://127.0.0.1:9/y t1']],
    ...(hasProgram('wget') ? [['wget', 'wget -q -O- https://a.example.com/x http://127.0.0.1:9/y', ['https://a.example.com/x t1', 'http://127.0.0.1:9/y t1']] as const] : []),
  ] as const)("%s in the client's sandbox goes the way that leads out of it, with its ticket", async (_program, command, asked) => {
    const exit = `http://localhost:${recorder.port}`;
    tickets.issue({ ...CALL, sandboxed: true, programs: BOTH });
    expect(await runs(command, { http_proxy: exit, https_proxy: exit, all_proxy: exit, no_proxy: 'localhost,127.0.0.1', NO_PROXY: 'localhost,127.0.0.1' })).toMatchObject({ code: 0, asked });
  });

  it('curl with a proxy after the ticket goes to that proxy: why such commands are left alone', async () => {
    const { curl } = tickets.issue(CALL);
    const { code } = await recorder.run('curl', ['-s', '-K', curl, '-x', 'http://127.0.0.1:9', 'https://a.example.com']);
    expect(code).toBe(7);
    expect(recorder.seen).toEqual([]);
  });
});
