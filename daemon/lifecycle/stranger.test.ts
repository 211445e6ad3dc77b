import { createServer, request, type RequestListener } from 'node:http';
import { createServer as createRawServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient } from '../contract/client.ts';
import { ensureToken, openHome } from '../contract/home.ts';
import { NONCE_HEADER, PROOF_HEADER, TIME_HEADER } from '../contract/proof.ts';
import { ROUTES, type HelloAnswer } from '../contract/routes.ts';
import { createPlayground, exitOf, freePort, until, type Playground } from './playground.fixture.ts';
import { createRequest } from './signed.fixture.ts';

const opened: Playground[] = [];
const servers: (() => Promise<void>)[] = [];
const playground = async (): Promise<Playground> => {
  const made = await createPlayground();
  opened.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(servers.splice(0).map((close) => close()));
  await Promise.all(opened.splice(0).map((one) => one.dispose()));
});

async function hold(server: Server, port: number): Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  servers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
}

/** What a stranger on the port heard. */
async function stranger(port: number, listener: RequestListener): Promise<string[]> {
  const heard: string[] = [];
  await hold(
    createServer((req, res) => {
      heard.push(`${req.method} ${req.url}`);
      listener(req, res);
    }),
    port,
  );
  return heard;
}

const STOPPED = { continue: false, stopReason: expect.stringContaining('cannot prove it is your pag0 daemon') as string, systemMessage: expect.any(String) as string };
const truthy: HelloAnswer = { service: 'pag0', version: '9.9.9', build: 'x', pid: 1, port: 1, node: '20', startedAt: 0, state: 'ready' };

describe('a stranger on the port is never obeyed', () => {
  it.each([
    ['a web server that answers everything with 200', ((_req, res) => res.end('hello')) as RequestListener],
    ['a program that talks like pag0 without the token', ((_req, res) => res.writeHead(200, { 'content-type': 'application/json', [PROOF_HEADER]: 'a'.repeat(64) }).end(JSON.stringify(truthy))) as RequestListener],
    ['a server that redirects', ((_req, res) => res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()) as RequestListener],
  ])('%s ends the session with one sentence, at its start and at a prompt, and learns nothing of it', async (_name, listener) => {
    const p = await playground();
    const heard = await stranger(p.port, listener);
    for (const mode of ['session-start', 'user-prompt-submit']) expect((await p.hook(mode)).output).toEqual(STOPPED);
    expect(new Set(heard)).toEqual(new Set(['GET /v1/hello']));
    expect(p.starts()).toBe(0);
  });

  it('a program that is no web server at all', async () => {
    const p = await playground();
    await hold(createRawServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n')), p.port);
    expect((await p.hook('session-start')).output).toEqual(STOPPED);
  });

  it('a program that takes the call and says nothing is given up in time', async () => {
    const p = await playground();
    await hold(createRawServer(() => {}), p.port);
    const run = await p.hook('session-start');
    expect(run.output).toEqual(STOPPED);
    expect(run.ms).toBeLessThan(6_000);
  });

  it('a program that replays what our own daemon once said', async () => {
    const p = await playground();
    await p.hook('session-start');
    const headers = createRequest(p.home, p.port, 'GET', ROUTES.hello);
    const recorded = await fetch(`http://127.0.0.1:${p.port}${ROUTES.hello}`, { headers });
    const proof = recorded.headers.get(PROOF_HEADER)!;
    const body = await recorded.text();
    expect([proof, JSON.parse(body)]).toMatchObject([expect.stringMatching(/^[0-9a-f]{64}$/), { state: 'ready' }]);
    process.kill((await p.hello())!.pid, 'SIGTERM');
    await until(async () => (await p.hello()) === null);
    await stranger(p.port, (_req, res) => res.writeHead(200, { 'content-type': 'application/json', [PROOF_HEADER]: proof }).end(body));
    expect((await p.hook('user-prompt-submit')).output).toEqual(STOPPED);
  });

  it('a program that passes our questions on to a real daemon of ours on another port', async () => {
    const p = await playground();
    await p.hook('session-start');
    const port = await freePort();
    await stranger(port, (req, res) => {
      const outgoing = request({ host: '127.0.0.1', port: p.port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(res);
      });
      req.pipe(outgoing);
    });
    expect((await p.hook('session-start', undefined, { PAG0_PORT: String(port) })).output).toEqual(STOPPED);
  });

  it('keeps the daemon itself from starting, with the sentence in its log and on its screen', async () => {
    const p = await playground();
    await stranger(p.port, (_req, res) => res.end('hello'));
    const end = await exitOf(p.daemon());
    expect(end).toEqual({ code: 1, stderr: `pag0: port ${p.port} is held by a program that cannot prove it is your pag0 daemon; end that program, then start the session again.\n` });
    expect(p.log()).toContain('cannot prove it is your pag0 daemon');
  });
});

describe('the client', () => {
  it('tells nobody, a stranger, silence and an answer apart', async () => {
    const p = await playground();
    expect(openHome(p.home.dir).ok && ensureToken(p.home).ok).toBe(true);
    expect(await p.client.get(ROUTES.hello)).toEqual({ kind: 'absent' });
    const dripping = await freePort();
    await stranger(dripping, (_req, res) => {
      res.writeHead(200);
      const drip = setInterval(() => res.write('x'), 20);
      res.on('close', () => clearInterval(drip));
    });
    const client = createClient({ home: p.home, port: dripping, timeoutMs: 200 });
    const began = Date.now();
    expect(await client.get(ROUTES.hello)).toEqual({ kind: 'silent' });
    expect(Date.now() - began).toBeLessThan(600);
    client.close();
    await p.hook('session-start');
    expect(await p.client.get(ROUTES.hello)).toMatchObject({ kind: 'answer', status: 200, body: { service: 'pag0', state: 'ready' } });
    expect(await p.client.get('/v1/nothing?with=query%20text')).toMatchObject({ kind: 'answer', status: 404 });
  });

  it('sends no token and no secret but the proof', async () => {
    const p = await playground();
    const token = ensureToken(p.home);
    const heard: string[] = [];
    await stranger(p.port, (req, res) => {
      heard.push(JSON.stringify(req.headers));
      res.end();
    });
    await p.client.get(ROUTES.hello);
    expect(heard[0]).toContain(NONCE_HEADER);
    expect(heard[0]).toContain(TIME_HEADER);
    expect(token.ok && heard[0]!.includes(token.token)).toBe(false);
  });
});
