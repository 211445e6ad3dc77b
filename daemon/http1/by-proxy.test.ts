import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { startOwnProxy } from '../../scripts/e2e/own-proxy.ts';
import { startSecureApi } from '../../scripts/e2e/secure-api.ts';
import { ownProxiesIn } from '../core/own-proxy.ts';
import { ProxyRefused } from './by-proxy.ts';
import { dial } from './connect.ts';

async function street(url?: string, denies?: string) {
  const proxy = await startOwnProxy(denies);
  const api = await startSecureApi();
  onTestFinished(async () => {
    await proxy.close();
    await api.close();
  });
  const by = { proxy: ownProxiesIn({ https_proxy: url === undefined ? proxy.url : url.replace('PORT', new URL(proxy.url).port) }).proxies!.https!, fields: ['User-Agent: x'] };
  const trust = createSecureContext({ ca: readFileSync(api.caFile) });
  return { proxy, far: { host: '127.0.0.2', port: api.port, secure: true }, options: { connectMs: 3_000, trust, by } };
}

it('a connection by a proxy is TLS with the server behind it, which shows who it is', async () => {
  const { proxy, far, options } = await street();
  const socket = await dial(far, options);
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const text = await new Promise<string>((resolve) => {
    let got = '';
    socket.on('data', (piece: Buffer) => (got += piece)).on('end', () => resolve(got));
  });
  expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*untouched\n/);
  expect(proxy.seen).toEqual([`CONNECT 127.0.0.2:${far.port}`]);
  expect(proxy.fields[0]).toContain('User-Agent');
  await expect(dial(far, { ...options, trust: createSecureContext({ ca: [] }) })).rejects.toThrow(/self-signed|unable/);
});

it('what a proxy says instead of a tunnel is kept as it came', async () => {
  const { far, options } = await street('http://other:pw@127.0.0.3:PORT');
  const refused = await dial(far, options).then(() => null, (error: unknown) => error);
  expect(refused).toBeInstanceOf(ProxyRefused);
  expect((refused as ProxyRefused).answer.toString()).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
  (refused as ProxyRefused).socket.destroy();
});
