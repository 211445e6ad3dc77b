import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import dns from 'node:dns';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, createServer as createNet, type Server as NetServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ProxyAgent, WebSocket } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Pag0Error, refusal } from '../core/errors.ts';
import { UpstreamError } from '../upstream/upstream-error.ts';
import { makeCaPair, readCaPair } from './ca-pair.ts';
import { createLeafIssuer } from './leaf.ts';
import { createStage, curl, eventually, raw, TICKET, type Stage } from './stage.fixture.ts';

let stage: Stage;
let plain: string;
let secure: string;
/** What the upstream was asked, and whether the one who asked went away. */
const asked: { line: string; fields: IncomingMessage['headers']; body: string }[] = [];
const connections = new Set<unknown>();

beforeAll(async () => {
  stage = await createStage({ limits: { bufferedBodyBytes: 64 * 1024, bodyIdleMs: 400, headMs: 400, connectMs: 1_000 } });
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      asked.push({ line: `${incoming.method} ${incoming.url}`, fields: incoming.headers, body: Buffer.concat(pieces).toString('latin1') });
      if (incoming.url === '/cookies') outgoing.setHeader('set-cookie', ['a=1', 'b=2']);
      if (incoming.url === '/none') return void outgoing.writeHead(204).end();
      outgoing.setHeader('x-conn', 'mine').setHeader('connection', 'keep-alive, x-conn');
      outgoing.setHeader('content-type', 'text/plain');
      outgoing.setHeader('content-length', `hello ${incoming.method}`.length);
      outgoing.end(`hello ${incoming.method}`);
    });
  };
  plain = await stage.serve(listener);
  secure = await stage.serveSecure((incoming, outgoing) => {
    connections.add(incoming.socket);
    listener(incoming, outgoing);
  });
});
afterAll(() => stage.close());
beforeEach(() => {
  asked.length = 0;
  connections.clear();
  Object.assign(stage.governor, { rule: 'look', seen: [], asked: [], sockets: [], signals: [], failures: [], answer: null });
});

const through = (...args: string[]): ReturnType<typeof curl> => curl(stage.proxy, '--cacert', stage.caFile, ...args);
const ticket = ['--proxy-header', `Proxy-Authorization: ${TICKET}`];

describe('a request in absolute form', () => {
  it('is looked at as the server would see it, and answered with what the server said', async () => {
    const { out } = await through('-i', ...ticket, '-H', 'X-Here: 1', '-H', 'Connection: X-Here, keep-alive', '-H', 'TE: trailers', '-d', '{"a":1}', `${plain}/a/../b?q=%20#part`, '--path-as-is');
    expect(out).toMatch(/^HTTP\/1.1 200 OK/);
    expect(out).toMatch(/hello POST$/);
    expect(out).toMatch(/\r\nx-conn: mine\r\nconnection: keep-alive, x-conn\r\n/);
    expect(out).not.toMatch(/\r\nvia:/i);
    expect(stage.governor.asked).toEqual([`environment http ${new URL(plain).host}`]);
    const [seen] = stage.governor.seen;
    expect(seen).toMatchObject({ method: 'POST', url: `${plain}/a/../b?q=%20` });
    expect(seen!.body).toEqual(Buffer.from('{"a":1}'));
    expect(Object.keys(seen!.fields).sort()).toEqual(['accept', 'content-length', 'content-type', 'user-agent']);
    expect(asked[0]).toMatchObject({ line: 'POST /a/../b?q=%20', body: '{"a":1}' });
    expect(asked[0]!.fields.host).toBe(new URL(plain).host);
  });

  it('passes without being looked at where it is not governed', async () => {
    stage.governor.rule = 'tunnel';
    expect((await through(`${plain}/x`)).out).toBe('hello GET');
    expect(stage.governor.seen).toEqual([]);
    expect(asked[0]!.line).toBe('GET /x');
  });

  it('is refused with a code and a sentence', async () => {
    stage.governor.rule = 'refuse';
    const { out } = await through('-w', ' %{http_code}', `${plain}/x`);
    expect(JSON.parse(out.slice(0, -4))).toEqual({ error: { code: 'ENDPOINT_NOT_ALLOWED', message: 'pag0 ENDPOINT_NOT_ALLOWED: this host is not allowed.', details: { scope: 'agent main' } } });
    expect(out.slice(-3)).toBe('403');
    expect(asked).toEqual([]);
  });

  it('with a ticket that is not valid is answered 407, which says what would be', async () => {
    const { out } = await through('-i', '--proxy-header', 'Proxy-Authorization: Basic bm8=', `${plain}/x`);
    expect(out).toMatch(/^HTTP\/1.1 407 /);
    expect(out).toMatch(/proxy-authenticate: Basic realm="pag0"/);
    expect(out).toMatch(/PROXY_CREDENTIALS_INVALID/);
  });

  it('never shows the ticket to a server', async () => {
    await through(...ticket, `${plain}/x`);
    await through(...ticket, `${secure}/x`);
    for (const { fields } of asked) expect(fields).not.toHaveProperty('proxy-authorization');
    expect(asked).toHaveLength(2);
  });

  it('keeps several cookies apart, a HEAD without a body and a 204 without a length', async () => {
    expect((await through('-i', `${plain}/cookies`)).out.match(/set-cookie: .*/gi)).toEqual(['set-cookie: a=1\r', 'set-cookie: b=2\r'].map((line) => line.slice(0, -1)));
    const head = await through('-I', `${plain}/x`);
    expect(head.out).toMatch(/content-length: 10/i);
    expect(head.code).toBe(0);
    const none = await through('-i', `${plain}/none`, `${plain}/x`);
    expect(none.out).toMatch(/^HTTP\/1.1 204 No Content\r\n(?:(?!content-length)[^\r]+\r\n)*\r\nHTTP\/1.1 200/i);
  });

  it('honours Expect: 100-continue', async () => {
    const got = await raw(stage.port, `POST ${plain}/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`, { until: /100 Continue\r\n\r\n/ });
    expect(got).toMatch(/^HTTP\/1.1 100 Continue/);
    expect((await through('-H', 'Expect: 100-continue', '-d', 'ab', `${plain}/x`)).out).toBe('hello POST');
    // The server reads what was written; its own word to go on is one too many, for the client has had ours.
    expect(asked[0]!.fields).toMatchObject({ expect: '100-continue' });
  });

  it('that asks for h2c is an ordinary request', async () => {
    expect((await through('--http2', '-d', 'body', `${plain}/x`)).out).toBe('hello POST');
    expect(asked[0]).toMatchObject({ body: 'body' });
    expect(asked[0]!.fields).not.toHaveProperty('upgrade');
  });
});

describe('the daemon itself', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '127.1', 'LOCALHOST.'])('is served by its own listener when it is called %s', async (host) => {
    const got = await raw(stage.port, `POST http://${host}:${stage.port}/hook HTTP/1.1\r\nHost: ${host}:${stage.port}\r\nContent-Length: 2\r\n\r\n{}`, { until: /own$/ });
    expect(got).toMatch(/^HTTP\/1.1 200 OK/);
    expect(stage.own.at(-1)).toBe('POST /hook');
    expect(stage.governor.asked).toEqual([]);
  });

  it('is not reached by a tunnel', async () => {
    expect(await raw(stage.port, `CONNECT localhost:${stage.port} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 508 .*GATEWAY_LOOP/s);
  });

  it('is not reached through a tunnel by a name of somebody else’s that leads to it', async () => {
    stage.governor.rule = 'tunnel';
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, options: { all?: boolean }, done: (...found: unknown[]) => void) => done(null, ...(options.all === true ? [[{ address: '127.0.0.1', family: 4 }]] : ['127.0.0.1', 4]))) as never);
    onTestFinished(() => lookup.mockRestore());
    const said = await raw(stage.port, `CONNECT rebound.example:${stage.port} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1:${stage.port}\r\nConnection: close\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1.1 508 .*GATEWAY_LOOP/s);
    expect(lookup).toHaveBeenCalled();
    expect(stage.own).not.toContain('GET /');
  });
});

describe('a tunnel', () => {
  beforeEach(() => (stage.governor.rule = 'tunnel'));

  it('passes bytes to where it was asked for, and TLS ends at the server', async () => {
    const { out } = await curl(stage.proxy, '--cacert', join(stage.dir, 'world', 'ca.pem'), `${secure}/x`);
    expect(out).toBe('hello GET');
    expect(stage.governor.asked).toEqual([`nobody https ${new URL(secure).host}`]);
    expect(stage.governor.seen).toEqual([]);
  });

  it('passes on that one side has ended while the other still speaks', async () => {
    const port = await stage.listen(
      createNet({ allowHalfOpen: true }, (socket) => {
        let got = '';
        socket.on('data', (piece) => (got += piece));
        socket.on('end', () => socket.end(`got ${got}`));
      }),
    );
    const socket = connect({ port: stage.port, host: '127.0.0.1', allowHalfOpen: true });
    let got = '';
    socket.on('data', (piece) => {
      got += piece;
      if (got.endsWith('\r\n\r\n')) socket.end(' late');
    });
    socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\nearly`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(got).toMatch(/got early late$/);
  });

  it('to nobody says so', async () => {
    expect(await raw(stage.port, 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 502 .*UPSTREAM_FAILED.*ECONNREFUSED/s);
  });

  it('passes a reset on as a reset, not as an end', async () => {
    const port = await stage.listen(createNet((socket) => socket.once('data', () => socket.resetAndDestroy())));
    const socket = connect(stage.port, '127.0.0.1');
    socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
    socket.once('data', () => socket.write('x'));
    expect(await new Promise((resolve) => socket.once('error', resolve).once('end', () => resolve('end')))).toMatchObject({ code: 'ECONNRESET' });
  });

  it('that nobody uses ends, and so does one whose far end never comes', async () => {
    const other = await createStage({ limits: { tunnelIdleMs: 100, connectMs: 100 } });
    other.governor.rule = 'tunnel';
    const port = await other.listen(createNet((socket) => socket.on('error', () => {})));
    const before = Date.now();
    expect(await raw(other.port, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 /);
    expect(Date.now() - before).toBeLessThan(1_500);
    // Reserved for documentation: nobody answers there (RFC 5737); a machine without a network says so at once.
    expect(await raw(other.port, 'CONNECT 192.0.2.1:9 HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 50[24] .*UPSTREAM_(TIMEOUT|FAILED)/s);
    await other.close();
  });

  it('is not opened with a ticket that is not valid', async () => {
    expect(await raw(stage.port, 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic bm8=\r\n\r\n')).toMatch(/^HTTP\/1.1 407 .*proxy-authenticate: Basic.*PROXY_CREDENTIALS_INVALID/s);
  });

  it('ends at once with the gateway', async () => {
    const other = await createStage();
    other.governor.rule = 'tunnel';
    let closed = false;
    const port = await other.listen(createNet((socket) => socket.on('close', () => (closed = true)).on('error', () => {})));
    const socket = connect(other.port, '127.0.0.1').on('error', () => {});
    socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    other.gateway.close();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await eventually(() => closed)).toBe(true);
    await other.close();
  });
});

describe('TLS that ends here', () => {
  it('lets a governed request be looked at, with the server verified behind it', async () => {
    const { out, code, err } = await through('-i', ...ticket, '-d', 'x=1', `${secure}/pay?a=b`);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/hello POST$/);
    expect(stage.governor.seen[0]).toMatchObject({ method: 'POST', url: `${secure}/pay?a=b`, body: Buffer.from('x=1') });
  });

  it('keeps one connection for several requests, on both sides', async () => {
    const { out } = await through('-w', '%{num_connects} ', `${secure}/1`, `${secure}/2`, `${secure}/3`);
    expect(out).toBe('hello GET1 hello GET0 hello GET0 ');
    expect(connections.size).toBe(1);
  });

  it('speaks HTTP/1.1 alone', async () => {
    expect((await through('-w', ' %{http_version}', '--http2', `${secure}/x`)).out).toBe('hello GET 1.1');
  });

  it('is trusted through the bundle as well, and by nobody who was not told', async () => {
    expect((await curl(stage.proxy, '--cacert', stage.bundleFile, `${secure}/x`)).out).toBe('hello GET');
    expect((await curl(stage.proxy, `${secure}/x`)).code).toBe(60);
  });

  it('understands plain HTTP inside a tunnel', async () => {
    expect((await through('-p', `${plain}/inside`)).out).toBe('hello GET');
    expect(stage.governor.seen[0]!.url).toBe(`${plain}/inside`);
    expect((await through('-p', '--http2', '-d', 'x', `${plain}/inside`)).out).toBe('hello POST');
  });

  it('says a refusal where it is read: inside', async () => {
    stage.governor.rule = 'refuse';
    const { out } = await through(...ticket, '-w', ' %{http_code}', `${secure}/x`);
    expect(out).toMatch(/ENDPOINT_NOT_ALLOWED.* 403$/);
  });

  it('is not begun for somebody unknown who is refused', async () => {
    stage.governor.rule = 'refuse';
    const { code, err } = await through(`${secure}/x`);
    expect({ code, err }).toEqual({ code: 56, err: expect.stringContaining('403') });
  });

  it('answers 421 where the request, or TLS, names another host than the tunnel', async () => {
    const { port } = new URL(secure);
    expect((await through('-w', ' %{http_code}', '-H', `Host: other.example:${port}`, `${secure}/x`)).out).toMatch(/BAD_REQUEST.* 421$/);
    // Towards the gateway it is a tunnel to localhost; TLS inside says elsewhere.test.
    const front = await through('-k', '-w', ' %{http_code}', '--connect-to', `elsewhere.test:443:localhost:${port}`, '-H', `Host: localhost:${port}`, 'https://elsewhere.test/x');
    expect(front.out).toMatch(/another host.* 421$/);
    expect(asked).toEqual([]);
  });

  it.each([
    ['self-signed', 'self'],
    ['for another host', 'other'],
    ['expired', 'expired'],
  ])('does not pass a request on to a server whose certificate is %s', async (_name, which) => {
    const server = await badServer(stage, which);
    const { out, code } = await through('-w', '%{http_code}', `https://localhost:${server}/x`);
    expect({ out, code }).toEqual({ out: '000', code: 52 });
    expect(stage.governor.failures).toEqual([expect.stringMatching(/localhost:\d+ gave no answer \((DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|ERR_TLS_CERT_ALTNAME_INVALID|CERT_HAS_EXPIRED|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\)/)]);
  });
});

async function badServer(on: Stage, which: string): Promise<number> {
  const world = readCaPair(readFileSync(join(on.dir, 'world', 'ca-key.pem'), 'utf8'), Date.now())!;
  const pair = which === 'self' ? await makeCaPair(Date.now()) : world;
  const context = await (await createLeafIssuer(pair)).issue(which === 'other' ? 'other.test' : 'localhost', which === 'expired' ? Date.now() - 30 * 86_400_000 : Date.now());
  return on.listen(createHttps({ SNICallback: (_host, done) => done(null, context) }, (_incoming, outgoing) => outgoing.end('no')));
}

describe('a body', () => {
  it('that is large passes in both directions and sits in no memory', async () => {
    const pieces = 300;
    const piece = Buffer.alloc(1024 * 1024, 'x');
    let received = 0;
    const big = await stage.serveSecure((incoming, outgoing) => {
      incoming.on('data', (got: Buffer) => (received += got.length));
      incoming.on('end', () => {
        if (incoming.method === 'POST') return void outgoing.end(String(received));
        outgoing.setHeader('content-length', pieces * piece.length);
        Readable.from((function* () { for (let at = 0; at < pieces; at += 1) yield piece; })(), { highWaterMark: 1 }).pipe(outgoing);
      });
    });
    const before = process.memoryUsage().rss;
    let highest = before;
    const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage().rss)), 10);
    const down = await through('-o', '/dev/null', '-w', '%{size_download}', `${big}/down`);
    const file = join(stage.dir, 'big');
    writeFileSync(file, Buffer.alloc(50 * 1024 * 1024, 'y'));
    const up = await through('-T', file, '-X', 'POST', `${big}/up`);
    clearInterval(watch);
    expect(down.out).toBe(String(pieces * piece.length));
    expect(up.out).toBe(String(50 * 1024 * 1024));
    expect(stage.governor.seen.at(-1)!.body).toBeInstanceOf(Readable);
    expect((highest - before) / 1024 / 1024).toBeLessThan(150);
  });

  it('just above the limit arrives whole', async () => {
    const file = join(stage.dir, 'above');
    writeFileSync(file, Buffer.alloc(64 * 1024 + 1, 'z'));
    await through('-H', 'Transfer-Encoding: chunked', '--data-binary', `@${file}`, `${plain}/x`);
    await through('--data-binary', `@${file}`, `${plain}/x`);
    expect(asked.map(({ body, fields }) => [body.length, fields['content-length']])).toEqual([
      [64 * 1024 + 1, undefined],
      [64 * 1024 + 1, '65537'],
    ]);
  });

  it('of events is seen event by event', async () => {
    let next = (): void => {};
    const events = await stage.serveSecure((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      outgoing.write('data: 1\n\n');
      next = () => outgoing.end('data: 2\n\n');
    });
    const child = spawn('curl', ['-q', '-sSN', '--max-time', '10', '-x', stage.proxy, '--noproxy', '', '--cacert', stage.caFile, `${events}/sse`]);
    let got = '';
    child.stdout.on('data', (piece: Buffer) => (got += piece.toString()));
    expect(await eventually(() => got === 'data: 1\n\n')).toBe(true);
    next();
    await new Promise((resolve) => child.once('close', resolve));
    expect(got).toBe('data: 1\n\ndata: 2\n\n');
  });

  it('that is answered before its end leaves the connection usable', async () => {
    stage.governor.answer = async ({ body }) => {
      if (body instanceof Readable) body.destroy();
      return { status: 413, fields: {}, body: Buffer.from('no') };
    };
    const big = 'x'.repeat(200_000);
    const request = `POST ${plain}/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${big.length}\r\n\r\n${big}`;
    const got = await raw(stage.port, `${request}${request}`, { until: /no.*no$/s });
    expect(got.match(/HTTP\/1.1 413/g)).toHaveLength(2);
  });

  it('that stalls is given up', async () => {
    expect(await raw(stage.port, `POST ${plain}/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab`)).toMatch(/^HTTP\/1.1 408 .*BAD_REQUEST/s);
    expect(asked).toEqual([]);
  });

  it('that turns out malformed ends its answer, and nothing is written into it', async () => {
    const early = await stage.serve((_incoming, outgoing) => void outgoing.write('early'));
    const big = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const got = await raw(stage.port, `POST ${early}/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${big}${big}zz\r\n`);
    expect(got).toMatch(/^(HTTP\/1.1 400 .*BAD_REQUEST.*|HTTP\/1.1 200 OK.*early\r\n|)$/s);
    expect(got.match(/HTTP\/1.1/g)?.length ?? 0).toBeLessThan(2);
  });

  it('that breaks upstream never looks like a whole one', async () => {
    const broken = await stage.serve((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-length': 100 });
      outgoing.write('half');
      setTimeout(() => outgoing.destroy(), 30);
    });
    const chunked = await stage.serve((_incoming, outgoing) => {
      outgoing.write('half');
      setTimeout(() => outgoing.destroy(), 30);
    });
    for (const server of [broken, chunked]) {
      expect((await through(`${server}/x`)).code).toBe(18);
    }
    // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body, with and without a proxy.
    expect((await through('-0', `${broken}/x`)).code).toBe(18);
    expect((await through('-0', `${chunked}/x`)).code).toBe((await curl('', '-0', `${chunked}/x`)).code);
  });
});

describe('a client that goes away', () => {
  const leave = async (url: string, when: () => boolean): Promise<void> => {
    const socket: Socket = connect(stage.port, '127.0.0.1').on('error', () => {});
    socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(await eventually(when)).toBe(true);
    socket.destroy();
  };

  it('while the server thinks, ends the exchange there', async () => {
    let here = false;
    let gone = false;
    const slow = await stage.serve((incoming) => {
      here = true;
      incoming.socket.once('close', () => (gone = true));
    });
    await leave(`${slow}/x`, () => here);
    expect(await eventually(() => gone)).toBe(true);
    expect(stage.governor.signals[0]!.aborted).toBe(true);
  });

  it('while the answer comes, ends the exchange there', async () => {
    let sent = 0;
    let gone = false;
    const endless = await stage.serve((incoming, outgoing) => {
      incoming.socket.once('close', () => (gone = true));
      const timer = setInterval(() => outgoing.write('more', () => (sent += 1)), 5);
      outgoing.once('close', () => clearInterval(timer));
    });
    await leave(`${endless}/x`, () => sent > 3);
    expect(await eventually(() => gone)).toBe(true);
  });

  it('while the governor decides, is noticed', async () => {
    stage.governor.answer = (_request, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    await leave(`${plain}/x`, () => stage.governor.signals.length === 1);
    expect(await eventually(() => stage.governor.signals[0]!.aborted)).toBe(true);
  });

  it('while it sends, leaves nothing behind', async () => {
    const socket = connect(stage.port, '127.0.0.1').on('error', () => {});
    let gone = false;
    let here = false;
    const sink = await stage.serve((incoming) => {
      here = true;
      incoming.resume().once('close', () => (gone = true));
    });
    socket.write(`POST ${sink}/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(100_000)}`);
    expect(await eventually(() => here)).toBe(true);
    socket.destroy();
    expect(await eventually(() => gone)).toBe(true);
  });
});

describe('what goes wrong in between', () => {
  it.each([
    new UpstreamError('UPSTREAM_TIMEOUT', 'too slow', { sent: true }),
    new UpstreamError('UPSTREAM_FAILED', 'broken', { sent: false }),
  ])('%s is no answer, and none is made up: curl fails, and the reason is told', async (error) => {
    stage.governor.answer = () => Promise.reject(error);
    const { out, code } = await through('-w', '%{http_code}', `${secure}/x`);
    expect({ out, code }).toEqual({ out: '000', code: 52 });
    expect(stage.governor.failures).toEqual([expect.stringContaining(error.message)]);
  });

  it('of our own is answered with a code, and without its text', async () => {
    stage.governor.answer = () => Promise.reject(new Error('a secret of the inside'));
    const { out, code } = await through('-w', ' %{http_code}', `${secure}/x`);
    expect(out).toMatch(/UPSTREAM_FAILED.* 502$/);
    expect(out).not.toMatch(/secret/);
    expect(code).toBe(18);
  });
});

describe('a governor that breaks', () => {
  it('ends the request, not the daemon, and lets nothing pass', async () => {
    const { passage } = stage.governor;
    stage.governor.passage = () => {
      throw new Pag0Error('LEDGER_UNAVAILABLE', 'the ledger cannot be read');
    };
    expect((await through('-w', ' %{http_code}', `${plain}/x`)).out).toMatch(/LEDGER_UNAVAILABLE.* 503$/);
    expect((await through(`${secure}/x`)).err).toMatch(/503/);
    stage.governor.passage = passage;
    stage.governor.answer = async () => ({ status: 200, fields: { 'x-bad': 'a\nb' }, body: Readable.from(['x']) });
    expect((await through('-w', ' %{http_code}', `${plain}/x`)).out).toMatch(/UPSTREAM_FAILED.* 502$/);
    expect(asked).toEqual([]);
  });
});

/** RFC 6455, section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

describe('a ticket', () => {
  it('ends with its call, inside a tunnel that it opened, too', async () => {
    const { whoAsks } = stage.governor;
    onTestFinished(() => void Object.assign(stage.governor, { whoAsks }));
    const of = new Set<unknown>();
    let left = 0;
    stage.governor.whoAsks = async (shown, connection) => {
      of.add(connection);
      left -= 1;
      return left < 0 ? { rejected: refusal('PROXY_CREDENTIALS_INVALID', 'its ticket ended', { scope: 'ticket' }) } : whoAsks(shown, connection);
    };
    const { host } = new URL(plain);
    const within = async (asks: number, text: string): Promise<string[]> => {
      left = asks;
      const got = await raw(stage.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: ${TICKET}\r\n\r\n${text}`);
      return got.match(/HTTP\/1.1 \d+|PROXY_CREDENTIALS_INVALID: /g)!;
    };
    const get = `GET /x HTTP/1.1\r\nHost: ${host}\r\n`;
    expect(await within(2, `${get}\r\n${get}Connection: close\r\n\r\n`)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 403', 'PROXY_CREDENTIALS_INVALID: ']);
    // What the system knows of a connection is known by that object.
    expect(of.size).toBe(1);
    expect(await within(1, `${get}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403', 'PROXY_CREDENTIALS_INVALID: ']);
    expect(asked).toHaveLength(1);
    expect(stage.governor.sockets).toEqual([]);
  });
});

describe('a WebSocket', () => {
  const echo = (incoming: IncomingMessage, socket: Socket): void => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Key: ${incoming.headers['sec-websocket-key']}\r\n\r\n`);
    socket.on('error', () => {}).pipe(socket);
  };
  const ask = (target: string, host: string): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`;

  it('passes, once the server agreed', async () => {
    const port = await stage.listen(createHttp().on('upgrade', echo));
    const got = await raw(stage.port, `${ask(`http://127.0.0.1:${port}/ws`, `127.0.0.1:${port}`)}ping`, { until: /ping$/ });
    expect(got).toMatch(/^HTTP\/1.1 101 .*X-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nping$/s);
    expect(stage.governor.asked).toEqual([`nobody http 127.0.0.1:${port}`]);
    expect(stage.governor.sockets.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET http://127.0.0.1:${port}/ws`]);
  });

  it('passes inside TLS that ends here', async () => {
    const wss = await stage.serveSecure(() => {});
    const port = new URL(wss).port;
    // undici's own client, which also checks the handshake.
    serverOn(stage, port).on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
      const accept = createHash('sha1').update(`${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.write(Buffer.concat([Buffer.from([0x81, 2]), Buffer.from('hi')]));
    });
    const agent = new ProxyAgent({ uri: stage.proxy, requestTls: { ca: readFileSync(stage.caFile, 'utf8') } });
    const socket = new WebSocket(`wss://localhost:${port}/ws`, { dispatcher: agent });
    const message = await new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = ({ error }) => reject(error as Error);
    });
    expect(message).toBe('hi');
    await agent.destroy();
  });

  it('that a server does not want leaves no open line to it', async () => {
    const got = await raw(stage.port, `${ask(`${plain}/ws`, new URL(plain).host)}GET /past-the-governor HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(got).toMatch(/^HTTP\/1.1 200 OK.*hello GET$/is);
    expect(asked.map(({ line }) => line)).toEqual(['GET /ws']);
  });

  it('is refused like everything else', async () => {
    stage.governor.rule = 'refuse';
    expect(await raw(stage.port, ask(`${plain}/ws`, 'x'))).toMatch(/^HTTP\/1.1 403 .*ENDPOINT_NOT_ALLOWED/s);
  });

  it('is weighed before its handshake is sent, in a tunnel and outside, and only where it is looked at', async () => {
    const { admitSocket } = stage.governor;
    onTestFinished(() => void Object.assign(stage.governor, { admitSocket }));
    stage.governor.admitSocket = async (_asker, { method, url }) => refusal('KILL_SWITCH', `${method} ${url} was not sent`, { scope: 'main' });
    const { host } = new URL(plain);
    const connecting = `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const problem = new RegExp(`HTTP/1.1 403 .*KILL_SWITCH: GET ${plain}/ws was not sent`, 's');
    expect(await raw(stage.port, ask(`${plain}/ws`, 'x'))).toMatch(problem);
    expect(await raw(stage.port, connecting + ask('/ws', host))).toMatch(problem);
    stage.governor.admitSocket = () => Promise.reject(new Error('secret'));
    expect(await raw(stage.port, ask(`${plain}/ws`, 'x'))).toMatch(/^HTTP\/1.1 502 .*UPSTREAM_FAILED(?!.*secret)/s);
    expect(asked).toEqual([]);
    stage.governor.rule = 'tunnel';
    expect(await raw(stage.port, ask(`${plain}/ws`, 'x'))).toMatch(/hello GET$/);
  });

  it.each([
    ['without a key', (whole: string) => whole.replace(/Sec-WebSocket-Key.*\r\n/, '')],
    ['with a key that is none', (whole: string) => whole.replace(KEY, 'abc')],
    ['of no version', (whole: string) => whole.replace(/Sec-WebSocket-Version.*\r\n/, '')],
    ['with a body', (whole: string) => `${whole.slice(0, -2)}Content-Length: 4\r\n\r\nbody`],
  ])('that is asked for %s is the plain request that it also is, and weighed as one', async (_how, spoil) => {
    const { host } = new URL(plain);
    const closing = (whole: string): string => spoil(whole).replace('Connection: Upgrade', 'Connection: Upgrade, close');
    expect(await raw(stage.port, closing(ask(`${plain}/search`, 'x')))).toMatch(/hello GET$/);
    expect(await raw(stage.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n${closing(ask('/search', host))}`)).toMatch(/hello GET$/);
    expect(stage.governor.seen.map(({ url }) => url)).toEqual([`${plain}/search`, `${plain}/search`]);
    expect(asked.map(({ fields }) => fields.upgrade)).toEqual([undefined, undefined]);
    expect(stage.governor.sockets).toEqual([]);
  });
});

function serverOn(on: Stage, port: string): NetServer {
  const found = on.servers.find((server) => (server.address() as { port: number } | null)?.port === Number(port));
  if (found === undefined) throw new Error(`no server on ${port}`);
  return found;
}
