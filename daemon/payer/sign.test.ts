import { generatePrivateKey } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { SELLER, USDC } from './sellers.fixture.ts';
import { guarded, openWallet } from './sign.ts';

const wallet = openWallet(generatePrivateKey());
const option = { network: 'eip155:84532', asset: USDC.toLowerCase(), payTo: SELLER.toLowerCase(), amount: 10_000n, maxTimeoutSeconds: 60, index: 0 };

const uint = (name: string) => ({ name, type: 'uint256' });
const address = (name: string) => ({ name, type: 'address' });
const transfer = (message: object = {}, domain: object = {}, primaryType = 'TransferWithAuthorization') => {
  const fields = [address('from'), address('to'), uint('value'), uint('validAfter'), uint('validBefore'), { name: 'nonce', type: 'bytes32' }];
  return {
    domain: { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC, ...domain },
    types: { [primaryType]: fields },
    primaryType,
    message: { from: wallet.address, to: SELLER, value: 10_000n, validAfter: 0n, validBefore: BigInt(Math.floor(Date.now() / 1_000) + 60), nonce: `0x${'1'.repeat(64)}`, ...message },
  };
};

describe('the key as it is lent to a library', () => {
  it('signs the transfer that was decided on, once', async () => {
    const lent = guarded(wallet, option, 60);
    expect(await lent.signTypedData(transfer())).toMatch(/^0x[0-9a-f]{130}$/);
    await expect(lent.signTypedData(transfer())).rejects.toThrow();
  });

  it.each([
    ['a larger amount', transfer({ value: 10_001n })],
    ['an amount that is no number', transfer({ value: '10000' })],
    ['another payee', transfer({ to: USDC })],
    ['another payer', transfer({ from: SELLER })],
    ['a longer life', transfer({ validBefore: 2n ** 60n })],
    ['a life without end', transfer({ validBefore: undefined })],
    ['another token', transfer({}, { verifyingContract: SELLER })],
    ['another chain', transfer({}, { chainId: 8_453 })],
    ['no chain', transfer({}, { chainId: undefined })],
    ['a permit', transfer({}, {}, 'Permit')],
    ['a deposit', transfer({}, {}, 'ReceiveWithAuthorization')],
  ])('does not sign %s', async (_, typed) => {
    await expect(guarded(wallet, option, 60).signTypedData(typed)).rejects.toThrow('not what was decided on');
  });
});
