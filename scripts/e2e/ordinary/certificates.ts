import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAY_MS } from '../../../daemon/gateway/x509.ts';
import { makeTestCa, type Signed } from '../../bench/test-ca.ts';
import { ADDRESSES } from './network.ts';

/** What every run of a comparison shows and trusts, made once, so that both see the same. */
export interface Certificates {
  /** The authority that the machine's own store holds. */
  readonly root: string;
  /** A company's, which only its own people's variables name. */
  readonly corp: string;
  readonly servers: Readonly<Record<string, Signed>>;
  readonly client: Signed;
}

export async function makeCertificates(): Promise<Certificates> {
  const [root, corp, stranger] = [await makeTestCa('The Root of the Tests'), await makeTestCa('The Company'), await makeTestCa('Nobody Known')];
  const servers: Record<string, Signed> = {};
  for (const name of Object.keys(ADDRESSES)) servers[name] = await root.issue(name);
  servers['expired.example'] = await root.issue('expired.example', new Date(Date.now() - DAY_MS));
  servers['wrong.example'] = await root.issue('somebody-else.example');
  servers['self.example'] = await stranger.issue('self.example');
  servers['corp.example'] = await corp.issue('corp.example');
  servers['203.0.113.5'] = await root.issue('203.0.113.5');
  return { root: root.certificate, corp: corp.certificate, servers, client: await root.issue('a client of the tests') };
}

/** The machine's store holds the tests' root alone, where Debian keeps it: one file, and a folder by hash. */
export function trustInThisNamespace(root: string, { root: authority }: Certificates): void {
  const folder = join(root, 'etc', 'certs');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tests.pem'), authority);
  writeFileSync(join(folder, 'ca-certificates.crt'), authority);
  const hash = execFileSync('openssl', ['x509', '-noout', '-hash', '-in', join(folder, 'tests.pem')], { encoding: 'utf8' }).trim();
  cpSync(join(folder, 'tests.pem'), join(folder, `${hash}.0`));
  execFileSync('mount', ['--bind', folder, '/etc/ssl/certs']);
}
