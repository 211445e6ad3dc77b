import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { CaPair } from './ca-pair.ts';
import { DAY_MS, EARLIER_MS, KEY_ALGORITHM, loadX509, SIGNATURE } from './x509.ts';

/**
 * A certificate is looked at only while a connection is made, by a program on this machine, and making one costs a
 * millisecond. So it lives for two days, and is made anew after one: nothing that leaks is good for long, and no client's
 * clock has to be exact.
 */
const LIFETIME_MS = 2 * DAY_MS;
export const LEAF_RENEW_MS = DAY_MS;

export interface LeafIssuer {
  issue(host: string, now: number): Promise<SecureContext>;
}

/** One key for all leaves of this process, never written down. */
export async function createLeafIssuer(ca: CaPair): Promise<LeafIssuer> {
  const x509 = await loadX509();
  const { subtle } = webcrypto;
  const authority = new x509.X509Certificate(ca.certificate);
  const signingKey = await subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(ca.key), KEY_ALGORITHM, false, ['sign']);
  const keys = (await subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const key = x509.PemConverter.encode(await subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');

  return {
    async issue(host, now) {
      const leaf = await x509.X509CertificateGenerator.create({
        subject: [{ CN: ['pag0 gateway'] }],
        issuer: authority.subjectName.toJSON(),
        signingKey,
        signingAlgorithm: SIGNATURE,
        publicKey: keys.publicKey,
        notBefore: new Date(now - EARLIER_MS),
        notAfter: new Date(now + LIFETIME_MS),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          // The only place where clients look for a name (RFC 9110, section 4.3.4).
          new x509.SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }]),
          await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return createSecureContext({ key, cert: `${leaf.toString('pem')}\n${ca.certificate}` });
    },
  };
}
