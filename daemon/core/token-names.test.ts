import { describe, expect, it } from 'vitest';
import { networkName, tokenName } from './token-names.ts';

const USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';

describe('a token as a person is told of it', () => {
  it.each([
    ['eip155:8453', USDC, 'USDC on Base'],
    ['eip155:8453', USDC.toLowerCase(), 'USDC on Base'],
    ['eip155:84532', '0x036cbd53842c5426634e7929541ec2318f3dcf7e', 'USDC on Base Sepolia'],
    // The address of another chain's USDC is another token here.
    ['eip155:84532', USDC, `${USDC} on Base Sepolia`],
    ['eip155:137', '0xa', '0xa on Polygon'],
    ['eip155:31337', '0xa', '0xa on eip155:31337'],
  ])('%s %s is %s', (network, asset, name) => {
    expect(tokenName(network, asset)).toBe(name);
  });

  it('has its network’s id where that has no name', () => {
    expect([networkName('eip155:8453'), networkName('eip155:9')]).toEqual(['Base', 'eip155:9']);
  });
});
