import { type Hex, keccak256, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** The same people on every run. Their keys are made of their names and worth nothing anywhere. */
export const KEYS = { buyer: keyOf('buyer'), seller: keyOf('seller'), facilitator: keyOf('facilitator'), stranger: keyOf('stranger') } as const;

export const BUYER = privateKeyToAccount(KEYS.buyer);
export const SELLER = privateKeyToAccount(KEYS.seller).address;
export const FACILITATOR = privateKeyToAccount(KEYS.facilitator);
/** Whom nobody agreed to pay. */
export const STRANGER = privateKeyToAccount(KEYS.stranger).address;

function keyOf(name: string): Hex {
  return keccak256(toHex(`pag0 test account: ${name}`));
}
