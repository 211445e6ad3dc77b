import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { refusal } from '../core/errors.ts';
import type { Asker, Governor, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import { createUpstream, type UpstreamOptions } from '../upstream/upstream.ts';
import { createCertificateAuthority, type CertificateAuthority } from './ca.ts';
import { createGateway, type Gateway, type GatewayOptions } from './gateway.ts';
import { GATEWAY_LIMITS, serverOptions } from './limits.ts';

export const ASKER: Asker = { session: 's', by: 'environment', shell: null, connection: {} };
export const TICKET = `Basic ${Buffer.from('ticket:1').toString('base64')}`;

/** Stands in for the pipeline: does what a test tells it and remembers what it was asked. */
export interface FakeGovernor extends Governor {
  rule: 'tunnel' | 'look' | 'refuse';
  seen: WebRequest[];
  /** Handshakes of WebSockets that it admitted. */
  sockets: WebRequest[];
  asked: string[];
  signals: AbortSignal[];
  /** Why there was no answer. */
  failures: string[];
  answer: ((request: WebRequest, signal: AbortSignal) => Promise<WebAnswer>) | null;
}

export function fakeGovernor(upstream: Upstream): FakeGovernor {
  const governor: FakeGovernor = {
    rule: 'look',
    seen: [],
    sockets: [],
    asked: [],
    signals: [],
    failures: [],
    answer: null,
    async whoAsks(shown) {
      // Who is behind a connection only the system knows, and that takes a while.
      await new Promise((resolve) => setImmediate(resolve));
      if (shown === undefined) return { asker: null };
      return shown === TICKET ? { asker: ASKER } : { rejected: refusal('PROXY_CREDENTIALS_INVALID', 'this ticket is not valid.', { scope: 'request' }) };
    },
    passage(asker, { host, port, secure }) {
      governor.asked.push(`${asker?.by ?? 'nobody'} ${secure ? 'https' : 'http'} ${host}:${port}`);
      if (governor.rule !== 'refuse') return { passage: governor.rule };
      return { passage: 'refuse', refusal: refusal('ENDPOINT_NOT_ALLOWED', 'this host is not allowed.', { scope: 'agent main' }) };
    },
    async exchange(_asker, request, signal) {
      governor.seen.push(request);
      governor.signals.push(signal);
      return { answer: await (governor.answer === null ? upstream.send(request, signal) : governor.answer(request, signal)) };
    },
    async admitSocket(_asker, request) {
      governor.sockets.push(request);
      return null;
    },
    failed(_asker, why) {
      governor.failures.push(why);
    },
  };
  return governor;
}

export interface Stage {
  port: number;
  proxy: string;
  gateway: Gateway;
  governor: FakeGovernor;
  upstream: Upstream;
  /** The CA whose certificate clients of the gateway are given. */
  ca: CertificateAuthority;
  caFile: string;
  bundleFile: string;
  /** What the daemon's own listener was asked. */
  own: string[];
  dir: string;
  servers: NetServer[];
  serve(listener: RequestListener): Promise<string>;
  serveSecure(listener: RequestListener, host?: string): Promise<string>;
  listen(server: NetServer): Promise<number>;
  close(): Promise<void>;
}

/** The gateway on a server of its own, as the daemon attaches it, and upstreams whose certificates a test CA signs. */
export async function createStage(options: { limits?: GatewayOptions['limits']; upstream?: UpstreamOptions; logged?: string[] } = {}): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'pag0-gateway-'));
  const ca = createCertificateAuthority({ dir: join(dir, 'ca'), clock: Date.now, roots: () => [] });
  const world = createCertificateAuthority({ dir: join(dir, 'world'), clock: Date.now, roots: () => [] });
  const [files, worldFiles] = await Promise.all([ca.ready(), world.ready()]);
  const roots = [readFileSync(worldFiles.certificate, 'utf8')];
  const upstream = createUpstream({ ca: roots, ...options.upstream });
  const governor = fakeGovernor(upstream);
  const servers: NetServer[] = [];
  const sockets = new Set<Socket>();
  const own: string[] = [];
  const logged = options.logged ?? [];

  const listen = async (server: NetServer): Promise<number> => {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const server: Server = createHttp(serverOptions(limits), (incoming, outgoing) => {
    own.push(`${incoming.method} ${incoming.url}`);
    outgoing.end('own');
  });
  const [toOwn] = server.listeners('connection') as [(socket: Socket) => void];
  server.removeListener('connection', toOwn).on('connection', (socket: Socket) => gateway.accept(socket, (own) => toOwn.call(server, own)));
  const port = await listen(server);
  const gateway = createGateway({
    governor,
    contextFor: ca.contextFor,
    port,
    limits,
    trust: () => createSecureContext({ ca: roots }),
    log: {
      info: (text, fields) => logged.push(`info ${text} ${JSON.stringify(fields)}`),
      error: (text, error) => logged.push(`error ${text} ${String(error)}`),
    },
  });

  return {
    port,
    proxy: `http://127.0.0.1:${port}`,
    gateway,
    governor,
    upstream,
    ca,
    caFile: files.certificate,
    bundleFile: files.bundle,
    own,
    dir,
    servers,
    serve: async (listener) => `http://127.0.0.1:${await listen(createHttp(listener))}`,
    serveSecure: async (listener, host = 'localhost') => {
      const context = await world.contextFor(host);
      const secure = createHttps({ SNICallback: (_name, done) => done(null, context) }, listener);
      return `https://${host}:${await listen(secure)}`;
    },
    listen,
    async close() {
      gateway.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((one) => new Promise((resolve) => one.close(resolve))));
      await upstream.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** The real curl, through the gateway unless `-x` says otherwise, ended by its own time limit. */
export function curl(proxy: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn('curl', ['-q', '-sS', '--max-time', '15', '-x', proxy, '--noproxy', '', ...args], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out).toString('latin1'), err }));
  });
}

/** Bytes onto the gateway's port, and all that comes back until the other side ends or `until` is seen. */
export function raw(port: number, text: string | Buffer, options: { until?: RegExp; ms?: number } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let got = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(got);
    };
    const timer = setTimeout(done, options.ms ?? 3_000);
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1');
      if (options.until?.test(got) === true) done();
    });
    socket.on('error', done).on('close', done);
    socket.write(text);
  });
}

export async function eventually(holds: () => boolean, ms = 3_000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return holds();
}
