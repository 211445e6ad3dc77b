import { expect, it } from 'vitest';
import { parseKeystore, unlock } from './keystore.ts';
import { PASSWORD, SCRYPT_R1, SECRET } from './vectors.fixture.ts';

it('a keystore opens with parameters that RFC 7914 rules out and older programs wrote', async () => {
  const parsed = parseKeystore(JSON.stringify(SCRYPT_R1));
  expect(parsed.ok && (await unlock(parsed.keystore, PASSWORD))).toEqual({ ok: true, key: SECRET });
});
