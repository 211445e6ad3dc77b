import { createECDH, randomBytes } from 'node:crypto';
import { keccak_256 } from '@noble/hashes/sha3.js';

/** `0x` and 64 lower-case digits. */
export type PrivateKey = `0x${string}`;

/** `problem` completes "the key cannot be used: …" and never holds any of what was read. */
export type ReadKey = { ok: true; key: PrivateKey } | { ok: false; problem: string };

/** The order of secp256k1's group; keys are from 1 to one less. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** 32 bytes in hex, with or without `0x`; always given back in one form. */
export function readPrivateKey(text: string): ReadKey {
  const digits = /^(?:0x)?([0-9a-f]{64})$/i.exec(text.trim())?.[1]?.toLowerCase();
  if (digits === undefined) return { ok: false, problem: 'it is not 32 bytes in hex (64 digits)' };
  const number = BigInt(`0x${digits}`);
  if (number === 0n || number >= ORDER) return { ok: false, problem: 'it lies outside the range of secp256k1 keys' };
  return { ok: true, key: `0x${digits}` };
}

export function newPrivateKey(): PrivateKey {
  for (;;) {
    const read = readPrivateKey(randomBytes(32).toString('hex'));
    if (read.ok) return read.key;
  }
}

/** Of a key that was read; lower-case. */
export function addressOf(key: string): string {
  const curve = createECDH('secp256k1');
  curve.setPrivateKey(Buffer.from(key.slice(2), 'hex'));
  // An uncompressed point begins with a byte that says so.
  return `0x${keccak(curve.getPublicKey().subarray(1)).subarray(12).toString('hex')}`;
}

/** As people compare it: capitals are a checksum over the digits (EIP-55). */
export function checksummed(address: string): string {
  const digits = address.slice(2).toLowerCase();
  const hash = keccak(Buffer.from(digits, 'ascii')).toString('hex');
  return `0x${[...digits].map((digit, index) => (Number.parseInt(hash[index]!, 16) > 7 ? digit.toUpperCase() : digit)).join('')}`;
}

/** Keccak as it was before it became SHA-3; Node has only the latter. */
export function keccak(bytes: Uint8Array): Buffer {
  return Buffer.from(keccak_256(bytes));
}
