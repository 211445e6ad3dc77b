import { readFileSync } from 'node:fs';
import { createServer as createPlain, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCaPair } from './ca-pair.ts';
import { createLeafIssuer } from './leaf.ts';
import { createStage, curl, type Ran, type Stage } from './stage.fixture.ts';

/**
 * What a program sends and gets is what it would be without pag0, byte for byte: each case is run by the real curl against a
 * server that plays odd bytes, alone and through the gateway, and what curl says, how it ends and what the server read are
 * compared: of a host that nobody looks at, and of one that is looked at.
 */

type Play = (socket: Socket, request: string) => void | Promise<void>;

interface Case {
  name: string;
  args?: readonly string[];
  /** Behind the server's address. */
  path?: string;
  play: Play;
  /** Only through plain HTTP, or only as somebody who is looked at sees it. */
  only?: 'plain';
  /** Where a proxy cannot be otherwise, and why. */
  looked?: string;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const says = (text: string | Buffer): Play => (socket) => void socket.write(text);
const thenEnds = (text: string): Play => (socket) => void socket.end(text);
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const CASES: readonly Case[] = [
  { name: 'a plain GET', play: says(OK) },
  { name: 'a method that Node does not know', args: ['-X', 'LIST'], play: says(OK) },
  { name: 'a method in small letters', args: ['-X', 'get'], play: says(OK) },
  { name: 'a method of odd characters', args: ['-X', "X!#$%&'*+-.^_`|~1"], play: says(OK) },
  { name: 'PROPFIND with a body', args: ['-X', 'PROPFIND', '-H', 'Depth: 1', '-d', '<a/>'], play: says(OK) },
  { name: 'TRACE with Max-Forwards 0', args: ['-X', 'TRACE', '-H', 'Max-Forwards: 0'], play: says(OK) },
  { name: 'OPTIONS of the server', args: ['-X', 'OPTIONS', '--request-target', '*'], play: says(OK) },
  { name: 'raw UTF-8 in the target', path: '/search?q=서울', play: says(OK) },
  { name: 'bytes that are no UTF-8 in the target', path: '/\u00e9%2f|[]{}', args: ['-g'], play: says(OK) },
  { name: 'dot segments and double slashes', path: '/a/../b//c/./d?x=/../y', args: ['--path-as-is'], play: says(OK) },
  { name: 'a target of its own', args: ['--request-target', '/other?x'], play: says(OK) },
  { name: 'another Host', args: ['-H', 'Host: other.example'], play: says(OK) },
  { name: 'no User-Agent and no Accept', args: ['-H', 'User-Agent:', '-H', 'Accept:'], play: says(OK) },
  { name: 'fields in odd letters, twice, empty, and above 0x7F', args: ['-H', 'x-LOWER-upper: 1', '-H', 'X-Two: a', '-H', 'X-Two: b', '-H', 'X-Empty;', '-H', 'X-Name: 서울 caf\u00e9'], play: says(OK) },
  { name: 'fields that concern a connection', args: ['-H', 'Connection: X-Here, keep-alive', '-H', 'X-Here: 1', '-H', 'TE: trailers', '-H', 'Keep-Alive: timeout=5'], play: says(OK) },
  { name: 'Connection: close from the client', args: ['-H', 'Connection: close'], play: says(OK) },
  { name: 'HTTP/1.0 from the client', args: ['-0'], play: thenEnds('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold') },
  { name: 'a body with a length', args: ['-d', 'a=1&b=2'], play: says(OK) },
  { name: 'a chunked body', args: ['-H', 'Transfer-Encoding: chunked', '-d', 'chunks'], play: says(OK) },
  { name: 'a body that is coded besides being chunked', args: ['-H', 'Transfer-Encoding: gzip, chunked', '-H', 'Content-Type: text/plain', '-d', 'chunks'], play: says(OK) },
  { name: 'a POST without a body', args: ['-X', 'POST'], play: says(OK) },
  { name: 'DELETE with a body', args: ['-X', 'DELETE', '-d', 'x'], play: says(OK) },
  { name: 'HEAD', args: ['-I'], play: says('HTTP/1.1 200 OK\r\nContent-Length: 500\r\nX-A: 1\r\n\r\n') },
  { name: '204 with a length', play: says('HTTP/1.1 204 Nothing Here\r\nContent-Length: 0\r\n\r\n') },
  { name: '304 with a length', args: ['-H', 'If-None-Match: "a"'], play: says('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n') },
  { name: 'letters and order of fields, and fields that come twice', play: says('HTTP/1.1 302 Found\r\nLocation: /next\r\nx-LOWER: 1\r\nSet-Cookie: a=1\r\nDATE: Tue, 15 Nov 1994 08:12:31 GMT\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\nServer: odd\r\n\r\n') },
  { name: 'a reason of its own', play: says('HTTP/1.1 299 Perfectly fine, thanks\r\nContent-Length: 0\r\n\r\n') },
  { name: 'no reason at all', play: says('HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok') },
  { name: 'a status beyond the known', play: says('HTTP/1.1 799 What\r\nContent-Length: 2\r\n\r\nok') },
  { name: 'a UTF-8 file name', play: says(Buffer.from('HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="서울.txt"\r\nContent-Length: 2\r\n\r\nok')) },
  { name: 'values in Latin-1', play: says(bytes('HTTP/1.1 200 OK\r\nX-Name: caf\u00e9\r\nContent-Length: 2\r\n\r\nok')) },
  { name: 'spaces around values, and none', play: says('HTTP/1.1 200 OK\r\nX-A:1\r\nX-B:   2  \r\nX-C:\r\nContent-Length: 2\r\n\r\nok') },
  { name: 'a space before a colon', play: says('HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nok') },
  { name: 'a folded field', play: says('HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nok') },
  { name: 'chunks', play: says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n') },
  { name: 'chunks with trailers', play: says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n') },
  { name: 'an answer without a length', play: thenEnds('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end') },
  { name: 'an HTTP/1.0 server', play: thenEnds('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold') },
  { name: 'Connection: close from the server', play: thenEnds('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok') },
  { name: 'equal lengths twice', play: says('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok') },
  { name: '100 Continue that nobody asked for', play: says(`HTTP/1.1 100 Continue\r\n\r\n${OK}`) },
  { name: 'a 100 with fields, 102, and 103 twice', play: says(`HTTP/1.1 100 Go on\r\nX-A: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n${OK}`) },
  { name: 'Expect: 100-continue', args: ['-H', 'Expect: 100-continue', '-d', 'body'], play: says(`HTTP/1.1 100 Continue\r\n\r\n${OK}`) },
  { name: 'a body that is compressed', args: ['--compressed'], play: says(Buffer.concat([bytes('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n'), Buffer.from('1f8b08000000000000034bcc4b0200e5dd6d3d03000000', 'hex')])) },
  { name: 'the same, as it is', args: ['-H', 'Accept-Encoding: gzip'], play: says(Buffer.concat([bytes('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n'), Buffer.from([0x1f, 0x00, 0xff])])) },
  { name: 'an answer in pieces', play: async (socket) => { for (const piece of ['HTTP/1.1 20', '0 OK\r\nContent-Le', 'ngth: 4\r\n\r', '\nab', 'cd']) { socket.write(piece); await wait(5); } } },
  { name: 'no answer, ended', play: (socket) => void socket.end() },
  { name: 'no answer, reset', play: (socket) => void socket.resetAndDestroy(), only: 'plain' },
  { name: 'an end in mid-body', play: thenEnds('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf') },
  { name: 'an end between chunks', play: thenEnds('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n') },
  { name: 'a reset in mid-body', play: async (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'); await wait(50); socket.resetAndDestroy(); }, only: 'plain' },
  { name: 'a refusal in the middle of an upload', args: ['-d', 'x'.repeat(2_000)], play: thenEnds('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno') },
  { name: 'an error of the server', args: ['-f'], play: says('HTTP/1.1 503 Later\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno') },
  { name: 'several on one connection', args: ['--next', '-sSi', '--noproxy', '', 'URL/2', '--next', '-sSi', '--noproxy', '', '-d', 'x', 'URL/3'], play: says(OK) },
  { name: 'h2c that the server does not know', args: ['--http2'], play: says(OK), only: 'plain', looked: 'another protocol could not be looked at, so it is not asked for' },
  { name: 'many megabytes', play: (socket) => void socket.write(Buffer.concat([bytes(`HTTP/1.1 200 OK\r\nContent-Length: ${3 * 1024 * 1024}\r\n\r\n`), Buffer.alloc(3 * 1024 * 1024, 'y')])) },
];

let stage: Stage;
let plainServer: Server;
let tlsServer: Server;
let plainPort: number;
let tlsPort: number;
let play: Play = says(OK);
/** All that the server was told since a run began, over however many connections. */
let read = '';

beforeAll(async () => {
  stage = await createStage();
  const world = readCaPair(readFileSync(join(stage.dir, 'world', 'ca-key.pem'), 'utf8'), Date.now())!;
  const context = await (await createLeafIssuer(world)).issue('localhost', Date.now());
  const serve = (socket: Socket): void => {
    let got = '';
    socket.on('error', () => {});
    socket.on('data', (piece: Buffer) => {
      got += piece.toString('latin1');
      read += piece.toString('latin1');
      for (let end = endOfRequest(got); end >= 0; end = endOfRequest(got)) {
        const request = got.slice(0, end);
        got = got.slice(end);
        void play(socket, request);
      }
    });
  };
  plainServer = createPlain(serve);
  tlsServer = createTls({ SNICallback: (_name, done) => done(null, context) }, serve);
  [plainPort, tlsPort] = [await stage.listen(plainServer), await stage.listen(tlsServer)];
});
afterAll(() => stage.close());
beforeEach(() => Object.assign(stage.governor, { seen: [], asked: [], failures: [], answer: null, rule: 'look' }));

function endOfRequest(text: string): number {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return -1;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head));
  if (length !== null && !/^transfer-encoding:/im.test(text.slice(0, head))) return text.length >= head + 4 + Number(length[1]) ? head + 4 + Number(length[1]) : -1;
  if (!/^transfer-encoding:/im.test(text.slice(0, head))) return head + 4;
  const last = text.indexOf('0\r\n\r\n', head);
  return last < 0 ? -1 : last + 5;
}

interface Seen extends Ran {
  read: string;
}

async function run(one: Case, url: string, ...way: string[]): Promise<Seen> {
  read = '';
  play = one.play;
  const args = (one.args ?? []).map((arg) => arg.replace('URL', url));
  const rest = args.indexOf('--next');
  const own = rest < 0 ? args : args.slice(0, rest);
  const following = rest < 0 ? [] : args.slice(rest).flatMap((arg) => (arg === '-sSi' ? ['-sSi', ...way] : [arg]));
  const ran = await curl('', '-i', ...way, ...own, url + (one.path ?? '/'), ...following);
  return { ...ran, read };
}

/** Curl names the addresses it spoke to; else what it says of a failure is the same. */
const said = ({ code, out, read: server }: Seen): object => ({ code, out, server });

const PROXIED = (): string[] => ['-x', stage.proxy, '--noproxy', ''];

describe.each(CASES)('$name', (one) => {
  it('passes by plain HTTP as it does without pag0, unseen', async () => {
    const url = `http://127.0.0.1:${plainPort}`;
    const alone = await run(one, url);
    stage.governor.rule = 'tunnel';
    expect(said(await run(one, url, ...PROXIED()))).toEqual(said(alone));
    expect(stage.governor.seen).toEqual([]);
  });

  it('passes by plain HTTP as it does without pag0, looked at', async () => {
    const url = `http://127.0.0.1:${plainPort}`;
    const alone = await run(one, url);
    // Who names another host than the address is looked at by that name as well; here nobody is interested in it.
    const { passage } = stage.governor;
    stage.governor.passage = (asker, to) => (to.host === 'other.example' ? { passage: 'tunnel' } : passage(asker, to));
    const looked = await run(one, url, ...PROXIED());
    stage.governor.passage = passage;
    expect(said(one.looked === undefined ? looked : { ...looked, read: '' })).toEqual(said(one.looked === undefined ? alone : { ...alone, read: '' }));
    expect(stage.governor.seen).not.toEqual([]);
  });

  if (one.only === 'plain') return;

  it('passes by TLS as it does without pag0, unseen and looked at', async () => {
    const url = `https://localhost:${tlsPort}`;
    const worldCa = ['--cacert', join(stage.dir, 'world', 'ca.pem'), '--http1.1'];
    const alone = await run(one, url, ...worldCa);
    stage.governor.rule = 'tunnel';
    const unseen = await run(one, url, ...worldCa, ...PROXIED());
    const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';
    expect(said({ ...unseen, out: unseen.out.replaceAll(established, '') })).toEqual(said(alone));
    stage.governor.rule = 'look';
    const { passage } = stage.governor;
    stage.governor.passage = (asker, to) => (to.host === 'other.example' ? { passage: 'tunnel' } : passage(asker, to));
    const looked = await run(one, url, '--cacert', stage.caFile, '--http1.1', ...PROXIED());
    stage.governor.passage = passage;
    expect(said({ ...looked, out: looked.out.replaceAll(established, '') })).toEqual(said(alone));
    expect(stage.governor.seen).not.toEqual([]);
  });
});
