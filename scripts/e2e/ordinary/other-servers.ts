import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { connect, createServer as createTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import type { Seen } from './recorder.ts';

export const FIXED_DATES = { GIT_AUTHOR_DATE: '2022-01-01T00:00:00Z', GIT_COMMITTER_DATE: '2022-01-01T00:00:00Z', SOURCE_DATE_EPOCH: '1640995200' };
export const GIT_NAMES = { GIT_AUTHOR_NAME: 'A Person', GIT_AUTHOR_EMAIL: 'person@example.com', GIT_COMMITTER_NAME: 'A Person', GIT_COMMITTER_EMAIL: 'person@example.com' };

const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

/** HTTP/2 over TLS, and by prior knowledge. Says what it was asked in which version. */
export async function startHttp2({ servers }: Certificates, ports: { secure: number; plain: number }, seen: Seen[]): Promise<void> {
  const { key, certificate: cert } = servers['api.example']!;
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('latin1');
      const pairs = request.rawHeaders.reduce<string[]>((lines, text, at) => (at % 2 === 0 ? [...lines, text] : [...lines.slice(0, -1), `${lines.at(-1)}: ${text}`]), []);
      seen.push({ to: `${plain(request.socket.localAddress)} h${request.httpVersion}`, from: plain(request.socket.remoteAddress), head: `${pairs.join('\r\n')}\r\n\r\n`, body });
      response.writeHead(200, { 'content-type': 'text/plain', 'x-version': request.httpVersion });
      response.end(`${request.method} ${request.url} by ${request.httpVersion} ${body}\n`);
    });
  };
  const listen = (server: { listen(port: number, host: string, done: () => void): unknown }, port: number) => new Promise<void>((resolve) => server.listen(port, '0.0.0.0', resolve));
  await listen(createSecureServer({ key, cert, allowHTTP1: true }, answer), ports.secure);
  await listen(createHttp2(answer), ports.plain);
}

/** Repositories served the smart way (git's own CGI program), and one as plain files. */
export async function startGit(root: string, { servers }: Certificates, ports: { plain: number; secure: number }, seen: Seen[]): Promise<void> {
  const folder = join(root, 'repositories');
  mkdirSync(folder, { recursive: true });
  const env = { PATH: process.env['PATH'], HOME: folder, ...FIXED_DATES, ...GIT_NAMES };
  const git = (cwd: string, ...args: string[]) => execFileSync('git', ['-c', 'safe.directory=*', '-c', 'init.defaultBranch=main', ...args], { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  git(folder, 'init', '--quiet', 'work');
  const work = join(folder, 'work');
  writeFileSync(join(work, 'README'), 'served by git\n');
  git(work, 'add', '.');
  git(work, 'commit', '--quiet', '-m', 'first');
  writeFileSync(join(work, 'more'), 'more of it\n');
  git(work, 'add', '.');
  git(work, 'commit', '--quiet', '-m', 'second');
  git(work, 'tag', 'v1');
  git(folder, 'clone', '--quiet', '--bare', 'work', 'smart.git');
  writeFileSync(join(folder, 'smart.git', 'config'), '[core]\n\tbare = true\n[http]\n\treceivepack = true\n');
  git(folder, 'clone', '--quiet', '--bare', 'work', 'dumb.git');
  git(join(folder, 'dumb.git'), 'update-server-info');
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const lines = request.rawHeaders.reduce<string[]>((all, text, at) => (at % 2 === 0 ? [...all, text] : [...all.slice(0, -1), `${all.at(-1)}: ${text}`]), []);
      seen.push({ to: `${plain(request.socket.localAddress)} ${request.socket.localPort}`, from: plain(request.socket.remoteAddress), head: `${request.method} ${request.url}\r\n${lines.join('\r\n')}\r\n\r\n`, body: createHash('sha256').update(body).digest('hex') });
      const url = new URL(request.url ?? '/', 'http://git.example');
      if (url.pathname.startsWith('/dumb.git/')) {
        try {
          if (url.searchParams.has('service')) throw new Error('dumb');
          response.end(readFileSync(join(folder, url.pathname)));
        } catch {
          if (!url.searchParams.has('service')) response.writeHead(404);
          response.end(url.searchParams.has('service') ? readFileSync(join(folder, url.pathname)) : '');
        }
        return;
      }
      runBackend(folder, request, url, body, response);
    });
  };
  const { key, certificate: cert } = servers['git.example']!;
  await new Promise<void>((resolve) => createHttp(answer).listen(ports.plain, '0.0.0.0', resolve));
  await new Promise<void>((resolve) => createHttps({ key, cert }, answer).listen(ports.secure, '0.0.0.0', resolve));
}

function runBackend(folder: string, request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    CONTENT_LENGTH: String(body.length),
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_USER: 'person',
    ...FIXED_DATES,
  };
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.on('close', () => {
    const output = Buffer.concat(parts);
    const end = output.indexOf('\r\n\r\n');
    for (const line of output.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else if (name !== '') response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
  child.stdin.on('error', () => {});
  child.stdin.end(body);
}

/** What npm and pip fetch: the registry's answers by path, made once. */
export function packageFiles(root: string): Map<string, Buffer> {
  const folder = join(root, 'packages', 'package');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tiny', version: '1.0.0', main: 'index.js', bin: { tiny: 'index.js' } }));
  writeFileSync(join(folder, 'index.js'), '#!/usr/bin/env node\nconsole.log("tiny runs");\n');
  execFileSync('tar', ['--sort=name', '--mtime=@1640995200', '--owner=0', '--group=0', '--numeric-owner', '--mode=755', '-cf', '../tiny.tar', '-C', '..', 'package'], { cwd: folder });
  execFileSync('gzip', ['-n', '-9', '-S', '.gz', join(root, 'packages', 'tiny.tar')]);
  const tarball = readFileSync(join(root, 'packages', 'tiny.tar.gz'));
  const packument = {
    name: 'tiny',
    'dist-tags': { latest: '1.0.0' },
    versions: {
      '1.0.0': {
        name: 'tiny',
        version: '1.0.0',
        main: 'index.js',
        bin: { tiny: 'index.js' },
        dist: { tarball: 'https://registry.example/npm/tiny/-/tiny-1.0.0.tgz', integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`, shasum: createHash('sha1').update(tarball).digest('hex') },
      },
    },
  };
  const wheel = storedZip([
    ['tinypy/__init__.py', 'VALUE = 42\n'],
    ['tinypy-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: tinypy\nVersion: 1.0\n'],
    ['tinypy-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n'],
    ['tinypy-1.0.dist-info/RECORD', 'tinypy/__init__.py,,\ntinypy-1.0.dist-info/METADATA,,\ntinypy-1.0.dist-info/WHEEL,,\ntinypy-1.0.dist-info/RECORD,,\n'],
  ]);
  const sum = createHash('sha256').update(wheel).digest('hex');
  return new Map([
    ['/npm/tiny', Buffer.from(JSON.stringify(packument))],
    ['/npm/tiny/-/tiny-1.0.0.tgz', tarball],
    ['/npm/-/ping', Buffer.from('{}')],
    ['/simple/tinypy/', Buffer.from(`<!DOCTYPE html><html><body><a href="/simple/files/tinypy-1.0-py3-none-any.whl#sha256=${sum}">tinypy-1.0-py3-none-any.whl</a></body></html>`)],
    ['/simple/files/tinypy-1.0-py3-none-any.whl', wheel],
  ]);
}

/** A zip file that packs nothing. */
function storedZip(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const data = Buffer.from(text);
    const fixed = Buffer.alloc(26);
    fixed.writeUInt16LE(20, 0);
    fixed.writeUInt16LE(0x5421, 8);
    fixed.writeUInt32LE(crc32(data), 10);
    fixed.writeUInt32LE(data.length, 14);
    fixed.writeUInt32LE(data.length, 18);
    fixed.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fixed, Buffer.from(name), data]);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(0o644 << 16, 6);
    entry.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), fixed, entry, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

function crc32(data: Buffer): number {
  let sum = ~0;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/** A person's own proxy: it writes down what it was asked for, and goes there. */
export async function startPersonsProxy(port: number, seen: Seen[]): Promise<void> {
  const server = createTcp((client) => {
    let head = Buffer.alloc(0);
    const begin = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      client.off('data', begin);
      const text = head.subarray(0, end + 4).toString('latin1');
      seen.push({ to: `proxy ${port}`, from: plain(client.remoteAddress), head: text, body: '' });
      const [method = '', target = ''] = text.split(' ');
      if (method === 'CONNECT') {
        const [host = '', to = '443'] = target.split(/:(?=\d+$)/);
        return joinEnds(client, host, Number(to), 'HTTP/1.1 200 Connection established\r\n\r\n', head.subarray(end + 4));
      }
      const url = new URL(target);
      const lines = text.split('\r\n').filter((line) => !/^(proxy-|connection:)/i.test(line));
      lines[0] = `${method} ${url.pathname}${url.search} HTTP/1.1`;
      lines.splice(1, 0, 'Connection: close');
      joinEnds(client, url.hostname, Number(url.port || 80), '', Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), head.subarray(end + 4)]));
    };
    client.on('data', begin).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(port, '0.0.0.0', resolve));
}

function joinEnds(client: Socket, host: string, port: number, greeting: string, first: Buffer): void {
  const far = connect(port, host, () => {
    if (greeting !== '') client.write(greeting);
    if (first.length > 0) far.write(first);
    client.pipe(far).pipe(client);
  });
  far.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'));
  client.on('error', () => far.destroy());
}
