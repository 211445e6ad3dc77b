import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Upstream, WebAnswer, WebRequest } from '../ports.ts';
import { lazyUpstream } from './lazy-upstream.ts';
import { createUpstream, type UpstreamOptions } from './upstream.ts';
import { UpstreamError } from './upstream-error.ts';

let dir: string;
let certificate: { key: string; cert: string };
const servers: Server[] = [];
const sockets = new Set<Socket>();
const upstreams: Upstream[] = [];
const never = new AbortController().signal;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'pag0-upstream-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...args, '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
  certificate = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
});
afterEach(async () => {
  await Promise.all(upstreams.splice(0).map((one) => one.close()));
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((one) => new Promise((resolve) => one.close(resolve))));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function open(options: UpstreamOptions = {}): Upstream {
  const upstream = createUpstream({ ca: [certificate.cert], ...options });
  upstreams.push(upstream);
  return upstream;
}

async function listen(server: Server, scheme = 'http'): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}`;
}

const plain = (listener: RequestListener): Promise<string> => listen(createHttp(listener));
/** Says this to whoever connects and sends something. */
const saying = (said: string, then: (socket: Socket) => void = () => {}): Promise<string> =>
  listen(createServer((socket) => socket.once('data', () => socket.write(said, () => then(socket)))));

const get = (url: string, more: Partial<WebRequest> = {}): WebRequest => ({ method: 'GET', url, fields: {}, body: null, ...more });
const bodyOf = ({ body }: WebAnswer): Promise<Buffer> => buffer(body as Readable);

async function failure(promise: Promise<unknown>): Promise<{ code: string; sent: boolean }> {
  const error = await promise.then(() => null, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UpstreamError);
  const { code, sent } = error as UpstreamError;
  return { code, sent };
}

describe('an exchange', () => {
  it('sends the path as it is written and brings the answer as it was sent', async () => {
    const packed = gzipSync('hello');
    let seen = '';
    const url = await plain((incoming, outgoing) => {
      seen = `${incoming.method} ${incoming.url} ${incoming.headers.host} ${incoming.headers['x-a']}`;
      outgoing.writeHead(200, ['Content-Encoding', 'gzip', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Name', 'caf\u00e9', 'Connection', 'x-once', 'X-Once', '1']);
      outgoing.end(packed);
    });
    const answer = await open().send(get(`${url}/a/../b?q=|%2f`, { fields: { 'x-a': ['1', '2'], host: 'elsewhere', expect: '100-continue' } }), never);
    expect(seen).toBe(`GET /a/../b?q=|%2f ${new URL(url).host} 1, 2`);
    expect(answer.fields).toMatchObject({ 'content-encoding': 'gzip', 'set-cookie': ['a=1', 'b=2'], 'x-name': 'caf\u00e9' });
    for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'x-once']) expect(answer.fields).not.toHaveProperty(name);
    expect(await bodyOf(answer)).toEqual(packed);
  });

  it('does not follow a redirect', async () => {
    const url = await plain((_incoming, outgoing) => void outgoing.writeHead(302, { location: '/other' }).end());
    expect(await open().send(get(url), never)).toMatchObject({ status: 302, fields: { location: '/other' } });
  });

  it('keeps its connection for the next one', async () => {
    const ports = new Set<number | undefined>();
    const url = await plain((incoming, outgoing) => {
      ports.add(incoming.socket.remotePort);
      outgoing.end('x');
    });
    const upstream = open();
    for (let at = 0; at < 5; at += 1) {
      await bodyOf(await upstream.send(get(url), never));
      // undici uses a connection again one turn of the loop later, lest the server is just closing it.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ports.size).toBe(1);
  });

  it('sends a buffer with its length and a stream as it comes', async () => {
    const seen: (string | undefined)[] = [];
    const url = await plain((incoming, outgoing) => void text(incoming).then((got) => {
      seen.push(`${incoming.headers['content-length']} ${incoming.headers['transfer-encoding']} ${got}`);
      outgoing.end();
    }));
    const upstream = open();
    const streamed = (): Readable => Readable.from([Buffer.from('ab'), Buffer.from('c')]);
    await upstream.send(get(url, { method: 'POST', body: Buffer.from('abc'), fields: { 'content-length': '99' } }), never);
    await upstream.send(get(url, { method: 'POST', body: streamed() }), never);
    await upstream.send(get(url, { method: 'POST', body: streamed(), fields: { 'content-length': '3' } }), never);
    await upstream.send(get(url, { method: 'GET', body: Buffer.from('abc') }), never);
    expect(seen).toEqual(['3 undefined abc', 'undefined chunked abc', '3 undefined abc', '3 undefined abc']);
  });

  it('reads no faster than it is read', async () => {
    let sent = 0;
    const url = await plain((_incoming, outgoing) => {
      const more = (): void => {
        while (sent < 200_000_000 && outgoing.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      outgoing.on('drain', more);
      more();
    });
    const answer = await open().send(get(url), never);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(30_000_000);
    (answer.body as Readable).destroy();
  });

  it('passes over interim answers', async () => {
    const url = await saying('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const answer = await open().send(get(url), never);
    expect([answer.status, (await bodyOf(answer)).toString()]).toEqual([200, 'ok']);
  });
});

describe('HTTP/2', () => {
  const server = (allowHTTP1: boolean, seen: string[]): Promise<string> =>
    listen(
      createSecureServer({ ...certificate, allowHTTP1 }, (incoming, outgoing) => {
        seen.push(`${incoming.httpVersion} ${incoming.method}`);
        outgoing.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] });
        outgoing.end('hello');
      }),
      'https',
    );

  it('is not used with a server that speaks HTTP/1.1 as well', async () => {
    const seen: string[] = [];
    const url = await server(true, seen);
    await bodyOf(await open().send(get(url), never));
    expect(seen).toEqual(['1.1 GET']);
  });

  it('is used with a server that speaks nothing else', async () => {
    const seen: string[] = [];
    const url = await server(false, seen);
    const upstream = open();
    for (const more of [{}, { method: 'POST', body: Buffer.from('x') }, { method: 'POST', body: Readable.from([Buffer.from('x')]) }]) {
      const answer = await upstream.send(get(url, more), never);
      expect(answer).toMatchObject({ status: 200, fields: { 'set-cookie': ['a=1', 'b=2'] } });
      expect((await bodyOf(answer)).toString()).toBe('hello');
    }
    expect(seen).toEqual(['2.0 GET', '2.0 POST', '2.0 POST']);
  });
});

describe('a server that fails', () => {
  it('to be there is known not to have been asked', async () => {
    expect(await failure(open().send(get('http://127.0.0.1:1/'), never))).toEqual({ code: 'UPSTREAM_FAILED', sent: false });
    expect(await failure(open().send(get('http://does-not-exist.invalid/'), never))).toEqual({ code: 'UPSTREAM_FAILED', sent: false });
  });

  it('to show a certificate that can be trusted is told nothing', async () => {
    const seen: string[] = [];
    const url = await listen(createHttps(certificate, (incoming) => seen.push(incoming.url!)), 'https');
    expect(await failure(open({ ca: [] }).send(get(url), never))).toEqual({ code: 'UPSTREAM_UNTRUSTED', sent: false });
    expect(await failure(open().send(get(url.replace('localhost', '127.0.0.1')), never))).toEqual({ code: 'UPSTREAM_UNTRUSTED', sent: false });
    expect(seen).toEqual([]);
  });

  it('to be strict about certificates whatever the environment says', async () => {
    const url = await listen(createHttps(certificate, (_incoming, outgoing) => outgoing.end()), 'https');
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await failure(open({ ca: [] }).send(get(url), never))).toMatchObject({ code: 'UPSTREAM_UNTRUSTED' });
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });

  it('to finish the handshake in time was told nothing', async () => {
    const url = await listen(createServer(() => {}), 'https');
    expect(await failure(open({ connectMs: 100 }).send(get(url), never))).toEqual({ code: 'UPSTREAM_TIMEOUT', sent: false });
  });

  it('to answer in time may have been told everything', async () => {
    const url = await plain(() => {});
    expect(await failure(open({ headersMs: 100 }).send(get(url), never))).toEqual({ code: 'UPSTREAM_TIMEOUT', sent: true });
  });

  it('to go on in time breaks the body', async () => {
    const url = await plain((_incoming, outgoing) => void outgoing.write('half'));
    const answer = await open({ idleMs: 100 }).send(get(url), never);
    expect(await failure(bodyOf(answer))).toEqual({ code: 'UPSTREAM_TIMEOUT', sent: true });
  });

  it.each([
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy(), ''],
    ['ends before its head', (socket: Socket) => socket.end(), 'HTTP/1.1 200 OK\r\n'],
    ['says something else than HTTP', () => {}, 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['never ends its head', () => {}, `HTTP/1.1 200 OK\r\n${'x-more: and more\r\n'.repeat(20_000)}`],
    ['has two lengths', () => {}, 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde'],
    ['has a length and chunks', () => {}, 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n'],
    ['switches protocols unasked', () => {}, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ])('and %s gives no answer, and may have been told everything', async (_name, then, said) => {
    const url = await listen(createServer((socket) => socket.once('data', () => (said === '' ? then(socket) : socket.write(said, () => then(socket))))));
    expect(await failure(open({ headersMs: 500 }).send(get(url), never))).toEqual({ code: 'UPSTREAM_FAILED', sent: true });
  });

  it.each([
    ['is shorter than it said', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['lacks its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['is chunked wrongly', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'],
  ])('to send a whole body: what %s breaks', async (_name, said) => {
    const url = await saying(said, (socket) => socket.end());
    const upstream = open();
    expect(await failure(upstream.send(get(url), never).then(bodyOf))).toEqual({ code: 'UPSTREAM_FAILED', sent: true });
  });

  it('to stop where it said it would does not reach into the next answer', async () => {
    const url = await saying('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    const upstream = open({ headersMs: 300 });
    const first = await upstream.send(get(url), never).then(bodyOf).then(String, () => 'broken');
    expect(['ok', 'broken']).toContain(first);
    const second = await upstream.send(get(url), never).then(bodyOf).then(String, () => 'broken');
    expect(second).not.toBe('poison');
  });

  it('is not asked again by itself', async () => {
    let asked = 0;
    const url = await listen(createServer((socket) => socket.on('data', () => void (asked += 1, socket.resetAndDestroy()))));
    await failure(open().send(get(url), never));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBe(1);
  });
});

describe('giving up', () => {
  it('before anything was sent says so', async () => {
    const url = await listen(createServer(() => {}), 'https');
    const giveUp = new AbortController();
    const sending = failure(open().send(get(url), giveUp.signal));
    setTimeout(() => giveUp.abort(), 30);
    expect(await sending).toEqual({ code: 'UPSTREAM_FAILED', sent: false });
    expect(await failure(open().send(get(url), AbortSignal.abort()))).toEqual({ code: 'UPSTREAM_FAILED', sent: false });
  });

  it('while the server thinks, or answers, ends the connection there', async () => {
    for (const answers of [false, true]) {
      let gone = (): void => {};
      const left = new Promise<void>((resolve) => (gone = resolve));
      const url = await plain((incoming, outgoing) => {
        incoming.socket.once('close', gone);
        if (answers) outgoing.write('half');
        else giveUp.abort();
      });
      const giveUp = new AbortController();
      const sending = open().send(get(url), giveUp.signal);
      const outcome = answers ? failure(sending.then((answer) => (giveUp.abort(), bodyOf(answer)))) : failure(sending);
      expect(await outcome).toEqual({ code: 'UPSTREAM_FAILED', sent: true });
      await left;
    }
  });

  it('by not reading on ends the connection, too', async () => {
    let gone = (): void => {};
    const left = new Promise<void>((resolve) => (gone = resolve));
    const url = await plain((incoming, outgoing) => {
      incoming.socket.once('close', gone);
      outgoing.write('half');
    });
    const answer = await open().send(get(url), never);
    (answer.body as Readable).destroy();
    await left;
  });
});

describe('an upstream that cannot be made', () => {
  it('has sent nothing, and is tried again with the next request', async () => {
    const url = await plain((_incoming, outgoing) => outgoing.end('ok'));
    let tries = 0;
    const upstream = lazyUpstream(() => {
      tries += 1;
      if (tries < 3) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      return {};
    });
    upstreams.push(upstream);
    for (const _ of [1, 2]) expect(await failure(upstream.send(get(url), never))).toEqual({ code: 'UPSTREAM_FAILED', sent: false });
    expect((await bodyOf(await upstream.send(get(url), never))).toString()).toBe('ok');
    await bodyOf(await upstream.send(get(url), never));
    expect(tries).toBe(3);
  });

  it('can be closed', async () => {
    const upstream = lazyUpstream(() => { throw new Error('no'); });
    const sending = failure(upstream.send(get('http://a.example/'), never));
    await upstream.close();
    expect(await sending).toMatchObject({ sent: false });
  });
});
