import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../assemble.ts';
import { homeAt } from '../contract/home.ts';
import type { Database } from '../ledger/database.ts';
import { createListener } from '../lifecycle/listener.ts';
import type { Assembled } from '../lifecycle/start.ts';

/** The assembled daemon behind a real socket; the door that proves `/v1` stands in front of it in real life. */
const PORT = 20_000 + (process.pid % 20_000);
const home = homeAt(mkdtempSync(join(tmpdir(), 'pag0-http-')));
const log = { info() {}, warn() {}, error() {}, close() {} };
let assembled: Assembled;
let server: Server;

const open = () =>
  assemble({ home, version: '0', log, clock: Date.now, sqlite: { name: 'test', open: (path) => new DatabaseSync(path) as unknown as Database }, port: PORT, token: 'a'.repeat(64), threads: { pageReader: new URL('file:///nowhere'), signer: new URL('file:///nowhere') } });

beforeAll(async () => {
  writeFileSync(home.configFile, JSON.stringify({ prices: [{ endpoint: 'api.tavily.com/*', price: '$2' }, { tool: 'WebSearch', price: '$2' }, { tool: 'mcp__dear__*', price: '$3' }], policy: { maxPerRequest: '$3', approveAbove: '$2' } }));
  assembled = await open();
  server = createListener({ door: (...args) => assembled.fetch(...args), serving: () => assembled, opening: () => null, leaving: () => false });
  await new Promise<void>((resolve) => server.listen(PORT, '127.0.0.1', resolve));
  await post('/v1/session', { ...registration('s1'), clientPid: null });
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await assembled.close();
  rmSync(home.dir, { recursive: true });
});

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: PORT, path, method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, (incoming) => {
      let answer = '';
      incoming.on('data', (chunk) => (answer += chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode!, body: JSON.parse(answer) as Record<string, unknown> }));
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

const registration = (session: string, more: object = {}) => ({ event: 'session-start', session_id: session, transcript_path: null, cwd: home.dir, source: 'startup', prompt_id: null, attended: false, options: {}, parent: { session: null }, ancestors: [], project: home.dir, run: null, ...more });

/** A process that posts these one after the other, a registration with its own id where none is named, and ends; their answers. */
async function clientThat(posts: readonly (readonly [path: string, body: object])[]): Promise<{ status: number; body: Record<string, unknown> }[]> {
  const script = `
    const answers = [];
    for (const [path, body] of JSON.parse(process.env.POSTS)) {
      const answer = await fetch('http://127.0.0.1:${PORT}' + path, { method: 'POST', body: JSON.stringify(path === '/v1/session' ? { clientPid: process.pid, ...body } : body), headers: { 'content-type': 'application/json' } });
      answers.push({ status: answer.status, body: await answer.json() });
    }
    process.stdout.write(JSON.stringify(answers));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: { POSTS: JSON.stringify(posts) } });
  return JSON.parse(stdout) as { status: number; body: Record<string, unknown> }[];
}

/** Charged at the hook: nothing of it passes the gateway. */
const priced = (id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', session_id: 's1', tool_name: 'WebSearch', tool_use_id: id, tool_input: { query: 'x' }, ...more });
const before = (command: string, id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', session_id: 's1', tool_name: 'Bash', tool_use_id: id, tool_input: { command }, ...more });

describe('POST /hook', () => {
  it('lets ordinary work pass with nothing to say', async () => {
    expect(await post('/hook', before('git status', 't1'))).toEqual({ status: 200, body: {} });
  });

  it.each([
    ['a page in the browser', { origin: 'https://evil.example' }],
    ['a page from this machine', { origin: 'http://localhost:3000' }],
    ['a name that was rebound to loopback', { host: 'evil.example' }],
    ['another port’s name', { host: '127.0.0.1:1' }],
  ])('does not listen to %s', async (_, headers) => {
    expect(await post('/hook', before('git status', 't2'), headers)).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } });
  });

  it.each([
    ['no JSON', '{'],
    ['a list', []],
    ['an event without a name', { session_id: 's1' }],
    ['a call without an id', { hook_event_name: 'PreToolUse', session_id: 's1', tool_name: 'Bash' }],
    ['an id that is no text', before('x', 't3', { tool_use_id: 7 })],
    ['an input that is a list', before('x', 't3', { tool_input: [] })],
    ['an endless id', before('x', 'x'.repeat(5_000))],
  ])('says what is wrong with %s, and harms nothing', async (_, body) => {
    expect(await post('/hook', body)).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST', message: expect.any(String) as string } } });
  });

  it('lets unknown events and fields pass: clients differ by version', async () => {
    expect(await post('/hook', { hook_event_name: 'FutureEvent', session_id: 's1', x: 1 })).toEqual({ status: 200, body: {} });
    expect(await post('/hook', before('git status', 't4', { future: { deep: true } }))).toEqual({ status: 200, body: {} });
  });

  it('refuses a body that is too large before reading it', async () => {
    expect((await post('/hook', before('x'.repeat(17 * 1024 * 1024), 't5'))).status).toBe(413);
  });

  it('answers a refusal in the client’s words', async () => {
    for (const id of ['p1', 'p2']) expect(await post('/hook', priced(id))).toEqual({ status: 200, body: {} });
    const { body } = await post('/hook', priced('p3'));
    // $1 is left of $5, so the agent is told what would fit, and goes on.
    expect(body).not.toHaveProperty('continue');
    expect(body).toMatchObject({
      hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining('$4.00 of $5.00') as string },
    });
  });

  it('knows nobody it was not told of', async () => {
    expect(await post('/hook', { hook_event_name: 'Stop', session_id: 'nobody' })).toMatchObject({ status: 403, body: { error: { code: 'SESSION_UNKNOWN' } } });
    expect(await post('/hook', priced('t7', { session_id: 'nobody' }))).toMatchObject({ status: 200, body: { hookSpecificOutput: { permissionDecision: 'deny' } } });
  });

  it('takes a raise from nobody but a person', async () => {
    const { body } = await post('/hook', { hook_event_name: 'UserPromptExpansion', session_id: 's1', command_name: 'pag0:pag0-budget', command_args: 'raise session $50' });
    expect(body).toMatchObject({ decision: 'block', reason: expect.stringContaining('only a person') as string });
    const order = await post('/v1/orders', { verb: 'raise', session: 's1', cwd: '/', target: { kind: 'session' }, amount: '$50', by: { pid: process.pid, tty: true } });
    expect(order).toMatchObject({ status: 403, body: { error: { code: 'PERSON_REQUIRED' } } });
  });
});

describe('who is whose client', () => {
  const sessions = async () => ((await (await assembled.fetch(new Request(`http://127.0.0.1:${PORT}/v1/sessions?all=1`), { incoming: { headers: { host: `127.0.0.1:${PORT}` } } })).json()) as { sessions: { id: string; attended: boolean; parent: unknown }[] }).sessions;
  const raise = (session: string) => ({ hook_event_name: 'UserPromptExpansion', session_id: session, command_name: 'pag0:pag0-budget', command_args: 'raise session $50' });

  it('the system says: a process that calls itself the client is one of nobody’s session but its own', async () => {
    const told = { attended: true, options: { session_budget: '$1000' } };
    // The test is the person's client here, and what it starts its agent's script.
    await post('/v1/session', registration('c1', { clientPid: process.pid, attended: true }));
    const [, mine] = await clientThat([['/v1/session', registration('c1', told)], ['/hook', raise('c1')]]);
    expect(mine!.body).toMatchObject({ reason: expect.stringContaining('only a person') as string });
    expect((await post('/hook', raise('c1'))).body).toMatchObject({ reason: expect.stringContaining('$50') as string });
    // Nor is it a person in a session that it makes up: it says nothing of what it runs below, and it shows.
    const [, made] = await clientThat([['/v1/session', registration('c2', told)], ['/hook', raise('c2')]]);
    expect(made!.body).toMatchObject({ reason: expect.stringContaining('only a person') as string });
    expect((await sessions()).find(({ id }) => id === 'c2')).toMatchObject({ attended: false });
  });
});

describe.skipIf(process.platform !== 'linux')('whose word a call is', () => {
  const dear = (id: string) => ({ hook_event_name: 'PreToolUse', session_id: 'd1', tool_name: 'mcp__dear__thing', tool_use_id: id, tool_input: {}, permission_mode: 'default' });
  const cwd = mkdtempSync(join(tmpdir(), 'pag0-sandboxed-'));
  afterAll(() => rmSync(cwd, { recursive: true }));

  it('the connection says: the client is told to ask, and what it started is refused', async () => {
    await post('/v1/session', registration('d1', { clientPid: process.pid }));
    const [forged] = await clientThat([['/hook', dear('d1')]]);
    expect(forged!.body).toMatchObject({ hookSpecificOutput: { permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining('APPROVAL_REQUIRED') as string } });
    expect((await post('/hook', dear('d2'))).body).toMatchObject({ hookSpecificOutput: { permissionDecision: 'ask' } });
  });

  it('is nobody’s when it comes by the relay of a sandbox that leads here', async () => {
    mkdirSync(join(cwd, '.claude'));
    writeFileSync(join(cwd, '.claude', 'settings.local.json'), JSON.stringify({ sandbox: { enabled: true, network: { httpProxyPort: PORT } } }));
    await post('/v1/session', registration('d3', { clientPid: process.pid, cwd }));
    // The kernel calls a process as its file is called.
    const relay = join(cwd, 'socat');
    copyFileSync('/bin/bash', relay);
    const said = async (program: string) => {
      const request = `POST /hook HTTP/1.1\\r\\nhost: 127.0.0.1:${PORT}\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\n{}`;
      return (await promisify(execFile)(program, ['-c', `exec 3<>/dev/tcp/127.0.0.1/${PORT}; printf '${request}' >&3; while read -r line <&3; do echo "$line"; done; echo "$line"`])).stdout;
    };
    expect(await said(relay)).toMatch(/^HTTP\/1.1 403 .*"FORBIDDEN"/s);
    expect(await said('/bin/bash')).toMatch(/^HTTP\/1.1 400 .*hook_event_name is missing/s);
  });
});

describe('a daemon that starts again', () => {
  it('keeps what was reserved before a crash, and settles it when its client is gone', async () => {
    await clientThat([['/v1/session', registration('s9')], ['/hook', priced('r1', { session_id: 's9' })]]);
    await assembled.close();
    assembled = await open();
    const report = async (session: string) => (await (await fetchBudget(session)).json()) as { scopes: { scope: string; spent: string; reserved: string }[] };
    expect((await report('s1')).scopes.find((one) => one.scope === 'session')).toMatchObject({ spent: '0', reserved: '4000000' });
    expect((await report('s9')).scopes.find((one) => one.scope === 'session')).toMatchObject({ spent: '2000000', reserved: '0' });
  });

  async function fetchBudget(session: string): Promise<Response> {
    return assembled.fetch(new Request(`http://127.0.0.1:${PORT}/v1/budget?session=${session}`), { incoming: { headers: { host: `127.0.0.1:${PORT}` } } });
  }
});
