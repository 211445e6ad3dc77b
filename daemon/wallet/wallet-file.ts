import { chmodSync, closeSync, fsyncSync, linkSync, lstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { removeIfThere } from '../contract/home.ts';
import { errorCode, fileProblem } from '../contract/problem.ts';
import { parseKeystore, type Keystore } from './keystore.ts';

/** `text` tells one content of the file from another. */
export type WalletFile = { found: 'none' } | { found: 'keystore'; text: string; keystore: Keystore } | { found: 'unusable'; problem: string };

/** `former`: where the wallet that was there is now. */
export type Written = { ok: true; former: string | null } | { ok: false; reason: 'EXISTS' | 'UNWRITABLE'; problem: string };

const MAX_BYTES = 64 * 1024;

/** Mode bits are repaired, as everywhere in the home; a link, or a file of another user's, is not a wallet of this one. */
export function readWalletFile(path: string): WalletFile {
  const no = (problem: string): WalletFile => ({ found: 'unusable', problem });
  try {
    const stat = lstatSync(path);
    if (!stat.isFile()) return no('it is not a plain file');
    const uid = process.getuid?.();
    if (uid !== undefined && stat.uid !== uid) return no('it belongs to another user');
    if (uid !== undefined && (stat.mode & 0o077) !== 0) chmodSync(path, 0o600);
    if (stat.size > MAX_BYTES) return no('it is too large for a keystore');
    const text = readFileSync(path, 'utf8');
    const read = parseKeystore(text);
    return read.ok ? { found: 'keystore', text, keystore: read.keystore } : no(read.problem);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return { found: 'none' };
    return no(`it cannot be read (${code ?? 'unknown error'})`);
  }
}

/** In one step and on disk before it returns: money may be sent to it a moment later. A wallet that is replaced is kept beside it. */
export function writeWalletFile(path: string, text: string, options: { replace: boolean; now: number }): Written {
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const former = join(dirname(path), `wallet-until-${new Date(options.now).toISOString().replaceAll(':', '-')}.json`);
  let moved = false;
  try {
    writeThrough(draft, text);
    moved = options.replace && moveIfThere(path, former);
    // Fails when the name exists, so that two at once cannot both believe that theirs is the wallet.
    linkSync(draft, path);
    return { ok: true, former: moved ? former : null };
  } catch (error) {
    if (moved) moveIfThere(former, path);
    if (errorCode(error) === 'EEXIST') return { ok: false, reason: 'EXISTS', problem: `there is a wallet in ${path} already` };
    const found = fileProblem(error, path);
    if (found === null) throw error;
    return { ok: false, reason: 'UNWRITABLE', problem: found.sentence };
  } finally {
    removeIfThere(draft);
  }
}

function writeThrough(file: string, text: string): void {
  const handle = openSync(file, 'wx', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function moveIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
