import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCaPair, readCaPair, type CaPair } from './ca-pair.ts';

export interface CaFiles {
  /** Key and certificate in one file: two could be of two daemons. Read by the daemon alone. */
  pair: string;
  /** Our certificate, for programs that add it to what they trust (`NODE_EXTRA_CA_CERTS`). */
  certificate: string;
  /** Everything trusted and our certificate, for programs whose variable replaces what they trust (`SSL_CERT_FILE`, `--cacert`). */
  bundle: string;
  /** A folder with our certificate alone, for programs that look for one by its name (`SSL_CERT_DIR`). */
  hashed: string;
}

export function caFiles(dir: string): CaFiles {
  return { pair: join(dir, 'ca-key.pem'), certificate: join(dir, 'ca.pem'), bundle: join(dir, 'bundle.pem'), hashed: join(dir, 'hashed') };
}

/** The pair in the folder, made when there is none that is fit. Two daemons that start at once end with the same one. */
export async function ensureCaPair(dir: string, now: number): Promise<CaPair> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const { pair: file } = caFiles(dir);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const text = readIfThere(file);
    const found = text === null || !ownersAlone(file) ? null : readCaPair(text, now);
    if (found !== null) return found;
    const made = await makeCaPair(now);
    const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
    writeFileSync(draft, made.key + made.certificate, { mode: 0o600, flag: 'wx' });
    try {
      setAside(file, text);
      // Fails when the name is there: then somebody else was first, and the next round takes theirs.
      linkSync(draft, file);
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  throw new Error(`${file} changes faster than it can be read`);
}

const ATTEMPTS = 5;

/** What others trust is written again at each start: the system's roots may have changed. Written only where it says something new. */
export function writeTrust(dir: string, certificate: string, roots: readonly string[]): CaFiles {
  const files = caFiles(dir);
  replaceFile(files.certificate, certificate);
  replaceFile(files.bundle, [...roots.filter((root) => root.trim() !== certificate.trim()), certificate.trim()].join('\n') + '\n');
  mkdirSync(files.hashed, { recursive: true, mode: 0o700 });
  const name = `${subjectHash(new X509Certificate(certificate).subject)}.0`;
  replaceFile(join(files.hashed, name), certificate);
  // A machine that has another name now had another certificate.
  for (const other of readdirSync(files.hashed)) if (/^[0-9a-f]{8}\.0$/.test(other) && other !== name) unlinkSync(join(files.hashed, other));
  return files;
}

/**
 * What OpenSSL calls a certificate in such a folder, as `openssl x509 -hash` says it: the SHA-1 of the name in its canonical form
 * (X509_NAME_hash), every part a set of one UTF8String in small letters with single spaces. For names as ours are: CN and O.
 */
export function subjectHash(subject: string): string {
  const der = (tag: number, ...parts: Buffer[]): Buffer => {
    const content = Buffer.concat(parts);
    if (content.length > 127) throw new Error('a name of ours is short');
    return Buffer.concat([Buffer.from([tag, content.length]), content]);
  };
  const parts = subject.split('\n').map((line) => {
    const [type = '', value = ''] = line.split(/=(.*)/s);
    const id = { CN: 0x03, O: 0x0a }[type];
    if (id === undefined) throw new Error(`a name of ours has no ${type}`);
    const canonical = value.trim().replace(/\s+/g, ' ').toLowerCase();
    return der(0x31, der(0x30, der(0x06, Buffer.from([0x55, 0x04, id])), der(0x0c, Buffer.from(canonical))));
  });
  return createHash('sha1').update(Buffer.concat(parts)).digest().readUInt32LE(0).toString(16).padStart(8, '0');
}

/** Unfit, and still what we looked at: what another daemon put there since stays. */
function setAside(file: string, seen: string | null): void {
  if (seen === null || readIfThere(file) !== seen) return;
  const aside = `${file}.${randomBytes(6).toString('hex')}.old`;
  renameSync(file, aside);
  if (readIfThere(aside) !== seen) linkSync(aside, file);
  unlinkSync(aside);
}

/** A key that somebody else could read is nobody's proof any more. Windows has no such modes; there the folder is the user's own. */
function ownersAlone(file: string): boolean {
  return process.platform === 'win32' || (statSync(file).mode & 0o077) === 0;
}

/** Null when it is not there; a file that cannot be read as text, or at all, is there and unfit. */
function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'EACCES') return '';
    throw error;
  }
}

function replaceFile(file: string, text: string): void {
  if (readIfThere(file) === text) return;
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}
