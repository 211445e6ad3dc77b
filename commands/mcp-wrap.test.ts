import { PassThrough } from 'node:stream';
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
  if (message.method === 'tools/call' && message.params.name === 'buy-long') return say({ jsonrpc: '2.0', id: message.id, result: { content: [{ text: 'x'.repeat(1000000) }], _meta: { 'x402/payment-response': { success: true } } } });
  say({ jsonrpc: '2.0', id: message.id, result: { heard: message }, ...(payment === undefined ? {} : { _meta: 1 }) });
});`;

type Daemon = (path: string, body: unknown) => Outcome<unknown>;
const answered = (body: unknown, status = 200): Outcome<unknown> => ({ kind: 'answer', status, body });
const PAYS: Daemon = (path) => answered(path === TOOL_PAYMENT ? { outcome: 'pay', id: 'p1', payment: { signed: true } } : { outcome: 'deliver' });

function start(daemon: Daemon = PAYS, command = process.execPath, args = ['-e', SERVER]) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asked: { path: string; body: unknown }[] = [];
  let out = '';
  output.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const post = <T>(path: string, body: unknown): Promise<Outcome<T>> => (asked.push({ path, body }), Promise.resolve(daemon(path, body) as Outcome<T>));
  const ended = wrap({ command, args, client: { post }, input, output, pid: 4_711 });
  return {
    asked,
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
});
