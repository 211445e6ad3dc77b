import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { createCertificateAuthority } from '../../daemon/gateway/ca.ts';

export interface SecureApi {
  /** `https://127.0.0.2:<port>`: an address of this machine that no list of exceptions names. */
  readonly url: string;
  readonly port: number;
  /** Who trusts this alone sees whether anybody stands between. */
  readonly caFile: string;
  readonly paths: readonly string[];
  close(): Promise<void>;
}

const HOST = '127.0.0.2';

/** An HTTPS service with a certificate that nobody else could show. */
export async function startSecureApi(): Promise<SecureApi> {
  const dir = await mkdtemp(join(tmpdir(), 'pag0-e2e-tls-'));
  const ca = createCertificateAuthority({ dir, clock: Date.now });
  const { certificate } = await ca.ready();
  const secureContext = await ca.contextFor(HOST);
  const paths: string[] = [];
  const sockets = new Set<Socket>();
  const http = createHttp((request, response) => {
    paths.push(request.url ?? '');
    response.end('untouched\n');
  });
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    secure.on('error', () => socket.destroy());
    http.emit('connection', secure);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${HOST}:${port}`,
    port,
    caFile: certificate,
    paths,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
