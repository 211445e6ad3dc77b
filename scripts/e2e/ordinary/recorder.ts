import { createServer as createTcp, type Socket } from 'node:net';
import { createSecureContext, createServer as createTls, type TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.ts';

/** One request as it came over the wire; bytes as latin1, so that nothing is decoded and all of it can be written as JSON. */
export interface Seen {
  /** Which address and port it came to: a name says nothing of that. */
  readonly to: string;
  readonly from: string;
  readonly head: string;
  readonly body: string;
}

export interface Request extends Seen {
  readonly method: string;
  readonly target: string;
  /** Without the query. */
  readonly path: string;
  field(name: string): string | undefined;
  /** Later requests of the recorder to the same path count on. */
  readonly count: number;
}

/** The answering side of a connection. */
export interface Out {
  write(raw: string | Buffer): void;
  end(): void;
  reset(): void;
  /** The rest of the connection is no HTTP any more. */
  raw(take: (chunk: Buffer) => void): void;
}

export type Answer = (request: Request, out: Out) => void | Promise<void>;
/** Called with the head alone; `true` when the body is not to be waited for. */
export type Early = (head: Omit<Request, 'body'>, out: Out) => boolean;

export interface Recorder {
  readonly seen: Seen[];
  /** Every connection that came, also those that said nothing. */
  connections(): number;
}

export interface RecorderOptions {
  readonly plainPorts: readonly number[];
  readonly securePorts: readonly number[];
  /** Asks for a certificate and takes nobody without. */
  readonly mutualPort: number;
  readonly certificates: Certificates;
  readonly answer: Answer;
  readonly early: Early;
  readonly ipv6: boolean;
}

/**
 * A web server that reads only as much HTTP as it must to tell where a request ends, so what it writes down is what came.
 * It listens on every address of the machine.
 */
export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  const seen: Seen[] = [];
  const counts = new Map<string, number>();
  let connections = 0;
  const serve = (port: number) => (socket: Socket | TLSSocket) => {
    connections += 1;
    converse(socket, port, { seen, counts, ...options });
  };
  const { servers, root } = options.certificates;
  const contexts = new Map(Object.entries(servers).map(([name, { key, certificate }]) => [name, createSecureContext({ key, cert: certificate })]));
  const { key, certificate } = servers['203.0.113.5']!;
  const tls = {
    key,
    cert: certificate,
    ALPNProtocols: ['http/1.1', 'http/1.0'],
    SNICallback: (name: string, done: (error: Error | null, context?: ReturnType<typeof createSecureContext>) => void) => done(null, contexts.get(name)),
  };
  const host = options.ipv6 ? '::' : '0.0.0.0';
  const listen = (server: { listen(port: number, host: string, done: () => void): unknown }, port: number) => new Promise<void>((resolve) => server.listen(port, host, resolve));
  for (const port of options.plainPorts) await listen(createTcp(serve(port)), port);
  for (const port of options.securePorts) await listen(createTls(tls, serve(port)).on('tlsClientError', () => (connections += 1)), port);
  const mutual = createTls({ ...tls, requestCert: true, rejectUnauthorized: false, ca: root }, (socket) => {
    if (Object.keys(socket.getPeerCertificate()).length === 0) return void socket.destroy();
    serve(options.mutualPort)(socket);
  });
  await listen(mutual.on('tlsClientError', () => (connections += 1)), options.mutualPort);
  return { seen, connections: () => connections };
}

interface Conversation {
  readonly seen: Seen[];
  readonly counts: Map<string, number>;
  readonly answer: Answer;
  readonly early: Early;
}

function converse(socket: Socket | TLSSocket, port: number, { seen, counts, answer, early }: Conversation): void {
  let buffered = Buffer.alloc(0);
  let taken: ((chunk: Buffer) => void) | null = null;
  let busy = false;
  let ended = false;
  let toldEarly: string | null = null;
  const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');
  const to = `${plain(socket.localAddress)} ${port}`;
  const from = plain(socket.remoteAddress);
  const out: Out = {
    write: (raw) => void (socket.destroyed || socket.write(typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw)),
    end: () => {
      ended = true;
      socket.end();
    },
    reset: () => {
      ended = true;
      const under = (socket as unknown as { _parent?: Socket })._parent ?? socket;
      under.resetAndDestroy();
      socket.destroy();
    },
    raw: (take) => {
      taken = take;
      if (buffered.length > 0) take(buffered);
      buffered = Buffer.alloc(0);
    },
  };
  const next = async (): Promise<void> => {
    if (busy || ended || taken !== null) return;
    const headEnd = buffered.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = buffered.subarray(0, headEnd + 4).toString('latin1');
    const rest = buffered.subarray(headEnd + 4);
    const described = describe(head, to, from);
    if (toldEarly !== head) {
      toldEarly = head;
      if (early({ ...described, count: counts.get(described.path) ?? 0 }, out)) {
        seen.push({ to, from, head, body: '' });
        ended = true;
        return;
      }
    }
    const length = bodyLength(described, rest);
    if (length === null) return;
    busy = true;
    toldEarly = null;
    buffered = Buffer.from(rest.subarray(length));
    const body = rest.subarray(0, length).toString('latin1');
    seen.push({ to, from, head, body });
    const count = (counts.get(described.path) ?? 0) + 1;
    counts.set(described.path, count);
    await answer({ ...described, body, count }, out);
    busy = false;
    await next();
  };
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    if (taken !== null) return taken(chunk);
    // A TLS handshake where none is expected: what a web server says then.
    if (buffered.length === 0 && chunk[0] === 0x16) return void socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    buffered = Buffer.concat([buffered, chunk]);
    void next();
  });
  socket.on('end', () => {
    // What was begun and never came to an end is told of as well.
    if (buffered.length > 0 && !busy && taken === null) seen.push({ to, from, head: `(unfinished) ${buffered.toString('latin1')}`, body: '' });
    socket.end();
  });
}

function describe(head: string, to: string, from: string): Omit<Request, 'body' | 'count'> {
  const [line = '', ...fields] = head.trimEnd().split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  const withoutOrigin = target.replace(/^https?:\/\/[^/]*/i, '');
  return {
    to,
    from,
    head,
    method,
    target,
    path: withoutOrigin.split('?')[0] ?? '',
    field: (name) => fields.find((one) => one.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1).trim(),
  };
}

/** null: it is not here whole. */
function bodyLength(head: { field(name: string): string | undefined }, rest: Buffer): number | null {
  if (head.field('transfer-encoding') !== undefined) return chunkedLength(rest);
  const length = Number(head.field('content-length') ?? 0);
  return rest.length < length ? null : length;
}

function chunkedLength(rest: Buffer): number | null {
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16);
    if (size === 0) {
      const end = rest.indexOf('\r\n\r\n', lineEnd);
      return end === -1 ? null : end + 4;
    }
    at = lineEnd + 2 + size + 2;
    if (at > rest.length) return null;
  }
}
