import { describe, expect, it } from 'vitest';
import { openSecrets, sealSecrets, WALLET_OPTIONS, walletSecretsIn } from './wallet-secrets.ts';

const TOKEN = 'a'.repeat(64);
const SECRETS = { privateKey: '0x11', password: 'pässwörd' };

describe('sealed secrets', () => {
  it('are read with the token they were sealed with, and look different every time', () => {
    const [one, two] = [sealSecrets(TOKEN, SECRETS), sealSecrets(TOKEN, SECRETS)];
    expect([openSecrets(TOKEN, one), openSecrets(TOKEN, two)]).toEqual([SECRETS, SECRETS]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^[\w-]+$/);
  });

  it('are nothing with another token, cut, or changed in one bit', () => {
    const sealed = Buffer.from(sealSecrets(TOKEN, SECRETS), 'base64url');
    expect(openSecrets('b'.repeat(64), sealed.toString('base64url'))).toBeNull();
    for (const at of [0, 12, 28, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(openSecrets(TOKEN, changed.toString('base64url'))).toBeNull();
      expect(openSecrets(TOKEN, sealed.subarray(0, at).toString('base64url'))).toBeNull();
    }
  });
});

describe('the secrets in an environment', () => {
  it('are those that are there and not empty', () => {
    expect(walletSecretsIn({ CLAUDE_PLUGIN_OPTION_WALLET_PASSWORD: 'p', CLAUDE_PLUGIN_OPTION_WALLET_PRIVATE_KEY: '' }, WALLET_OPTIONS)).toEqual({ password: 'p' });
    expect(walletSecretsIn({ PAG0_WALLET_PASSWORD: 'p' }, WALLET_OPTIONS)).toBeNull();
  });
});
