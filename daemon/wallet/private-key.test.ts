import { describe, expect, it } from 'vitest';
import { addressOf, checksummed, newPrivateKey, readPrivateKey } from './private-key.ts';
import { ADDRESS, SECRET } from './vectors.fixture.ts';

describe('a private key', () => {
  it.each([SECRET, SECRET.slice(2), ` ${SECRET.toUpperCase().replace('0X', '0x')}\n`])('is read with or without 0x, in any case: %j', (text) => {
    expect(readPrivateKey(text)).toEqual({ ok: true, key: SECRET });
  });

  it.each([
    ['', 'it is not 32 bytes in hex (64 digits)'],
    [SECRET.slice(0, -1), 'it is not 32 bytes in hex (64 digits)'],
    [`${SECRET}00`, 'it is not 32 bytes in hex (64 digits)'],
    ['abandon abandon about', 'it is not 32 bytes in hex (64 digits)'],
    ['0'.repeat(64), 'it lies outside the range of secp256k1 keys'],
    ['fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'it lies outside the range of secp256k1 keys'],
  ])('that is none is refused without being shown: %j', (text, problem) => {
    expect(readPrivateKey(text)).toEqual({ ok: false, problem });
  });

  it('may be the smallest and the largest of the curve', () => {
    // The generator itself, and its mirror image: two points with one x, so two addresses.
    expect(addressOf(`0x${'0'.repeat(63)}1`)).toBe('0x7e5f4552091a69125d5dfcb7b8c2659029395bdf');
    expect(readPrivateKey('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140').ok).toBe(true);
  });

  it('has the address that the published vector says', () => {
    expect(addressOf(SECRET)).toBe(ADDRESS);
  });

  it('is never made twice', () => {
    const made = Array.from({ length: 50 }, newPrivateKey);
    expect(new Set(made).size).toBe(50);
    expect(made.every((key) => readPrivateKey(key).ok)).toBe(true);
  });
});

describe('an address', () => {
  // From EIP-55.
  it.each(['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359', '0x52908400098527886E0F7030069857D2E4169EE7', '0xde709f2102306220921060314715629080e2fb77'])('shows its checksum: %s', (address) => {
    expect(checksummed(address.toLowerCase())).toBe(address);
  });
});
