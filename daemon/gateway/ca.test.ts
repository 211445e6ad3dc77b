import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isIP, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caFiles, ensureCaPair } from './ca-files.ts';
import { makeCaPair } from './ca-pair.ts';
import { createCertificateAuthority, type CertificateAuthority } from './ca.ts';
import { trustedRoots } from './roots.ts';

const DAY = 24 * 60 * 60_000;
const now = Date.now();
let home: string;
let dir: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pag0-ca-'));
  dir = join(home, 'ca');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const open = (at = now): CertificateAuthority => createCertificateAuthority({ dir, clock: () => at, roots: () => rootCertificates.slice(0, 3) });

describe('the certificate authority', () => {
  it('is of this user alone: nobody else can read the folder or a file in it, and its name says whose it is', async () => {
    const files = await open().ready();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) {
      const { mode } = statSync(join(dir, name));
      expect(mode & 0o777).toBe(name === 'hashed' ? 0o700 : 0o600);
    }
    const certificate = new X509Certificate(readFileSync(files.certificate));
    expect(certificate.subject).toMatch(/^CN=pag0 for .+ on .+\nO=pag0$/);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.toLegacyObject()).toMatchObject({ asn1Curve: 'prime256v1' });
  });

  it('is found again by the next daemon', async () => {
    await open().ready();
    const before = readFileSync(caFiles(dir).pair, 'utf8');
    await open().ready();
    expect(readFileSync(caFiles(dir).pair, 'utf8')).toBe(before);
  });

  it('is one, however many daemons start at once', async () => {
    const pairs = await Promise.all(Array.from({ length: 8 }, () => ensureCaPair(dir, now)));
    expect(new Set(pairs.map(({ certificate }) => certificate)).size).toBe(1);
    expect(readdirSync(dir)).toEqual(['ca-key.pem']);
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['of another key', async (text: string) => (await makeCaPair(now)).key + text.slice(text.indexOf('-----BEGIN CERT'))],
    ['expired', async () => Object.values(await makeCaPair(now - 800 * DAY)).join('')],
    ['about to expire', async () => Object.values(await makeCaPair(now - 710 * DAY)).join('')],
    ['from the future', async () => Object.values(await makeCaPair(now + 90 * DAY)).join('')],
  ])('is made anew when what is there is %s', async (_name, spoil) => {
    const { certificate } = await ensureCaPair(dir, now);
    writeFileSync(caFiles(dir).pair, await spoil(readFileSync(caFiles(dir).pair, 'utf8')), { mode: 0o600 });
    const again = await Promise.all([ensureCaPair(dir, now), ensureCaPair(dir, now), ensureCaPair(dir, now)]);
    expect(new Set(again.map((pair) => pair.certificate)).size).toBe(1);
    expect(again[0]!.certificate).not.toBe(certificate);
    expect(readdirSync(dir)).toEqual(['ca-key.pem']);
  });

  it.skipIf(process.platform === 'win32')('is made anew when others could have read its key', async () => {
    const { certificate } = await ensureCaPair(dir, now);
    chmodSync(caFiles(dir).pair, 0o644);
    expect((await ensureCaPair(dir, now)).certificate).not.toBe(certificate);
    expect(statSync(caFiles(dir).pair).mode & 0o777).toBe(0o600);
  });

  it('hands out what programs trust already, and itself', async () => {
    const files = await open().ready();
    const own = readFileSync(files.certificate, 'utf8').trim();
    expect(readFileSync(files.bundle, 'utf8').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)).toEqual([...rootCertificates.slice(0, 3).map((pem) => pem.trim()), own]);
    expect(readFileSync(files.bundle, 'utf8')).not.toMatch(/PRIVATE/);
  });

  it('is not passed on as a root of the world by a daemon that a session started', async () => {
    const files = await open().ready();
    const company = join(home, 'company.pem');
    const { certificate } = await makeCaPair(now);
    writeFileSync(company, rootCertificates[0]!.replace(/\n/g, '\r\n') + '\n' + certificate);
    for (const extra of [files.bundle, files.certificate, company, join(home, 'missing')]) {
      expect(new Set(trustedRoots({ NODE_EXTRA_CA_CERTS: extra }, []))).toEqual(new Set(rootCertificates.map((pem) => pem.trim())));
    }
  });
});

describe('the certificate of a host', () => {
  it.each(['api.example.com', '127.0.0.1', '::1', `${'a'.repeat(60)}.${'b'.repeat(60)}.example.com`])('is accepted for %s by whoever was told of us', async (host) => {
    const authority = open();
    const ca = readFileSync((await authority.ready()).certificate);
    const leaf = await handshake(await authority.contextFor(host), host, ca);
    expect(leaf.authorized).toBe(true);
    const { valid_from, valid_to } = leaf.getPeerCertificate();
    expect(Date.parse(valid_to) - Date.parse(valid_from)).toBeLessThanOrEqual(3 * DAY);
    await expect(handshake(await authority.contextFor('other.example'), host, ca)).rejects.toThrow('another name');
  });

  it('is made once, kept while it is used, and made anew after a day', async () => {
    let at = now;
    const authority = createCertificateAuthority({ dir, clock: () => at, roots: () => [], keep: 2 });
    const [one, other] = [await authority.contextFor('a.test'), await authority.contextFor('b.test')];
    expect(await authority.contextFor('a.test')).toBe(one);
    await authority.contextFor('c.test');
    expect(await authority.contextFor('a.test')).toBe(one);
    expect(await authority.contextFor('b.test')).not.toBe(other);
    at += DAY + 1;
    expect(await authority.contextFor('a.test')).not.toBe(one);
  });

  it('can be had once the folder can be written again', async () => {
    writeFileSync(dir, 'in the way');
    const authority = open();
    await expect(authority.contextFor('a.test')).rejects.toThrow();
    rmSync(dir);
    await expect(authority.contextFor('a.test')).resolves.toBeDefined();
  });
});

/** By OpenSSL's rules: Node 22.23's own `checkServerIdentity` knows no IPv6 address. */
function identity(host: string, certificate: X509Certificate): Error | undefined {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) === undefined ? new Error('another name') : undefined;
}

function handshake(secureContext: SecureContext, host: string, ca: Buffer): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const server = createServer({ SNICallback: (_name, done) => done(null, secureContext) }).on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1', () => {
      const named = isIP(host) === 0 ? host : 'address.invalid';
      const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: named, ca, checkServerIdentity: (_name, { raw }) => identity(host, new X509Certificate(raw)) });
      const done = (): void => void server.close();
      socket.once('secureConnect', () => {
        resolve(socket);
        setImmediate(() => socket.destroy());
        done();
      });
      socket.once('error', (error) => {
        reject(error);
        done();
      });
    });
  });
}
