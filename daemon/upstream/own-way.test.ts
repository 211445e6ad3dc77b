import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { startOwnProxy } from '../../scripts/e2e/own-proxy.ts';
import { startSecureApi } from '../../scripts/e2e/secure-api.ts';
import { ownProxiesIn, proxyFor } from '../core/own-proxy.ts';
import type { FindWayOut } from '../ports.ts';
import { createUpstream } from './upstream.ts';

it('a session’s request leaves by its person’s proxy, trusting whom they trust, and nobody else’s does', async () => {
  const [proxy, api] = [await startOwnProxy(), await startSecureApi()];
  const lines: string[][] = [];
  const plain = createServer((request, response) => {
    lines.push([`${request.method} ${request.url}`, ...request.rawHeaders]);
    response.end('plain\n');
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.6', resolve));
  const own = ownProxiesIn({ all_proxy: proxy.url }).proxies;
  const trust = createSecureContext({ ca: readFileSync(api.caFile) });
  const wayOut: FindWayOut = (session, to) => (session === 's' ? { proxy: proxyFor(own, to), trust, name: 's' } : { proxy: null, trust: undefined, name: '' });
  const upstream = createUpstream({ ca: [], wayOut, connectMs: 3_000 });
  onTestFinished(async () => {
    await upstream.close();
    plain.closeAllConnections();
    plain.close();
    await proxy.close();
    await api.close();
  });
  const get = async (url: string, session: string) => {
    const answer = await upstream.send({ method: 'GET', url, fields: {}, body: null, session }, new AbortController().signal);
    return `${answer.status} ${Buffer.isBuffer(answer.body) ? answer.body.toString() : (await buffer(answer.body as Readable)).toString()}`;
  };
  expect(await get(`${api.url}/a`, 's')).toBe('200 untouched\n');
  expect(await get(`${api.url}/b`, 's')).toBe('200 untouched\n');
  const port = (plain.address() as AddressInfo).port;
  expect(await get(`http://127.0.0.6:${port}/c?d`, 's')).toBe('200 plain\n');
  expect(proxy.seen).toEqual([`CONNECT ${new URL(api.url).host}`, `GET http://127.0.0.6:${port}/c?d`]);
  expect(lines[0]!.map((text) => text.toLowerCase())).toContain('host');
  expect(JSON.stringify(lines)).not.toMatch(/proxy-authorization/i);
  await expect(get(`${api.url}/a`, 'other')).rejects.toMatchObject({ code: 'UPSTREAM_UNTRUSTED' });
  expect(proxy.seen).toHaveLength(2);
});
