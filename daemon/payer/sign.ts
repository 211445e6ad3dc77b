import { x402Client, x402HTTPClient } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { PaymentOption, SignedPayment } from '../ports.ts';
import { optionIn } from './demand.ts';
import { nameOf } from './networks.ts';

export type Wallet = PrivateKeyAccount;

/** Throws, and its message may quote the key. */
export function openWallet(key: string): Wallet {
  return privateKeyToAccount(key as Parameters<typeof privateKeyToAccount>[0]);
}

export interface Order {
  /** Of the demand. */
  raw: string;
  option: PaymentOption;
  validSeconds: number;
}

/**
 * One authorization for the option that was chosen, with a fresh nonce. The library is driven in steps and given that one
 * option, so it has nothing to choose, and the key is lent to it behind `guarded`. Throws when it made anything else.
 */
export async function sign(wallet: Wallet, { raw, option, validSeconds }: Order): Promise<SignedPayment> {
  const found = optionIn(raw, option.index);
  if (found === null || !same(found.option, option)) throw new Error('not what the seller offered');
  const { version, required, offered } = found;
  const network = (version === 1 ? nameOf(option.network)! : option.network) as `${string}:${string}`;
  // As the library reads it, whatever the seller's spelling was; what is signed is what was decided on.
  const amount = option.amount.toString();
  const named = version === 1 ? { maxAmountRequired: amount } : { amount };
  const chosen = { ...offered, ...named, scheme: 'exact', network, maxTimeoutSeconds: Math.min(offered.maxTimeoutSeconds, validSeconds) };

  const signer = guarded(wallet, option, validSeconds);
  // The library's own limit knows dollars by a list of tokens; ours is the amount that was decided on.
  const client = new x402Client().setSpendControls({ maxAmountPerPayment: false, allowedAssets: [{ network, asset: option.asset, maxAmountPerPayment: amount }] });
  if (version === 1) client.registerV1(network, new ExactEvmSchemeV1(signer));
  else client.register(network, new ExactEvmScheme(signer));
  const made = await client.createPaymentPayload({ ...required, accepts: [chosen] } as unknown as Parameters<typeof client.createPaymentPayload>[0]);
  // A seller compares `accepted` with its own offer, and takes a shorter validity in the authorization.
  const payload = version === 1 ? { ...made, network: offered.network } : { ...made, accepted: offered };

  const { authorization } = made.payload as { authorization: Authorization };
  return { fields: lowerCased(new x402HTTPClient(client).encodePaymentSignatureHeader(payload as typeof made)), payload, from: wallet.address.toLowerCase(), nonce: authorization.nonce, validBefore: Number(authorization.validBefore) };
}

interface Authorization {
  nonce: string;
  validBefore: string;
}

type Signer = ConstructorParameters<typeof ExactEvmScheme>[0];

/**
 * The key as it is lent out: it signs one transfer (EIP-3009) of this amount of this token to this payee, and nothing else,
 * whatever a library is talked into. Another scheme of the same library signed a hundred times the amount its hooks were shown.
 */
export function guarded(wallet: Wallet, option: PaymentOption, validSeconds: number): Signer {
  let lent = false;
  return {
    address: wallet.address,
    async signTypedData(typed) {
      if (lent || !isTransfer(typed, wallet.address, option, Math.floor(Date.now() / 1_000) + validSeconds)) throw new Error('not what was decided on');
      lent = true;
      return wallet.signTypedData(typed as Parameters<Wallet['signTypedData']>[0]);
    },
  };
}

function isTransfer({ domain, primaryType, message }: Parameters<Signer['signTypedData']>[0], from: string, option: PaymentOption, latest: number): boolean {
  const is = (value: unknown, expected: string): boolean => String(value).toLowerCase() === expected.toLowerCase();
  return (
    primaryType === 'TransferWithAuthorization' &&
    is(`eip155:${domain['chainId']}`, option.network) &&
    is(domain['verifyingContract'], option.asset) &&
    is(message['from'], from) &&
    is(message['to'], option.payTo) &&
    message['value'] === option.amount &&
    typeof message['validBefore'] === 'bigint' &&
    message['validBefore'] <= BigInt(latest)
  );
}

function same(a: PaymentOption, b: PaymentOption): boolean {
  return a.network === b.network && a.asset === b.asset && a.payTo === b.payTo && a.amount === b.amount;
}

function lowerCased(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
}
