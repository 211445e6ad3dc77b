import { createCipheriv, createDecipheriv, pbkdf2, randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { scryptAsync as scryptInJavaScript } from '@noble/hashes/scrypt.js';
import { z } from 'zod';
import { addressOf, keccak, readPrivateKey, type PrivateKey } from './private-key.ts';

/**
 * A private key in a file, encrypted with a password: Web3 Secret Storage, version 3, as wallets of every make read and
 * write it. What it costs to derive the file's own key is written in the file, so it is bounded before it is believed.
 */
export interface Keystore {
  /** Lower-case with `0x`; null where the file does not say. Proven by `unlock` only. */
  address: string | null;
  crypto: Crypto;
}

export type ReadKeystore = { ok: true; keystore: Keystore } | { ok: false; problem: string };
export type Unlocked = { ok: true; key: PrivateKey } | { ok: false; reason: 'WRONG_PASSWORD' | 'DAMAGED'; problem: string };

/** 256 MiB, and the time of as much: the dearest setting in use (geth's own, and n 262144, r 1, p 8 of older programs). */
const MAX_SCRYPT_WORK = 2 ** 21;
const MAX_SCRYPT_BLOCKS = 2 ** 10;
const MAX_PBKDF2_ROUNDS = 10_000_000;

const hex = (bytes: { min: number; max: number }) =>
  z
    .string()
    .max(2 + 2 * bytes.max)
    .regex(/^(?:0x)?(?:[0-9a-f]{2})*$/i)
    .transform((text) => Buffer.from(text.replace(/^0x/i, ''), 'hex'))
    .refine(({ length }) => length >= bytes.min);
const exactly = (length: number) => hex({ min: length, max: length });

const kdfCommon = { dklen: z.int().min(32).max(64), salt: hex({ min: 0, max: 512 }) };
// Some programs left out zeros at the key's beginning.
const cipher = { cipher: z.literal('aes-128-ctr'), cipherparams: z.object({ iv: exactly(16) }), ciphertext: hex({ min: 1, max: 32 }), mac: exactly(32) };

const crypto = z.discriminatedUnion('kdf', [
  z.object({ ...cipher, kdf: z.literal('scrypt'), kdfparams: z.object({ ...kdfCommon, n: z.int().min(2), r: z.int().min(1), p: z.int().min(1) }) }),
  z.object({ ...cipher, kdf: z.literal('pbkdf2'), kdfparams: z.object({ ...kdfCommon, c: z.int().min(1), prf: z.literal('hmac-sha256') }) }),
]);
type Crypto = z.infer<typeof crypto>;

const file = z.object({
  version: z.literal(3),
  // Not in the standard, and in nearly every file.
  address: z.string().regex(/^(?:0x)?[0-9a-f]{40}$/i).optional().catch(undefined),
  crypto: crypto.optional(),
  // As some older wallets spell it.
  Crypto: crypto.optional(),
});

export function parseKeystore(text: string): ReadKeystore {
  const no = (problem: string): ReadKeystore => ({ ok: false, problem });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return no('it is not JSON');
  }
  const parsed = file.safeParse(value);
  if (!parsed.success) return no(`it is not a keystore that pag0 can read (${parsed.error.issues[0]!.path.join('.') || 'its form'})`);
  const found = parsed.data.crypto ?? parsed.data.Crypto;
  if (found === undefined) return no('it is not a keystore that pag0 can read (crypto)');
  if (!isBearable(found)) return no('it asks for more memory or time than a keystore needs');
  const digits = parsed.data.address?.replace(/^0x/i, '').toLowerCase();
  return { ok: true, keystore: { address: digits === undefined ? null : `0x${digits}`, crypto: found } };
}

function isBearable({ kdf, kdfparams }: Crypto): boolean {
  if (kdf === 'pbkdf2') return kdfparams.c <= MAX_PBKDF2_ROUNDS;
  const { n, r, p } = kdfparams;
  return n * r * p <= MAX_SCRYPT_WORK && r * p <= MAX_SCRYPT_BLOCKS && Number.isInteger(Math.log2(n));
}

export async function unlock({ address, crypto: { cipherparams, ciphertext, mac, ...kdf } }: Keystore, password: string): Promise<Unlocked> {
  const derived = await derive(kdf, password);
  if (!timingSafeEqual(macOf(derived, ciphertext), mac)) return { ok: false, reason: 'WRONG_PASSWORD', problem: 'the password does not open it' };
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), cipherparams.iv);
  const read = readPrivateKey(Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('hex').padStart(64, '0'));
  if (!read.ok) return { ok: false, reason: 'DAMAGED', problem: `the key in it cannot be used, because ${read.problem}` };
  // A file whose address was exchanged would have people send money to somebody else.
  if (address !== null && address !== addressOf(read.key)) return { ok: false, reason: 'DAMAGED', problem: 'its address is not that of the key in it' };
  return { ok: true, key: read.key };
}

/** The text of the file. `n` is the cost; less than the default is for tests. */
export async function lock(key: string, password: string, n = 131_072): Promise<string> {
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  const kdfparams = { dklen: 32, n, r: 8, p: 1, salt };
  const derived = await derive({ kdf: 'scrypt', kdfparams }, password);
  const encipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([encipher.update(Buffer.from(key.slice(2), 'hex')), encipher.final()]);
  const content = {
    version: 3,
    id: randomUUID(),
    address: addressOf(key).slice(2),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams: { ...kdfparams, salt: salt.toString('hex') },
      mac: macOf(derived, ciphertext).toString('hex'),
    },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function macOf(derived: Buffer, ciphertext: Buffer): Buffer {
  return keccak(Buffer.concat([derived.subarray(16, 32), ciphertext]));
}

type Kdf = Crypto extends infer One ? (One extends Crypto ? Pick<One, 'kdf' | 'kdfparams'> : never) : never;

async function derive({ kdf, kdfparams }: Kdf, password: string): Promise<Buffer> {
  const { salt, dklen } = kdfparams;
  if (kdf === 'pbkdf2') return promisify(pbkdf2)(password, salt, kdfparams.c, dklen, 'sha256');
  const { n, r, p } = kdfparams;
  // OpenSSL refuses what RFC 7914 rules out and the programs above wrote all the same.
  if (n >= 2 ** (16 * r)) return Buffer.from(await scryptInJavaScript(password, salt, { N: n, r, p, dkLen: dklen }));
  return new Promise((resolve, reject) => {
    scrypt(password, salt, dklen, { N: n, r, p, maxmem: 128 * r * (n + p + 2) + 1_024 }, (error, derived) => (error === null ? resolve(derived) : reject(error)));
  });
}
