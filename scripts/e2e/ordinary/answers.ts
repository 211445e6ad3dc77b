import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Answer, Early, Out, Request } from './recorder.ts';

/** What the server of the tests says, byte for byte. Nothing in it changes from run to run, so there is no clock in it. */

const TEXT = 'content-type: text/plain\r\n';
/** Long enough to be told of as late, short enough to wait for. */
const PAUSE_MS = 80;
const NOT_ACKNOWLEDGED_MS = 3_000;
const LARGE = Array.from({ length: 4_000 }, (_, line) => `line ${line + 1} of a long document with some words in it\n`).join('');
const BINARY = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7) % 256));
const GZIPPED = gzipSync('unpacked by who asked\n');
const ETAG = '"v1"';
const MODIFIED = 'Mon, 03 Jan 2022 10:00:00 GMT';
const PAGE = '<html><body><a href="/site/one.html">1</a> <a href="/site/two.html">2</a></body></html>\n';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16);

/** A whole answer with its length. */
function whole(out: Out, body: string | Buffer, { status = '200 OK', fields = TEXT }: { status?: string; fields?: string } = {}): void {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  out.write(`HTTP/1.1 ${status}\r\n${fields}content-length: ${bytes.length}\r\n\r\n`);
  out.write(bytes);
}

function chunk(text: string, extension = ''): string {
  return `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
}

const CHUNKED = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n';

/** How far a stream's reader has come; `POST /ack/N` tells. */
let acknowledged = 0;

async function acknowledgedUpTo(number: number): Promise<boolean> {
  for (let waited = 0; waited < NOT_ACKNOWLEDGED_MS; waited += 10) {
    if (acknowledged >= number) return true;
    await sleep(10);
  }
  return false;
}

type Table = Readonly<Record<string, Answer>>;

const ANSWERS: Table = {
  '/': (_, out) => whole(out, 'hello\n'),
  '/plain': (_, out) => whole(out, 'hello\n'),
  '/json': (_, out) => whole(out, '{"name": "value", "list": [1, 2.0, 3e2], "deep": {"a": null}}\n', { fields: 'Content-Type: application/json\r\n' }),
  '/large': (_, out) => whole(out, LARGE),
  '/binary': (_, out) => whole(out, BINARY, { fields: 'content-type: application/octet-stream\r\n' }),
  '/utf8': (_, out) => whole(out, utf8('서울, Zürich, 🚂\n'), { fields: 'content-type: text/plain; charset=utf-8\r\n' }),
  '/counter': ({ count }, out) => whole(out, `asked ${count}\n`),
  '/echo': ({ head, body }, out) => whole(out, `${head}${body}\n`),
  '/method': ({ method, body }, out) => whole(out, `${method} ${body.length}\n`),
  '/upload': ({ method, body }, out) => whole(out, `${method} ${body.length} ${digest(body)}\n`, { status: '201 Created' }),
  '/empty-body': (_, out) => whole(out, ''),
  '/page': (_, out) => whole(out, PAGE, { fields: 'Content-Type: text/html\r\n' }),
  '/site/one.html': (_, out) => whole(out, '<html>one</html>\n', { fields: 'Content-Type: text/html\r\n' }),
  '/site/two.html': (_, out) => whole(out, '<html>two</html>\n', { fields: 'Content-Type: text/html\r\n' }),
  '/robots.txt': (_, out) => whole(out, 'User-agent: *\nAllow: /\n'),
  '/%EC%84%9C%EC%9A%B8': (_, out) => whole(out, utf8('서울\n')),

  // Fields as servers really write them.
  '/fields': (_, out) =>
    whole(out, 'fields\n', {
      fields: `Server: Odd/1.0 (tests)\r\nX-CamelCase: Yes\r\nx-lower: no\r\nX-UPPER: 1\r\nETag: W/"x"\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2; HttpOnly\r\nX-Empty:\r\nX-Padded:   both sides   \r\nX-Tab:\ttab\r\nX-Utf8: ${utf8('서울')}\r\nX-Latin: caf\xe9\r\nVary: Accept, X-Tenant\r\nVia: 1.1 somebody\r\nLink: </a>; rel=next\r\nLink: </b>; rel=last\r\n${TEXT}`,
    }),
  '/folded': (_, out) => whole(out, 'folded\n', { fields: `X-Long: first\r\n second\r\n\tthird\r\n${TEXT}` }),
  '/space-colon': (_, out) => whole(out, 'space\n', { fields: `X-Odd : value\r\n${TEXT}` }),
  '/line-feeds': (_, out) => {
    out.write('HTTP/1.1 200 OK\ncontent-type: text/plain\ncontent-length: 3\n\nlf\n');
  },
  '/reason': (_, out) => whole(out, 'reason\n', { status: `200 ${utf8('Très bien, 좋아')}` }),
  '/no-reason': (_, out) => whole(out, 'none\n', { status: '200' }),
  '/no-reason-space': (_, out) => whole(out, 'none\n', { status: '200 ' }),
  '/long-field': (_, out) => whole(out, 'long\n', { fields: `X-Long: ${'v'.repeat(40_000)}\r\n${TEXT}` }),
  '/many-fields': (_, out) => whole(out, 'many\n', { fields: Array.from({ length: 90 }, (_, at) => `X-Field-${at}: ${at}\r\n`).join('') + TEXT }),
  '/hop-fields': (_, out) => whole(out, 'hop\n', { fields: `Connection: keep-alive, X-Hop\r\nX-Hop: gone?\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic realm="no proxy"\r\n${TEXT}` }),
  '/two-lengths': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 4\r\n\r\ntwo\n');
  },
  '/two-different-lengths': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\ntwo\n');
    out.end();
  },
  '/length-and-chunked': (_, out) => {
    out.write(`HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n${chunk('both\n')}0\r\n\r\n`);
    out.end();
  },
  '/attachment': (_, out) => whole(out, 'a report\n', { fields: 'Content-Disposition: attachment; filename="report.txt"\r\n' }),
  '/attachment-utf8': (_, out) => whole(out, 'a report\n', { fields: `Content-Disposition: attachment; filename="${utf8('보고서.txt')}"\r\n` }),
  '/attachment-star': (_, out) => whole(out, 'a report\n', { fields: "Content-Disposition: attachment; filename=\"r.txt\"; filename*=UTF-8''%EB%B3%B4%EA%B3%A0.txt\r\n" }),

  // 1xx.
  '/1xx/100': (_, out) => {
    out.write('HTTP/1.1 100 Continue\r\n\r\n');
    whole(out, 'after a hundred\n');
  },
  '/1xx/102': (_, out) => {
    out.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n');
    whole(out, 'after two of them\n');
  },
  '/1xx/103': (_, out) => {
    out.write('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n');
    whole(out, 'after hints\n');
  },
  '/1xx/199': (_, out) => {
    out.write('HTTP/1.1 199 Nobody Knows\r\nX-Odd: 1\r\n\r\n');
    whole(out, 'after something\n');
  },

  // Framing.
  '/chunked': (_, out) => out.write(`${CHUNKED}\r\n${chunk('one\n')}${chunk('two\n')}0\r\n\r\n`),
  '/chunk-extension': (_, out) => out.write(`${CHUNKED}\r\n${chunk('one\n', ';name="value"')}0\r\n\r\n`),
  '/trailers': (_, out) => out.write(`${CHUNKED}Trailer: X-Sum\r\n\r\n${chunk('body\n')}0\r\nX-Sum: 12ab\r\nX-Late: ${utf8('늦')}\r\n\r\n`),
  '/gzip': (_, out) => whole(out, GZIPPED, { fields: 'Content-Encoding: gzip\r\n' }),
  '/brotli': (_, out) => whole(out, brotliCompressSync('brotli\n'), { fields: 'Content-Encoding: br\r\n' }),
  '/gzip-transfer': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n');
    out.write(chunk(GZIPPED.toString('latin1')));
    out.write('0\r\n\r\n');
  },
  '/gzip-transfer-close': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n');
    out.write(GZIPPED);
    out.end();
  },
  '/http10': (_, out) => {
    out.write('HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nten\n');
    out.end();
  },
  '/http10-no-length': (_, out) => {
    out.write('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end\n');
    out.end();
  },
  '/no-length': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end\n');
    out.end();
  },
  '/close': (_, out) => {
    whole(out, 'and closed\n', { fields: `Connection: close\r\n${TEXT}` });
    out.end();
  },

  // Failures.
  '/nothing': (_, out) => out.end(),
  '/reset': (_, out) => out.reset(),
  '/reset-in-body': async (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun');
    await sleep(PAUSE_MS);
    out.reset();
  },
  '/short': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort\n');
    out.end();
  },
  '/short-chunked': (_, out) => {
    out.write(`${CHUNKED}\r\n${chunk('one\n')}`);
    out.end();
  },
  '/bad-chunk': (_, out) => {
    out.write(`${CHUNKED}\r\n${chunk('one\n')}zz\r\nwhat\r\n`);
    out.end();
  },
  '/half-head': (_, out) => {
    out.write('HTTP/1.1 200 OK\r\nContent-Type: te');
    out.end();
  },
  '/not-http': (_, out) => {
    out.write('SSH-2.0-OpenSSH_9.2\r\n');
    out.end();
  },
  '/stall': () => {},
  '/stall-in-body': (_, out) => out.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun\n'),

  // Streams: the next line comes only when the reader has told that it has the one before.
  '/stream': async (_, out) => {
    acknowledged = 0;
    out.write(`${CHUNKED}\r\n`);
    for (let line = 1; line <= 4; line++) {
      const told = line === 1 || (await acknowledgedUpTo(line - 1));
      out.write(chunk(told ? `line ${line}\n` : `line ${line}, and nobody had read line ${line - 1}\n`));
    }
    out.write('0\r\n\r\n');
  },
  '/events': async (_, out) => {
    acknowledged = 0;
    out.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n');
    for (let line = 1; line <= 4; line++) {
      const told = line === 1 || (await acknowledgedUpTo(line - 1));
      out.write(`data: ${told ? `event ${line}` : `event ${line}, and nobody had read event ${line - 1}`}\n\n`);
    }
    out.end();
  },
  '/slow': async (_, out) => {
    out.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n');
    for (let part = 0; part < 5; part++) {
      await sleep(PAUSE_MS);
      out.write(`${part}\n`);
    }
  },
  '/slow-head': async (_, out) => {
    await sleep(PAUSE_MS * 4);
    whole(out, 'at last\n');
  },

  // Others.
  '/redirect/loop': (_, out) => whole(out, '', { status: '302 Found', fields: 'Location: /redirect/loop\r\n' }),
  '/redirect/none': (_, out) => whole(out, 'nowhere\n', { status: '302 Found' }),
  '/redirect/other': (_, out) => whole(out, '', { status: '302 Found', fields: 'Location: http://other.example/echo\r\n' }),
  '/redirect/secure': (_, out) => whole(out, '', { status: '301 Moved Permanently', fields: 'Location: https://api.example/echo\r\n' }),
  '/redirect/utf8': (_, out) => whole(out, '', { status: '302 Found', fields: `Location: /${utf8('서울')}\r\n` }),
  '/redirect/chain': (_, out) => whole(out, 'on\n', { status: '302 Found', fields: 'Location: /redirect/301\r\n' }),
  '/cookie/set': (_, out) => whole(out, 'set\n', { fields: `Set-Cookie: session=abc123; Path=/\r\nSet-Cookie: theme=dark; Path=/; Expires=Wed, 01 Jan 2070 00:00:00 GMT\r\n${TEXT}` }),
  '/basic': ({ field }, out) =>
    field('authorization') === undefined ? whole(out, 'who?\n', { status: '401 Unauthorized', fields: 'WWW-Authenticate: Basic realm="tests"\r\n' }) : whole(out, `${field('authorization')}\n`),
  '/digest': ({ field }, out) =>
    field('authorization')?.startsWith('Digest') === true
      ? whole(out, 'known\n')
      : whole(out, 'who?\n', { status: '401 Unauthorized', fields: 'WWW-Authenticate: Digest realm="tests", nonce="0011", algorithm=MD5\r\n' }),
  '/proxy-auth': (_, out) => whole(out, 'odd\n', { status: '407 Proxy Authentication Required', fields: 'Proxy-Authenticate: Basic realm="an origin"\r\n' }),
  '/etag': ({ field }, out) => (field('if-none-match') === ETAG ? out.write(`HTTP/1.1 304 Not Modified\r\nETag: ${ETAG}\r\n\r\n`) : whole(out, 'version 1\n', { fields: `ETag: ${ETAG}\r\n${TEXT}` })),
  '/modified': ({ field }, out) =>
    field('if-modified-since') === MODIFIED
      ? out.write(`HTTP/1.1 304 Not Modified\r\nLast-Modified: ${MODIFIED}\r\n\r\n`)
      : whole(out, 'last week\n', { fields: `Last-Modified: ${MODIFIED}\r\n${TEXT}` }),
  '/range': ({ field }, out) => {
    const from = Number(/^bytes=(\d+)-/.exec(field('range') ?? '')?.[1] ?? -1);
    const body = '0123456789abcdef\n';
    if (from < 0) return whole(out, body, { fields: `Accept-Ranges: bytes\r\n${TEXT}` });
    if (from >= body.length) return whole(out, '', { status: '416 Range Not Satisfiable', fields: `Content-Range: bytes */${body.length}\r\n` });
    return whole(out, body.slice(from), { status: '206 Partial Content', fields: `Content-Range: bytes ${from}-${body.length - 1}/${body.length}\r\n${TEXT}` });
  },
  '/fresh': ({ count }, out) => whole(out, `fresh ${count}\n`, { fields: `Cache-Control: max-age=3600\r\n${TEXT}` }),
  '/vary': ({ count, field }, out) => whole(out, `${field('accept')} ${field('x-tenant')} ${count}\n`, { fields: `Content-Type: text/plain\r\n` }),
  '/flaky': ({ count }, out) => (count % 3 === 0 ? whole(out, 'third time\n') : whole(out, 'not yet\n', { status: '503 Service Unavailable', fields: 'Retry-After: 0\r\n' })),
  '/payment-required': (_, out) => whole(out, '{"error":"subscribe first"}\n', { status: '402 Payment Required', fields: 'Content-Type: application/json\r\n' }),
  '/hsts': (_, out) => whole(out, 'strict\n', { fields: `Strict-Transport-Security: max-age=31536000\r\n${TEXT}` }),
  '/options': (_, out) => out.write('HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\nAccess-Control-Allow-Origin: *\r\n\r\n'),
  '/reset-content': (_, out) => whole(out, '', { status: '205 Reset Content' }),
  '/upgrade': ({ field }, out) => {
    if (field('upgrade') !== 'echo') return whole(out, 'upgrade\n', { status: '426 Upgrade Required', fields: 'Upgrade: echo\r\n' });
    out.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    out.raw((bytes) => out.write(bytes));
  },
};

const WITHOUT_BODY = new Set(['204', '304']);

export function answering(files: ReadonlyMap<string, Buffer>): Answer {
  return async (request, out) => {
    await reply(request, request.method === 'HEAD' ? headOnly(out) : out, files);
    if (/close/i.test(request.field('connection') ?? '')) out.end();
  };
}

async function reply(request: Request, out: Out, files: ReadonlyMap<string, Buffer>): Promise<void> {
  if (request.method === 'PRI') return out.end();
  if (request.method === 'TRACE') return whole(out, request.head, { fields: 'Content-Type: message/http\r\n' });
  const file = files.get(request.path);
  if (file !== undefined) return whole(out, file, { fields: `Content-Type: ${typeOf(request.path)}\r\n` });
  const answer = ANSWERS[request.path];
  if (answer !== undefined) return answer(request, out);
  const status = /^\/status\/(\d{3})$/.exec(request.path)?.[1];
  if (status !== undefined) return WITHOUT_BODY.has(status) ? out.write(`HTTP/1.1 ${status} Chosen\r\n\r\n`) : whole(out, `status ${status}\n`, { status: `${status} Chosen` });
  const redirect = /^\/redirect\/(\d{3})$/.exec(request.path)?.[1];
  if (redirect !== undefined) return whole(out, '', { status: `${redirect} Elsewhere`, fields: 'Location: /echo?from=redirect\r\n' });
  if (request.path.startsWith('/ack/')) {
    acknowledged = Math.max(acknowledged, Number(request.path.slice('/ack/'.length)));
    return out.write('HTTP/1.1 204 No Content\r\n\r\n');
  }
  whole(out, `nothing at ${request.path}\n`, { status: '404 Not Found' });
}

/** What a HEAD asks for is everything up to the empty line (RFC 9110, section 9.3.2). */
function headOnly(out: Out): Out {
  let rest = '';
  let done = false;
  return {
    ...out,
    write(raw) {
      if (done) return;
      rest += typeof raw === 'string' ? raw : raw.toString('latin1');
      const end = rest.lastIndexOf('\r\n\r\n');
      if (end === -1) return out.write(raw);
      done = !/^HTTP\/1\.1 1\d\d/.test(rest);
      out.write(done ? rest.slice(0, rest.indexOf('\r\n\r\n') + 4) : raw);
    },
  };
}

function typeOf(path: string): string {
  if (path.startsWith('/simple/')) return path.endsWith('/') ? 'text/html' : 'application/octet-stream';
  return path.endsWith('.tgz') || path.endsWith('.whl') ? 'application/octet-stream' : 'application/json';
}

/** `Expect: 100-continue` as servers meet it (RFC 9110, section 10.1.1). */
export const earlyAnswer: Early = (head, out) => {
  if (head.path === '/expect-417') {
    whole(out, 'no\n', { status: '417 Expectation Failed', fields: `Connection: close\r\n${TEXT}` });
    out.end();
    return true;
  }
  if (head.path === '/too-large') {
    whole(out, 'too large\n', { status: '413 Content Too Large', fields: `Connection: close\r\n${TEXT}` });
    out.end();
    return true;
  }
  if (head.field('expect')?.toLowerCase() === '100-continue' && head.path !== '/expect-silent') out.write('HTTP/1.1 100 Continue\r\n\r\n');
  return false;
};
