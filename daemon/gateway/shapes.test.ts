import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createStage, raw, type Stage } from './stage.fixture.ts';

let stage: Stage;
let target: string;
let host: string;
const asked: string[] = [];

beforeAll(async () => {
  stage = await createStage({ limits: { headMs: 300 } });
  target = await stage.serve((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    incoming.resume().on('end', () => outgoing.end('hello'));
  });
  host = new URL(target).host;
});
afterAll(() => stage.close());
beforeEach(() => {
  asked.length = 0;
  stage.governor.rule = 'look';
  stage.governor.seen = [];
});

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';

/** Each is a request that two servers in a row might read as two. */
const SHAPES: readonly (readonly [string, (to: string) => string])[] = [
  ['both Content-Length and Transfer-Encoding', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['two Content-Lengths', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`],
  ['a list of Content-Lengths', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0, ${HIDDEN.length}\r\n\r\n${HIDDEN}`],
  ['a signed Content-Length', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: +0\r\n\r\n${HIDDEN}`],
  ['a Transfer-Encoding that is not chunked', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: identity\r\n\r\n${HIDDEN}`],
  ['Transfer-Encoding twice', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a Transfer-Encoding that is almost chunked', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['Transfer-Encoding in HTTP/1.0', (to) => `POST ${to} HTTP/1.0\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk size that is no number', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${HIDDEN}`],
  ['a chunk longer than it says', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n${HIDDEN}`],
  ['a field name with a space', (to) => `POST ${to} HTTP/1.1\r\nHost: ${host}\r\nContent-Length : 0\r\n\r\n${HIDDEN}`],
  ['a folded field', (to) => `GET ${to} HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\n Content-Length: 5\r\n\r\n${HIDDEN}`],
  ['a bare line feed', (to) => `GET ${to} HTTP/1.1\nHost: ${host}\n\n${HIDDEN}`],
  ['a null byte', (to) => `GET ${to} HTTP/1.1\r\nHost: ${host}\r\nX-A: a\0b\r\n\r\n${HIDDEN}`],
  ['several Hosts', (to) => `GET ${to} HTTP/1.1\r\nHost: ${host}\r\nHost: other\r\n\r\n${HIDDEN}`],
  ['no Host', (to) => `GET ${to} HTTP/1.1\r\n\r\n${HIDDEN}`],
  ['too many fields', (to) => `GET ${to} HTTP/1.1\r\nHost: ${host}\r\n${'a: b\r\n'.repeat(300)}\r\n${HIDDEN}`],
  ['a version that does not exist', (to) => `GET ${to} HTTP/3.7\r\nHost: ${host}\r\n\r\n${HIDDEN}`],
];

describe('a request that could be read in two ways', () => {
  it.each(SHAPES)('with %s is answered 400 and goes nowhere', async (_name, shape) => {
    const got = await raw(stage.port, shape(`${target}/x`));
    expect(got).toMatch(/^HTTP\/1.1 400 /);
    expect(got.match(/HTTP\/1.1 /g)).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  it.each(SHAPES)('with %s is answered 400 inside a tunnel, too', async (_name, shape) => {
    const connecting = `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const got = await raw(stage.port, connecting + shape('/x'));
    expect(got).toMatch(/^HTTP\/1.1 200 Connection Established\r\n\r\nHTTP\/1.1 400 /);
    expect(got.match(/HTTP\/1.1 /g)).toHaveLength(2);
    expect(asked).toEqual([]);
  });
});

describe('a target that is no address', () => {
  it.each([
    ['http://user@', '@'],
    ['http://user:secret@HOST/', '@'],
    ['http:///x', 'nobody'],
    ['http://host:0/', 'port 0'],
    ['http://host:65536/', 'port'],
    ['http://host:/', 'no port'],
    ['http://a b/', 'space'],
    ['http://h%6fst/', 'encoded'],
    ['http://[::1%25lo]/', 'zone'],
    ['http://a..b/', 'label'],
    ['ftp://host/', 'scheme'],
    ['host:80', 'authority'],
    ['http://host/#part', 'fragment'],
    ['http:\\\\host\\x', 'backslash'],
  ])('%s is answered 400', async (address) => {
    expect(await raw(stage.port, `GET ${address} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /);
    expect(stage.governor.seen).toEqual([]);
  });

  it.each(['host', 'host:0', 'host:99999', 'user@host:443', '/x', 'http://host:443', 'host:443/x'])('CONNECT %s is answered 400', async (address) => {
    expect(await raw(stage.port, `CONNECT ${address} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /);
  });

  it('cannot be spelled past a rule', async () => {
    stage.governor.asked = [];
    stage.governor.answer = async ({ url }) => ({ status: 200, fields: {}, body: Buffer.from(url) });
    for (const spelled of ['http://API.Example.COM.:80/x', 'HTTP://api.example.com/x', 'http://2130706433:81/x', 'http://0x7f.1:81/x']) {
      await raw(stage.port, `GET ${spelled} HTTP/1.1\r\nHost: ${spelled.split('/')[2]!}\r\nConnection: close\r\n\r\n`);
    }
    stage.governor.answer = null;
    expect(stage.governor.asked).toEqual(['nobody http api.example.com:80', 'nobody http api.example.com:80', 'nobody http 127.0.0.1:81', 'nobody http 127.0.0.1:81']);
    expect(stage.governor.seen.map(({ url }) => url)).toEqual(['http://api.example.com/x', 'http://api.example.com/x', 'http://127.0.0.1:81/x', 'http://127.0.0.1:81/x']);
  });
});

describe('a head', () => {
  it('that does not end is answered 431', async () => {
    expect(await raw(stage.port, `GET ${target}/x HTTP/1.1\r\nHost: ${host}\r\nX-A: ${'a'.repeat(70_000)}`)).toMatch(/^HTTP\/1.1 431 .*BAD_REQUEST/s);
  });

  it('that comes too slowly ends, inside a tunnel and outside', async () => {
    expect(await raw(stage.port, `GET ${target}/x HTTP/1.1\r\nHos`)).toMatch(/^HTTP\/1.1 408 .*BAD_REQUEST/s);
    expect(await raw(stage.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\nGET /x HTTP/1.1\r\nHos`)).toMatch(/HTTP\/1.1 408 .*BAD_REQUEST/s);
  });

  it('after a handshake that is never finished, or never begun, is not waited for', async () => {
    for (const begin of [Buffer.from([0x16, 3, 1]), Buffer.alloc(0)]) {
      const socket = connect(stage.port, '127.0.0.1').on('error', () => {});
      socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.write(begin);
      await new Promise((resolve) => socket.once('close', resolve));
    }
  });

  it('inside a tunnel may not ask for another tunnel', async () => {
    const got = await raw(stage.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\nCONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(got).toMatch(/HTTP\/1.1 400 .*a tunnel within a tunnel/s);
  });

  it('of a client that knows only HTTP/2 is not read', async () => {
    const socket = connect(stage.port, '127.0.0.1');
    socket.write('CONNECT h2.test:443 HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    const error = await new Promise<Error>((resolve) => connectTls({ socket, servername: 'h2.test', ca: readFileSync(stage.caFile), ALPNProtocols: ['h2'] }).once('error', resolve));
    expect((error as NodeJS.ErrnoException).code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });
});
