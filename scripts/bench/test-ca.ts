import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { DAY_MS, KEY_ALGORITHM, loadX509, SIGNATURE } from '../../daemon/gateway/x509.ts';

/** The server's name. A name, because squid makes certificates for names alone. */
export const HOST = 'localhost';

/** Both PEM. */
export interface Signed {
  key: string;
  certificate: string;
}

export interface TestCa extends Signed {
  /** For a server of that name, or at that address; good from yesterday to tomorrow, or until `end`. */
  issue(server?: string, end?: Date): Promise<Signed>;
}

/** An authority for the length of one benchmark or test. Not pag0's own kind: the daemon takes that for itself and believes no server with it. */
export async function makeTestCa(name: string): Promise<TestCa> {
  const x509 = await loadX509();
  const { subtle } = webcrypto;
  const newKeys = async (): Promise<webcrypto.CryptoKeyPair> => (await subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const keyText = async ({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> => x509.PemConverter.encode(await subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');
  const common = { signingAlgorithm: SIGNATURE, notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };

  const keys = await newKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    name: [{ CN: [name] }],
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    key: await keyText(keys),
    certificate: authority.toString('pem'),
    async issue(server = HOST, end = common.notAfter) {
      const own = await newKeys();
      const leaf = await x509.X509CertificateGenerator.create({
        ...common,
        notBefore: new Date(Math.min(common.notBefore.getTime(), end.getTime() - DAY_MS)),
        notAfter: end,
        subject: [{ CN: [server] }],
        issuer: authority.subjectName.toJSON(),
        signingKey: keys.privateKey,
        publicKey: own.publicKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension([{ type: isIP(server) === 0 ? 'dns' : 'ip', value: server }]),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return { key: await keyText(own), certificate: leaf.toString('pem') };
    },
  };
}
