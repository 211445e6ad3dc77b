import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

export interface Seen {
  /** `http://a.example.com/x`, `https://a.example.com/x`; `direct /x` when it did not come as to a proxy. */
  url: string;
  /** `user:secret`, as the proxy was shown it. */
  credentials: string | null;
}

/** A proxy that ends TLS for any `*.example.com` with a CA of its own and writes down who came. */
export interface Recorder {
  port: number;
  folder: string;
  ca: string;
  /** The system's roots and this CA. */
  bundle: string;
  seen: Seen[];
  /** Answer 407 to who shows no credentials, which some programs wait for. */
  demanding: boolean;
  /** Runs a program while the proxy answers, in an environment that has nothing but what is given. */
  run(program: string, args: readonly string[], env?: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }>;
  close(): Promise<void>;
}

export async function startRecorder(): Promise<Recorder> {
  const folder = mkdtempSync(join(tmpdir(), 'pag0-recorder-'));
  const { ca, key, cert } = certificates(folder);
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  /** Of the tunnel opened last: the tests ask one thing at a time. */
  let tunnel: string | null = null;

  const inside = createServer((request, response) => {
    seen.push({ url: `https://${request.headers.host}${request.url}`, credentials: tunnel });
    response.end('ok\n');
  });
  const tls = createTlsServer({ key, cert }, (socket) => inside.emit('connection', socket));
  const proxy = createServer((request, response) => {
    if (recorder.demanding && request.headers['proxy-authorization'] === undefined) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="x"' }).end();
      return;
    }
    const isProxied = !request.url!.startsWith('/');
    seen.push({ url: isProxied ? request.url! : `direct ${request.url}`, credentials: credentialsOf(request.headers['proxy-authorization']) });
    response.end('ok\n');
  });
  proxy.on('connect', (request, socket: Socket) => {
    tunnel = credentialsOf(request.headers['proxy-authorization']);
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 200 Connection established\r\nX-Tunnel: yes\r\n\r\n');
    tls.emit('connection', socket);
  });
  proxy.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  for (const server of [tls, inside, proxy]) server.on('clientError', (_error, socket) => socket.destroy()).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));

  const recorder: Recorder = {
    port: (proxy.address() as AddressInfo).port,
    folder,
    ca,
    bundle: bundleOf(folder, ca),
    seen,
    demanding: false,
    run: (program, args, env = {}) =>
      new Promise((resolve) => {
        const options = { env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env }, timeout: 15_000, cwd: folder };
        execFile(program, args, options, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          resolve({ code, stdout, stderr });
        });
      }),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return recorder;
}

export function hasProgram(program: string, args: readonly string[] = ['--version']): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function credentialsOf(header: string | undefined): string | null {
  return header === undefined ? null : Buffer.from(header.split(' ')[1] ?? '', 'base64').toString();
}

function certificates(folder: string): { ca: string; key: Buffer; cert: Buffer } {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=recorder', '-addext', 'keyUsage=critical,keyCertSign');
  openssl('req', ...newKey, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf');
  writeFileSync(join(folder, 'leaf.ext'), 'subjectAltName=DNS:*.example.com\n');
  openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'leaf.ext', '-out', 'leaf.pem');
  return { ca: join(folder, 'ca.pem'), key: readFileSync(join(folder, 'leaf.key')), cert: readFileSync(join(folder, 'leaf.pem')) };
}

function bundleOf(folder: string, ca: string): string {
  const bundle = join(folder, 'bundle.pem');
  writeFileSync(bundle, readFileSync(ca));
  return bundle;
}
