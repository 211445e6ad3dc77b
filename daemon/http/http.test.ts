import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  assemble({ home, version: '0', log, clock: Date.now, sqlite: { name: 'test', open: (path) => new DatabaseSync(path) as unknown as Database }, port: PORT, token: 'a'.repeat(64), pageReader: new URL('file:///nowhere') });

beforeAll(async () => {
  writeFileSync(home.configFile, JSON.stringify({ prices: [{ endpoint: 'api.tavily.com/*', price: '$2' }, { tool: 'WebSearch', price: '$2' }], policy: { maxPerRequest: '$2' } }));
  assembled = await open();
  server = createListener({ door: (...args) => assembled.fetch(...args), serving: () => assembled, leaving: () => false });
  await new Promise<void>((resolve) => server.listen(PORT, '127.0.0.1', resolve));
  await post('/v1/session', { event: 'session-start', session_id: 's1', transcript_path: null, cwd: home.dir, source: 'startup', prompt_id: null, attended: false, options: {}, clientPid: process.pid, parent: { session: null }, ancestors: [], project: home.dir, run: null });
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
    expect(body).toMatchObject({
      continue: false,
      stopReason: expect.stringContaining('SESSION_BUDGET_EXCEEDED') as string,
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
    const order = await post('/v1/orders', { verb: 'raise', session: 's1', target: { kind: 'session' }, amount: '$50', by: { pid: process.pid, tty: true } });
    expect(order).toMatchObject({ status: 403, body: { error: { code: 'PERSON_REQUIRED' } } });
  });
});

describe('a daemon that starts again', () => {
  it('keeps what was reserved before a crash, and settles it when its client is gone', async () => {
    const gone = { event: 'session-start', session_id: 's9', transcript_path: null, cwd: home.dir, source: 'startup', prompt_id: null, attended: false, options: {}, clientPid: 2 ** 22 - 1, parent: { session: null }, ancestors: [], project: home.dir, run: null };
    await post('/v1/session', gone);
    await post('/hook', priced('r1', { session_id: 's9' }));
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
