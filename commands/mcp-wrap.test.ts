import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../daemon/contract/client.ts';
import { digestOf, TOOL_PAYMENT, type ToolPaymentEnd } from '../daemon/contract/tool-payment.ts';
import { wrap, type Wrapped } from './mcp-wrap.ts';

/** A server that sells `buy`, echoes what it hears of all else, and ends when it is told to. */
const SERVER = `
const say = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.method === 'exit') process.exit(message.params.code);
  if (message.method === 'die') process.kill(process.pid, message.params.signal);
  if (message.method === 'half') return process.stdout.write('half a line', () => process.exit(0));
  if (message.method === 'long') return say({ id: message.id, result: 'x'.repeat(message.params.bytes) });
  const demand = { x402Version: 2, accepts: [{ scheme: 'exact' }] };
  const payment = message.params && message.params._meta && message.params._meta['x402/payment'];
  if (message.method === 'tools/call' && message.params.name.startsWith('buy') && payment === undefined) return say({ jsonrpc: '2.0', id: message.id, result: { isError: true, structuredContent: demand } });
  if (message.method === 'tools/call' && message.params.name === 'buy-and-die') process.exit(9);
  if (message.method === 'tools/call' && message.params.name === 'buy-slow') return say({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: message.params._meta.progressToken, under: message.id } });
  if (message.method === 'notifications/cancelled') return say({ jsonrpc: '2.0', method: 'heard', params: message.params });
  if (message.method === 'tools/call' && message.params.name === 'buy-long') return say({ jsonrpc: '2.0', id: message.id, result: { content: [{ text: 'x'.repeat(1000000) }], _meta: { 'x402/payment-response': { success: true } } } });
  say({ jsonrpc: '2.0', id: message.id, result: { heard: message }, ...(payment === undefined ? {} : { _meta: 1 }) });
});`;

type Daemon = (path: string, body: unknown) => Outcome<unknown>;
const answered = (body: unknown, status = 200): Outcome<unknown> => ({ kind: 'answer', status, body });
const PAYS: Daemon = (path) => answered(path === TOOL_PAYMENT ? { outcome: 'pay', id: 'p1', payment: { signed: true } } : { outcome: 'deliver' });

function start(daemon: Daemon = PAYS, command = process.execPath, args = ['-e', SERVER], ladder = { closeMs: 2_000, termMs: 2_000 }, hasClient = () => true) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asked: { path: string; body: unknown }[] = [];
  let out = '';
  output.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const post = <T>(path: string, body: unknown): Promise<Outcome<T>> => (asked.push({ path, body }), Promise.resolve(daemon(path, body) as Outcome<T>));
  const ended = wrap({ command, args, client: { post }, input, output, pid: 4_711, ladder, hasClient });
  return {
    asked,
    raw: (bytes: Buffer) => void input.write(bytes),
    say: (message: object | string) => void input.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`),
    end: (): Promise<Wrapped> => (input.end(), ended),
    ended,
    output,
    out: () => out,
    async line(count = 1): Promise<string> {
      while (out.split('\n').length <= count) await new Promise((resolve) => setTimeout(resolve, 5));
      return out.split('\n')[count - 1]!;
    },
  };
}

const call = (name: string, more: object = {}): object => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { a: 1 }, ...more } });

describe('a wrapped server', () => {
  it('hears and says what it would without its wrapper, to the letter, and nobody asks the daemon', async () => {
    const one = start();
    one.say('{"id":1,  "method":"tools/call","params":{"name":"free","arguments":{"n":1}}}');
    expect(JSON.parse(await one.line())).toMatchObject({ result: { heard: { params: { name: 'free' } } } });
    one.say({ id: 2, method: 'long', params: { bytes: 3_000_000 } });
    expect((await one.line(2)).length).toBeGreaterThan(3_000_000);
    one.say({ id: 3, method: 'half' });
    expect(await one.ended).toEqual({ code: 0 });
    expect(one.out().endsWith('\nhalf a line')).toBe(true);
    expect(one.asked).toEqual([]);
  });

  it('ends as the server does', async () => {
    const [exits, dies, leaves, missing] = [start(), start(), start(), start(PAYS, '/nowhere/at-all', [])];
    exits.say({ method: 'exit', params: { code: 7 } });
    dies.say({ method: 'die', params: { signal: 'SIGTERM' } });
    expect(await Promise.all([exits.ended, dies.ended, leaves.end(), missing.ended])).toEqual([{ code: 7 }, { signal: 'SIGTERM' }, { code: 0 }, { problem: 'it was not found' }]);
  });

  it('that demands is paid by way of the daemon, and the answer has the id that the client knows', async () => {
    const one = start();
    one.say(call('buy', { _meta: { 'claudecode/toolUseId': 'toolu_1' } }));
    const { heard } = (JSON.parse(await one.line()) as { id: number; result: { heard: { id: string; params: object } } }).result;
    expect(JSON.parse(await one.line())).toMatchObject({ id: 1 });
    expect(heard).toMatchObject({ id: expect.stringMatching(/^pag0-/) as string, params: { name: 'buy', arguments: { a: 1 }, _meta: { 'claudecode/toolUseId': 'toolu_1', 'x402/payment': { signed: true } } } });
    await one.end();
    expect(one.asked).toEqual([
      { path: TOOL_PAYMENT, body: { server: digestOf(JSON.stringify([process.execPath, '-e', SERVER])), name: 'node', tool: 'buy', arguments: digestOf('{"a":1}'), toolUseId: 'toolu_1', demand: '{"x402Version":2,"accepts":[{"scheme":"exact"}]}', pid: 4_711 } },
      { path: `${TOOL_PAYMENT}/p1`, body: { demand: null, settlement: null, failed: false } },
    ]);
    expect(one.out().split('\n')).toHaveLength(2);
  });

  it('may answer at length what was paid for: its receipt is read all the same', async () => {
    const one = start();
    one.say(call('buy-long'));
    expect((await one.line()).length).toBeGreaterThan(1_000_000);
    expect(one.asked[1]!.body).toEqual({ demand: null, settlement: { success: true }, failed: false });
    await one.end();
  });

  const passes: [string, Daemon][] = [
    ['there is no daemon', () => ({ kind: 'absent' })],
    ['the daemon says nothing', () => ({ kind: 'silent' })],
    ['somebody else has its port', () => ({ kind: 'stranger' })],
    ['the daemon is being replaced', () => answered({ error: { code: 'DRAINING', message: 'x' } }, 503)],
    ['nothing in it is ours to pay', () => answered({ outcome: 'passed' })],
  ];
  it.each(passes)('that demands is passed on unchanged when %s', async (_, daemon) => {
    const one = start(daemon);
    one.say(call('buy'));
    expect(await one.line()).toBe('{"jsonrpc":"2.0","id":1,"result":{"isError":true,"structuredContent":{"x402Version":2,"accepts":[{"scheme":"exact"}]}}}');
    await one.end();
  });

  it('that may not be paid says so in its result', async () => {
    const one = start(() => answered({ outcome: 'refused', sentence: 'pag0 KILL_SWITCH: no' }));
    one.say(call('buy'));
    expect(JSON.parse(await one.line())).toEqual({ jsonrpc: '2.0', id: 1, result: { isError: true, content: [{ type: 'text', text: 'pag0 KILL_SWITCH: no' }] } });
    await one.end();
  });

  it('that ends with the payment: the daemon is told, and then the client', async () => {
    const refused: ToolPaymentEnd = { outcome: 'refused', sentence: 'pag0 PAYMENT_UNKNOWN: lost' };
    const one = start((path) => (path === TOOL_PAYMENT ? PAYS(path, null) : answered(refused)));
    one.say(call('buy-and-die'));
    expect(await one.ended).toEqual({ code: 9 });
    expect(one.asked[1]!.body).toEqual({ lost: 'ended before it answered' });
    expect(one.out()).toContain('pag0 PAYMENT_UNKNOWN: lost');
  });

  it('whose daemon ends with the payment still answers', async () => {
    const one = start((path) => (path === TOOL_PAYMENT ? PAYS(path, null) : { kind: 'absent' }));
    one.say(call('buy'));
    expect(JSON.parse(await one.line())).toMatchObject({ id: 1, result: { heard: { params: { name: 'buy' } } } });
    await one.end();
  });

  it('is not read faster than the client reads', async () => {
    const one = start();
    one.output.removeAllListeners('data').pause();
    for (let id = 0; id < 20; id += 1) one.say({ id, method: 'long', params: { bytes: 2_000_000 } });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(one.output.readableLength).toBeLessThan(8_000_000);
    let size = 0;
    one.output.on('data', (chunk: Buffer) => (size += chunk.length)).resume();
    await one.end();
    expect(size).toBeGreaterThan(40_000_000);
  });

  it('hears under its own id that a call which was paid for is taken back, and its progress is the client’s', async () => {
    const one = start();
    one.say(call('buy-slow', { _meta: { progressToken: 7 } }));
    const progress = JSON.parse(await one.line()) as { params: { progressToken: number; under: string } };
    expect(progress.params).toMatchObject({ progressToken: 7, under: expect.stringMatching(/^pag0-/) as string });
    one.say('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99,"reason":"another"}}');
    one.say('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,  "reason":"no"}}');
    expect(JSON.parse(await one.line(2))).toMatchObject({ params: { requestId: 99 } });
    expect(JSON.parse(await one.line(3))).toMatchObject({ params: { requestId: progress.params.under, reason: 'no' } });
    await one.end();
  });

  it('that demands for a call which was taken back meanwhile is not paid', async () => {
    let decide = (): void => {};
    const one = start((path, body) => {
      if (path !== TOOL_PAYMENT) return answered({ outcome: 'deliver', body });
      return new Promise((resolve) => (decide = () => resolve(PAYS(path, body)))) as never;
    });
    one.say(call('buy'));
    while (one.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    one.say('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    await one.line();
    decide();
    while (one.asked.length === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(one.asked[1]).toEqual({ path: `${TOOL_PAYMENT}/p1`, body: { unsent: 'the call was cancelled' } });
    await one.end();
    expect(one.out().trim().split('\n')).toHaveLength(1);
  });

  const PASSES: [string, string][] = [
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"buy"}}, {"jsonrpc":"2.0","method":"x"}]\n'],
    ['CR LF', '{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n'],
    ['empty lines', '\n\r\n  \n{"id":1,"method":"prompts/list"}\n'],
    ['no JSON', 'hello tools/call\n{broken\n'],
    ['letters beyond ASCII', '{"id":1,"method":"prompts/get","params":{"name":"größe 서울 🦊"}}\n'],
    ['what a double cannot hold', '{"id":12345678901234567890,"method":"resources/read","params":{"n":1.0}}\n'],
    ['an answer to the server', '{"jsonrpc":"2.0","id":"s1","result":{"role":"assistant"}}\n'],
    ['a method that nobody knows', '{"jsonrpc":"2.0","id":1,"method":"x/y"}\n'],
    ['a last line without an end', '{"id":1}'],
  ];
  it.each(PASSES)('gets and gives to the byte, wherever the bytes are cut: %s', async (_, text) => {
    // What it hears it says.
    const one = start(PAYS, 'cat', []);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 3) {
      one.raw(bytes.subarray(at, at + 3));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await one.end();
    expect(one.out()).toBe(text);
    expect(one.asked).toEqual([]);
  });
});

/** A server that hears no end of its input and no signal, and a child of it that hears none either. */
const DEAF = `
process.on('SIGINT', () => process.stdout.write('SIGINT\\n'));
process.on('SIGTERM', () => process.stdout.write('SIGTERM\\n'));
process.stdin.resume().on('end', () => process.stdout.write('end of input\\n'));
setInterval(() => {}, 1000);
const child = require('node:child_process').spawn('sh', ['-c', 'trap "" INT TERM HUP; while :; do sleep 0.05; done'], { stdio: ['ignore', 'inherit', 'inherit'] });
process.stdout.write('child ' + child.pid + '\\n');`;

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const gone = async (pid: number): Promise<void> => {
  for (let waits = 0; isThere(pid) && waits < 400; waits += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isThere(pid)).toBe(false);
};
const childIn = (line: string): number => Number(line.replace('child ', ''));

describe.skipIf(process.platform === 'win32')('a wrapped server whose client goes', () => {
  const QUICK = { closeMs: 150, termMs: 150 };
  const deaf = () => start(PAYS, process.execPath, ['-e', DEAF], QUICK);

  it('is told by the end of its input, by SIGTERM, and is killed, with all that it started', async () => {
    const one = deaf();
    const child = childIn(await one.line());
    const before = Date.now();
    expect(await one.end()).toEqual({ signal: 'SIGKILL' });
    expect(Date.now() - before).toBeGreaterThanOrEqual(290);
    expect(one.out().split('\n').slice(1, 3)).toEqual(['end of input', 'SIGTERM']);
    await gone(child);
  });

  it('is told what the wrapper is told, and killed when it does not hear SIGTERM', async () => {
    const one = deaf();
    const child = childIn(await one.line());
    process.emit('SIGINT');
    expect(await one.line(2)).toBe('SIGINT');
    process.emit('SIGTERM');
    expect(await one.line(3)).toBe('SIGTERM');
    expect(await one.ended).toEqual({ signal: 'SIGKILL' });
    await gone(child);
  });

  it('and that ends by itself on the way does so as it likes', async () => {
    const slow = `process.stdin.resume().on('end', () => setTimeout(() => process.exit(3), 60))`;
    const graceful = `process.on('SIGTERM', () => setTimeout(() => process.exit(4), 60)); setInterval(() => {}, 1000)`;
    for (const [program, code] of [[slow, 3], [graceful, 4]] as const) {
      const one = start(PAYS, process.execPath, ['-e', `process.stdout.write('up\\n');${program}`], { closeMs: 300, termMs: 1_000 });
      await one.line();
      expect(await one.end()).toEqual({ code });
    }
  });

  it('while it works for it is waited for, as without a wrapper, until the client is not there any more', async () => {
    const slow = `process.stdin.resume().on('end', () => setTimeout(() => process.stdout.write('{"id":1,"result":{}}\\n', () => process.exit(0)), 1200)); process.stdout.write('up\\n')`;
    for (const isThere of [true, false]) {
      const one = start(PAYS, process.execPath, ['-e', slow], QUICK, () => isThere);
      await one.line();
      one.say({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: {} });
      expect(await one.end()).toEqual(isThere ? { code: 0 } : { signal: 'SIGTERM' });
      expect(one.out().includes('"result"')).toBe(isThere);
    }
  });

  it('and is a child of the program that was named goes with it', async () => {
    const one = start(PAYS, 'sh', ['-c', `"$0" -e "$1"; exit 5`, process.execPath, DEAF], QUICK);
    const child = childIn(await one.line());
    await one.end();
    await gone(child);
  });

  it('leaves to itself what it started where it ends before its client does', async () => {
    const leaves = `const c = require('node:child_process').spawn('sleep', ['3'], { stdio: 'ignore' }); c.unref(); process.stdout.write('child ' + c.pid + '\\n', () => process.exit(0))`;
    const one = start(PAYS, process.execPath, ['-e', leaves], QUICK);
    expect(await one.ended).toEqual({ code: 0 });
    const child = childIn(one.out().trim());
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isThere(child)).toBe(true);
    process.kill(child);
  });

  it('ends although another program holds its output open', async () => {
    const holds = `const c = require('node:child_process').spawn('sleep', ['30'], { stdio: ['ignore', 'inherit', 'ignore'] }); c.unref(); process.stdout.write('child ' + c.pid + '\\n', () => process.exit(6))`;
    const one = start(PAYS, process.execPath, ['-e', holds], QUICK);
    expect(await one.ended).toEqual({ code: 6 });
    process.kill(childIn(one.out().trim()));
  });

  it('is killed with its wrapper, which a tired client kills', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pag0-wrap-'));
    try {
      const program = join(folder, 'wrap.mjs');
      const entry = join(folder, 'entry.ts');
      writeFileSync(entry, `import { wrap } from ${JSON.stringify(fileURLToPath(new URL('./mcp-wrap.ts', import.meta.url)))};
        wrap({ command: process.execPath, args: ['-e', process.argv[2]], client: { post: async () => ({ kind: 'absent' }) }, input: process.stdin, output: process.stdout, pid: process.pid });`);
      await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'esm' });
      const wrapper = spawn(process.execPath, [program, DEAF], { stdio: ['pipe', 'pipe', 'inherit'] });
      let out = '';
      wrapper.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      while (!out.includes('\n')) await new Promise((resolve) => setTimeout(resolve, 10));
      const child = childIn(out.trim());
      wrapper.kill('SIGKILL');
      await gone(child);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
