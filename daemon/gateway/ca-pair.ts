import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { DAY_MS, EARLIER_MS, KEY_ALGORITHM, loadX509, SIGNATURE } from './x509.ts';

/** The key that signs, and the certificate that shows it. Both PEM. */
export interface CaPair {
  key: string;
  certificate: string;
}

/** Two years; renewed a month before, so that no session outlives the file it was given. */
const LIFETIME_MS = 730 * DAY_MS;
const RENEW_MS = 30 * DAY_MS;

/** What stands in its name, so that nobody who meets it has to guess. */
const PREFIX = 'pag0 for ';

export async function makeCaPair(now: number): Promise<CaPair> {
  const x509 = await loadX509();
  const keys = (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [ownerName()] }, { O: ['pag0'] }],
    keys,
    signingAlgorithm: SIGNATURE,
    notBefore: new Date(now - EARLIER_MS),
    notAfter: new Date(now + LIFETIME_MS),
    extensions: [
      // Signs servers, no further authority (RFC 5280, section 4.2.1.9).
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64').match(/.{1,64}/g)!.join('\n');
  return { key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, certificate: `${certificate.toString('pem').trim()}\n` };
}

/** A pair out of one text, where it is whole, ours, and good for a while yet. */
export function readCaPair(text: string, now: number): CaPair | null {
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text)?.[0];
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)?.[0];
  if (key === undefined || certificate === undefined) return null;
  try {
    const parsed = new X509Certificate(certificate);
    const good = parsed.ca && named(parsed) && parsed.checkPrivateKey(createPrivateKey(key));
    const [from, to] = [Date.parse(parsed.validFrom), Date.parse(parsed.validTo)];
    return good && from <= now && now < to - RENEW_MS ? { key: `${key}\n`, certificate: `${certificate}\n` } : null;
  } catch {
    return null;
  }
}

export function isOurs(certificate: string): boolean {
  try {
    return named(new X509Certificate(certificate));
  } catch {
    return false;
  }
}

function named({ subject }: X509Certificate): boolean {
  return subject.includes(`CN=${PREFIX}`);
}

/** At most 64 characters (RFC 5280, appendix A.1), and none that a distinguished name would read as syntax. */
function ownerName(): string {
  const plain = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, '-');
  return `${PREFIX}${plain(userName())} on ${plain(hostname())}`.slice(0, 64);
}

/** A container may run as a number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'somebody');
  }
}
