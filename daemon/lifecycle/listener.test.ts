import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGateway } from '../gateway/gateway.ts';
import { createListener, type Serving } from './listener.ts';

async function stage(confined: Serving['confined'], opens: Promise<void> | null = null) {
  const asked: string[] = [];
  let serving: Serving | null = null;
  let opening = opens;
  const door = async (incoming: Request): Promise<Response> => (asked.push(`door ${new URL(incoming.url).pathname}`), new Response('door'));
  const server = createListener({ door, leaving: () => false, serving: () => serving, opening: () => opening });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const governor = { whoAsks: async () => ({ asker: null }), passage: () => ({ passage: 'refuse', refusal: { code: 'ENDPOINT_NOT_ALLOWED', sentence: 'no', details: { scope: 'x' }, ends: null } }) } as never;
  const gateway = createGateway({ governor, contextFor: null as never, port, log: { info() {}, error() {} } });
  const served: Serving = { confined, proxy: { accept: gateway.accept, request: () => false }, hook: async () => (asked.push('hook'), { status: 200, text: '"hook"' }) };
  if (opens === null) serving = served;
  else void opens.then(() => ((serving = served), (opening = null)));
  const ask = (path: string, body = '{}') =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, method: 'POST', path, agent: false, headers: { host: `127.0.0.1:${port}` } }, (answer) => void text(answer).then((said) => resolve({ status: answer.statusCode!, text: said })));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return { ask, asked, port };
}

describe('what comes out of a sandbox', () => {
  it('is passed on and never answered by the daemon itself, however it writes the address', async () => {
    const { ask, asked, port } = await stage(async () => true);
    for (const path of ['/hook', '/v1/quote', '/v1/stop', '/health', '/']) {
      for (const origin of ['', `http://127.0.0.1:${port}`, `http://localhost:${port}`]) {
        expect(await ask(origin + path, 'x'.repeat(100_000))).toMatchObject({ status: 403, text: expect.stringContaining('FORBIDDEN') as string });
      }
    }
    expect(asked).toEqual([]);
    expect((await ask('http://evil.example/')).text).toContain('ENDPOINT_NOT_ALLOWED');
  });

  it('is nobody else: whoever turns out to be outside is answered, and waits for no look where none is needed', async () => {
    for (const confined of [async () => false, () => false] as Serving['confined'][]) {
      const { ask, asked } = await stage(confined);
      expect(await ask('/hook')).toEqual({ status: 200, text: '"hook"' });
      expect((await ask('/v1/quote')).text).toBe('door');
      expect(asked).toEqual(['hook', 'door /v1/quote']);
    }
  });
});

describe('while the ledger is being opened', () => {
  it('a client’s event and what goes through the proxy wait for it, and whoever asks how far it is does not', async () => {
    let ready = (): void => {};
    const { ask, asked, port } = await stage(() => false, new Promise((resolve) => (ready = resolve)));
    const waiting = [ask('/hook'), ask('http://evil.example/')];
    const tunnel = new Promise<number>((resolve, reject) => {
      request({ host: '127.0.0.1', port, method: 'CONNECT', path: 'evil.example:443' }).on('connect', (answer, socket) => (socket.destroy(), resolve(answer.statusCode!))).on('error', reject).end();
    });
    expect((await ask('/v1/hello')).text).toBe('door');
    expect(asked).toEqual(['door /v1/hello']);
    ready();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 403]);
    expect(await tunnel).toBe(403);
    expect(asked).toEqual(['door /v1/hello', 'hook']);
  });
});
