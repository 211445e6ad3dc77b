import { describe, expect, it } from 'vitest';
import { lock, parseKeystore, unlock, type Keystore } from './keystore.ts';
import { ADDRESS, PASSWORD, PBKDF2, SCRYPT, SECRET, SHORT } from './vectors.fixture.ts';

/** Far below the default, so that tests do not wait for it. */
const CHEAP = 1_024;

function read(value: unknown): Keystore {
  const parsed = parseKeystore(JSON.stringify(value));
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.keystore;
}

const problemOf = (value: unknown): string | null => {
  const parsed = parseKeystore(typeof value === 'string' ? value : JSON.stringify(value));
  return parsed.ok ? null : parsed.problem;
};

describe('a keystore', () => {
  it.each<[string, object, string, string | RegExp]>([
    ['PBKDF2', PBKDF2, PASSWORD, SECRET],
    ['scrypt, without a password', SCRYPT, '', /^0x[0-9a-f]{64}$/],
    ['a key of 31 bytes', SHORT, 'foo', '0x00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35'],
  ])('opens as the published vector says: %s', async (_, vector, password, key) => {
    expect(await unlock(read(vector), password)).toEqual({ ok: true, key: typeof key === 'string' ? key : (expect.stringMatching(key) as string) });
  });

  it.each([
    ['capital Crypto', { Crypto: PBKDF2.crypto, version: 3 }],
    ['capital digits and 0x', { ...PBKDF2, address: ADDRESS.toUpperCase().replace('0X', '0x'), crypto: { ...PBKDF2.crypto, mac: `0x${PBKDF2.crypto.mac.toUpperCase()}` } }],
    ['fields of a program’s own', { ...PBKDF2, 'x-ethers': { client: 'x' }, address: 'not an address' }],
  ])('is read in the spelling of other wallets: %s', async (_, file) => {
    expect(await unlock(read(file), PASSWORD)).toEqual({ ok: true, key: SECRET });
  });

  it('answers a wrong password with a value', async () => {
    expect(await unlock(read(PBKDF2), 'Testpassword')).toEqual({ ok: false, reason: 'WRONG_PASSWORD', problem: 'the password does not open it' });
  });

  it('is written in the standard way, with salt and vector of its own, and opens again', async () => {
    const [one, two] = await Promise.all([lock(SECRET, 'pässwörd 密', CHEAP), lock(SECRET, 'pässwörd 密', CHEAP)]);
    const file = JSON.parse(one) as typeof SCRYPT & { address: string };
    expect(file).toMatchObject({ version: 3, address: ADDRESS.slice(2), id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, crypto: { cipher: 'aes-128-ctr', kdf: 'scrypt', kdfparams: { dklen: 32, n: CHEAP, r: 8, p: 1 } } });
    expect(file.crypto.kdfparams.salt).toMatch(/^[0-9a-f]{64}$/);
    expect(one).not.toBe(two);
    expect(one).not.toContain(SECRET.slice(2));
    expect(await unlock(read(file), 'pässwörd 密')).toEqual({ ok: true, key: SECRET });
  });

  it('costs a guess what is usual today, unless it is told otherwise', async () => {
    expect((JSON.parse(await lock(SECRET, 'x')) as typeof SCRYPT).crypto.kdfparams).toMatchObject({ n: 131_072, r: 8, p: 1 });
  });

  it('says its address before it is opened, and is not believed when the key in it has another', async () => {
    const file = JSON.parse(await lock(SECRET, PASSWORD, CHEAP)) as object;
    expect(read(file).address).toBe(ADDRESS);
    expect(read(PBKDF2).address).toBeNull();
    expect(await unlock(read({ ...file, address: '00'.repeat(20) }), PASSWORD)).toMatchObject({ ok: false, reason: 'DAMAGED' });
  });

  const scrypt = (more: object) => ({ ...SCRYPT, crypto: { ...SCRYPT.crypto, kdfparams: { ...SCRYPT.crypto.kdfparams, ...more } } });
  it.each([
    ['memory', scrypt({ n: 2 ** 30 })],
    ['blocks', scrypt({ r: 2 ** 20 })],
    ['time', scrypt({ n: 2 ** 18, p: 100 })],
    ['rounds', { ...PBKDF2, crypto: { ...PBKDF2.crypto, kdfparams: { ...PBKDF2.crypto.kdfparams, c: 2 ** 31 } } }],
    ['a cost that is no power of two', scrypt({ n: 1_000 })],
  ])('that asks for too much is refused before anything is derived: %s', (_, file) => {
    expect(problemOf(file)).toBe('it asks for more memory or time than a keystore needs');
  });

  it.each([
    ['no JSON', '0x7a28 my secret', 'it is not JSON'],
    ['another version', { ...SCRYPT, version: 1 }, 'it is not a keystore that pag0 can read (version)'],
    ['no crypto', { version: 3 }, 'it is not a keystore that pag0 can read (crypto)'],
    ['another cipher', { ...SCRYPT, crypto: { ...SCRYPT.crypto, cipher: 'aes-128-cbc' } }, 'it is not a keystore that pag0 can read (crypto.cipher)'],
    ['another derivation', { ...SCRYPT, crypto: { ...SCRYPT.crypto, kdf: 'argon2id' } }, 'it is not a keystore that pag0 can read (crypto.kdf)'],
    ['no key', { ...SCRYPT, crypto: { ...SCRYPT.crypto, ciphertext: '' } }, 'it is not a keystore that pag0 can read (crypto.ciphertext)'],
    ['half a digit', { ...SCRYPT, crypto: { ...SCRYPT.crypto, mac: 'abc' } }, 'it is not a keystore that pag0 can read (crypto.mac)'],
    ['a negative cost', scrypt({ n: -2 }), 'it is not a keystore that pag0 can read (crypto.kdfparams.n)'],
    ['a list', [], 'it is not a keystore that pag0 can read (its form)'],
  ])('that cannot be read says why, and shows nothing of itself: %s', (_, file, problem) => {
    expect(problemOf(file)).toBe(problem);
  });
});
