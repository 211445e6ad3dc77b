import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SCRYPT } from './vectors.fixture.ts';
import { readWalletFile, writeWalletFile } from './wallet-file.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-wallet-'));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = () => join(mkdtempSync(join(root, 'home-')), 'wallet.json');
const TEXT = JSON.stringify(SCRYPT);
const NOW = Date.parse('2026-11-21T15:00:00.000Z');

describe('the wallet file', () => {
  it('is written for its owner alone, and nothing is left beside it', () => {
    const path = fresh();
    expect(writeWalletFile(path, TEXT, { replace: false, now: NOW })).toEqual({ ok: true, former: null });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['wallet.json']);
    expect(readWalletFile(path)).toMatchObject({ found: 'keystore', text: TEXT });
  });

  it('is never written over: whoever wants another one keeps the first beside it', () => {
    const path = fresh();
    writeWalletFile(path, TEXT, { replace: false, now: NOW });
    expect(writeWalletFile(path, '{}', { replace: false, now: NOW })).toMatchObject({ ok: false, reason: 'EXISTS' });
    expect(readFileSync(path, 'utf8')).toBe(TEXT);
    const former = join(path, '..', 'wallet-until-2026-11-21T15-00-00.000Z.json');
    expect(writeWalletFile(path, '{}', { replace: true, now: NOW })).toEqual({ ok: true, former });
    expect([readFileSync(path, 'utf8'), readFileSync(former, 'utf8')]).toEqual(['{}', TEXT]);
  });

  it('may be replaced when there is none', () => {
    expect(writeWalletFile(fresh(), TEXT, { replace: true, now: NOW })).toEqual({ ok: true, former: null });
  });

  it('says where it cannot be written', () => {
    expect(writeWalletFile(join(root, 'not', 'there', 'wallet.json'), TEXT, { replace: false, now: NOW })).toMatchObject({ ok: false, reason: 'UNWRITABLE' });
  });

  it('is told from none, from a link, from something else and from something endless', () => {
    const path = fresh();
    expect(readWalletFile(path)).toEqual({ found: 'none' });
    symlinkSync(join(root, 'elsewhere'), path);
    expect(readWalletFile(path)).toEqual({ found: 'unusable', problem: 'it is not a plain file' });
    rmSync(path);
    writeFileSync(path, 'my secret');
    expect(readWalletFile(path)).toEqual({ found: 'unusable', problem: 'it is not JSON' });
    writeFileSync(path, ' '.repeat(100_000));
    expect(readWalletFile(path)).toEqual({ found: 'unusable', problem: 'it is too large for a keystore' });
  });

  it('that others could read is closed to them', () => {
    const path = fresh();
    writeFileSync(path, TEXT);
    chmodSync(path, 0o644);
    readWalletFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
