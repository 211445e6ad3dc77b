import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { isOurs } from './ca-pair.ts';

/** Where systems keep the roots that curl, git and Python trust: Debian, Fedora, Alpine and macOS. A company adds its own there. */
const SYSTEM_FILES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/**
 * Everything programs of this user trust already, each once: Node's roots, the system's, and `NODE_EXTRA_CA_CERTS`. A daemon
 * started from within a session finds pag0's own file there; it stands for no server out there.
 */
export function trustedRoots(env: Record<string, string | undefined> = process.env, systemFiles: readonly string[] = SYSTEM_FILES): string[] {
  const extra = env['NODE_EXTRA_CA_CERTS'];
  const system = systemFiles.map(certificatesIn).find((found) => found.length > 0) ?? [];
  return [...new Set([...rootCertificates.map(tidy), ...system, ...(extra === undefined ? [] : certificatesIn(extra).filter((pem) => !isOurs(pem)))])];
}

/** A file that is not there trusts nobody. */
export function certificatesIn(file: string): string[] {
  try {
    return (readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(tidy);
  } catch {
    return [];
  }
}

function tidy(pem: string): string {
  return pem.replace(/\r/g, '').trim();
}
