import { execFile } from 'node:child_process';
import { createServer as createNet, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createStage, curl, eventually, raw, type Stage } from './stage.fixture.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await createStage();
});
afterAll(() => stage.close());
beforeEach(() => Object.assign(stage.governor, { rule: 'tunnel', seen: [], asked: [], failures: [], answer: null }));

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** A program as a session starts it: led through us by its environment. */
function program(file: string, args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env['PATH']!, HOME: stage.dir, http_proxy: stage.proxy, https_proxy: stage.proxy, GIT_SSL_CAINFO: stage.caFile, LC_ALL: 'C' };
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 20_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }));
  });
}

/** Nobody listens there, and no such name; what a program sees of a server that is not there. */
const NOWHERE = ['127.0.0.2:1', 'does-not-exist.invalid'] as const;

describe.each(NOWHERE)('a server that is not there (%s)', (host) => {
  it.each(['tunnel', 'look'] as const)('gives no answer, and none is made up: curl, wget, Python and git fail at once (%s)', async (rule) => {
    stage.governor.rule = rule;
    const plain = `http://${host}/x`;
    const secure = `https://${host.replace(':1', ':2')}/x`;
    const ended = {
      curl: await program('curl', ['-q', '-sS', plain]),
      curlTls: await program('curl', ['-q', '-sS', '--cacert', stage.caFile, secure]),
      wget: await program('wget', ['-q', '-O', '-', plain]),
      wgetTls: await program('wget', ['-q', '-O', '-', `--ca-certificate=${stage.caFile}`, '--tries=1', secure]),
      python: await program('python3', ['-c', `import urllib.request as u\nu.urlopen('${plain}')`]),
      git: await program('git', ['ls-remote', plain]),
    };
    expect(Object.entries(ended).filter(([, { out }]) => out !== '')).toEqual([]);
    expect(ended.curl.code).toBe(52);
    expect([52, 56]).toContain(ended.curlTls.code);
    expect(ended.wget.code).toBe(8);
    expect([4, 5, 8]).toContain(ended.wgetTls.code);
    expect(ended.python.err).toMatch(/Connection|closed|Remote/);
    expect(ended.git.code).toBe(128);
    expect(stage.governor.failures[0]).toMatch(/^pag0: \S+:\d+ (cannot be reached|gave no answer) \((Connection refused|Name or service not known|Temporary failure in name resolution)\)/);
  });
});

describe('a refusal', () => {
  it('is a document that curl prints and fails with, so that nothing is deployed', async () => {
    stage.governor.rule = 'refuse';
    const { code, out } = await curl(stage.proxy, '-w', ' %{http_code}', 'http://127.0.0.2:1/x');
    expect({ code, out }).toEqual({ code: 18, out: expect.stringMatching(/^\{"error":\{"code":"ENDPOINT_NOT_ALLOWED".*\} 403$/) });
    expect((await curl(stage.proxy, '-f', 'http://127.0.0.2:1/x')).code).toBe(22);
  });

  it('is an ordinary answer for programs that look at its status', async () => {
    stage.governor.rule = 'refuse';
    const { out, err } = await program('python3', ['-c', "import urllib.request as u, urllib.error as e\ntry: u.urlopen('http://127.0.0.2:1/x')\nexcept e.HTTPError as error: print(error.code, error.read().decode())"]);
    expect(out + err).toMatch(/^403 \{"error":\{"code":"ENDPOINT_NOT_ALLOWED"/);
  });
});

/** A server that says what it was asked, and which connection asked. */
async function teller(host = '127.0.0.1'): Promise<{ origin: string; connections: Socket[]; read: string[] }> {
  const connections: Socket[] = [];
  const read: string[] = [];
  const port = await stage.listen(
    createNet({ allowHalfOpen: true }, (socket) => {
      connections.push(socket);
      socket.on('data', (piece: Buffer) => {
        read.push(piece.toString('latin1'));
        for (const [, path] of piece.toString('latin1').matchAll(/^GET (\S+) /gm)) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path!.length}\r\n\r\n${path}`);
      });
      socket.on('end', () => socket.end());
    }),
  );
  return { origin: `http://${host}:${port}`, connections, read };
}

describe('a connection to the proxy', () => {
  it('leads to several hosts in turn, and each answer comes in its place', async () => {
    const [one, two] = [await teller(), await teller()];
    const ask = ({ origin }: { origin: string }, path: string): string => `GET ${origin}${path} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\n\r\n`;
    const all = ask(one, '/1') + ask(one, '/2') + ask(two, '/3') + ask(one, '/4');
    const got = await raw(stage.port, all, { until: /\/4$/ });
    expect(got.match(/\/[1-4]$|\/[1-4](?=HTTP)/g)).toEqual(['/1', '/2', '/3', '/4']);
    expect(two.read.join('')).toBe(`GET /3 HTTP/1.1\r\nHost: ${new URL(two.origin).host}\r\n\r\n`);
    expect(one.connections).toHaveLength(2);
  });

  it('passes on that the client has said all, and the answer that follows', async () => {
    const port = await stage.listen(createNet({ allowHalfOpen: true }, (socket) => socket.resume().on('end', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate'))));
    const socket = connect({ port: stage.port, host: '127.0.0.1', allowHalfOpen: true });
    let got = '';
    socket.on('data', (piece) => (got += piece.toString()));
    socket.end(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await new Promise((resolve) => socket.once('end', resolve));
    expect(got).toMatch(/late$/);
  });

  it('ends when the server ends an idle one', async () => {
    const one = await teller();
    const socket = connect(stage.port, '127.0.0.1').on('error', () => {});
    let got = '';
    let ended = false;
    socket.on('data', (piece) => (got += piece.toString())).once('end', () => (ended = true));
    socket.write(`GET ${one.origin}/1 HTTP/1.1\r\nHost: x.invalid\r\n\r\n`);
    expect(await eventually(() => got.endsWith('/1'))).toBe(true);
    one.connections[0]!.end();
    expect(await eventually(() => ended)).toBe(true);
  });

  it('shows events as they come', async () => {
    let more = (): void => {};
    const port = await stage.listen(createNet((socket) => socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
      more = () => socket.end('data: 2\n\n');
    })));
    for (const rule of ['tunnel', 'look'] as const) {
      stage.governor.rule = rule;
      const socket = connect(stage.port, '127.0.0.1').on('error', () => {});
      let got = '';
      socket.on('data', (piece) => (got += piece.toString()));
      socket.write(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      expect(await eventually(() => got.endsWith('data: 1\n\n'))).toBe(true);
      more();
      expect(await eventually(() => got.endsWith('data: 2\n\n'))).toBe(true);
      socket.destroy();
    }
  });

  it('goes over to another protocol with a server that nobody looks at, whatever it is', async () => {
    const port = await stage.listen(createNet((socket) => socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhello ');
      socket.on('error', () => {}).pipe(socket);
    })));
    const got = await raw(stage.port, `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nearly `, { until: /early $/ });
    expect(got).toMatch(/^HTTP\/1.1 101 .*hello early $/s);
  });

  it('leads to IPv6 addresses, and to none with a zone', async () => {
    const server = createNet((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6')));
    stage.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const { port } = server.address() as { port: number };
    for (const rule of ['tunnel', 'look'] as const) {
      stage.governor.rule = rule;
      expect((await curl(stage.proxy, `http://[::1]:${port}/`)).out).toBe('v6');
      expect((await curl(stage.proxy, '-p', `http://[0:0:0:0:0:0:0:1]:${port}/`)).out).toBe('v6');
    }
    expect(await raw(stage.port, `GET http://[fe80::1%25lo]/ HTTP/1.1\r\nHost: [fe80::1%25lo]\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /);
  });
});
