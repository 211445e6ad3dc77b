import { describe, expect, it } from 'vitest';
import { takeSecrets } from './environment.ts';

const unread = (): string => {
  throw new Error('stdin is not ours to read');
};

describe("what opens the wallet in the daemon's own environment", () => {
  it('is read once and gone from it', () => {
    const env: Record<string, string | undefined> = { PAG0_WALLET_PRIVATE_KEY: 'k', PAG0_WALLET_PASSWORD: 'p', PATH: '/bin' };
    expect(takeSecrets(env, unread)).toEqual({ privateKey: 'k', password: 'p' });
    expect(env).toEqual({ PATH: '/bin' });
    expect(takeSecrets(env, unread)).toEqual({});
  });

  it('counts as missing when it is empty', () => {
    const env = { PAG0_WALLET_PRIVATE_KEY: '' };
    expect(takeSecrets(env, unread)).toEqual({});
    expect(env).toEqual({});
  });

  it('comes through stdin from whoever started it', () => {
    const env = { PAG0_WALLET_STDIN: '1' };
    expect(takeSecrets(env, () => '{"password":"p"}')).toEqual({ password: 'p' });
    expect(env).toEqual({});
    expect(takeSecrets({ PAG0_WALLET_STDIN: '1' }, () => '')).toEqual({});
  });
});
