import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { makeTestCa } from '../bench/test-ca.ts';

export interface SecureApi {
  /** `https://127.0.0.2:<port>`, or another `host`: an address of this machine that no list of exceptions names. */
  readonly url: string;
  readonly port: number;
  /** Who trusts this alone sees whether anybody stands between. */
  readonly caFile: string;
  readonly paths: readonly string[];
  close(): Promise<void>;
}

const HOST = '127.0.0.2';

/** An HTTPS service with a certificate that nobody else could show. `behind`: the port of the loopback server that answers in its place. */
export async function startSecureApi(behind?: number, host = HOST): Promise<SecureApi> {
  const dir = await mkdtemp(join(tmpdir(), 'pag0-e2e-tls-'));
  const ca = await makeTestCa('a seller of the end-to-end tests');
  const caFile = join(dir, 'ca.pem');
  await writeFile(caFile, ca.certificate);
  const { key, certificate: cert } = await ca.issue(host);
  const paths: string[] = [];
  const sockets = new Set<Socket>();
  const http = createHttp((request, response) => {
    paths.push(request.url ?? '');
    response.end('untouched\n');
  });
  const server = createServer({ key, cert }, (secure) => {
    sockets.add(secure.on('error', () => {}));
    if (behind === undefined) return void http.emit('connection', secure);
    const inner = connect(behind, '127.0.0.1');
    sockets.add(inner.on('error', () => secure.destroy()));
    secure.pipe(inner).pipe(secure);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host}:${port}`,
    port,
    caFile,
    paths,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
