import { x402Client, x402HTTPClient } from '@x402/core/client';
import { z } from '@x402/core/schemas';
import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1';
import type { PaymentDemand, PaymentOption } from '../ports.ts';

const MAX_OPTIONS = 50;
const MAX_RESOURCE = 2_000;

/**
 * What a 402 demands: in PAYMENT-REQUIRED, as version 2 says it, else in its body, as version 1 does and as some sellers of
 * version 2 do, too. The first of the two that can be paid counts. Whatever else a seller sent is null and never an error.
 */
export function readDemand(field: string | null, body: string | null): PaymentDemand | null {
  return demandIn(() => (field === null ? null : new x402HTTPClient(new x402Client()).getPaymentRequiredResponse(() => field))) ?? demandIn(() => (body === null ? null : JSON.parse(body)));
}

/** The option at a place of a demand's `raw`, read again, and what the seller wrote there. */
export function optionIn(raw: string, index: number): { version: 1 | 2; required: object; offered: OfferedOption; option: PaymentOption } | null {
  const required: object = JSON.parse(raw);
  const { x402Version: version, accepts } = envelope.parse(required);
  const option = readOption(version, accepts[index], index);
  return option === null ? null : { version, required, offered: accepts[index] as OfferedOption, option };
}

/** As far as it was looked at; all else a seller wrote is still there. */
export interface OfferedOption {
  network: string;
  maxTimeoutSeconds: number;
}

function demandIn(read: () => unknown): PaymentDemand | null {
  try {
    const required = read();
    const { x402Version: version, accepts } = envelope.parse(required);
    const options = accepts.slice(0, MAX_OPTIONS).flatMap((offered, index) => readOption(version, offered, index) ?? []);
    if (options.length === 0 || requiresIdentifier.safeParse(required).success) return null;
    return { version, resource: resourceOf(version === 1 ? accepts[options[0]!.index] : required), options, raw: JSON.stringify(required) };
  } catch {
    return null;
  }
}

// The library's own zod, so that the bundle has one. Of a demand no more is asked than is needed to pay it: the library's
// schemas refuse a whole demand for one option they do not know, and for a seller's name of 33 letters.
const envelope = z.object({ x402Version: z.union([z.literal(1), z.literal(2)]), accepts: z.array(z.unknown()) });

/** We send no identifier (extension `payment-identifier`), so such a seller would turn the payment down after it was signed. */
const requiresIdentifier = z.object({ extensions: z.object({ 'payment-identifier': z.object({ info: z.object({ required: z.literal(true) }) }) }) });

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const address = z.string().regex(ADDRESS).transform((text) => text.toLowerCase());
/** `0x2710` and `1e4` would be signed as well. Nineteen digits are more than any amount has. */
const amount = z.string().regex(/^[1-9]\d{0,18}$/).transform(BigInt);
/** `extra` names the token's EIP-712 domain, and how it is paid: by EIP-3009 and after the answer is authorized, or not by us. */
const extra = z.object({
  name: z.string().min(1).max(200),
  version: z.string().min(1).max(200),
  assetTransferMethod: z.literal('eip3009').nullish(),
  paymentFlow: z.literal('authorization').nullish(),
});
const common = { scheme: z.literal('exact'), asset: address, payTo: address, maxTimeoutSeconds: z.number().int().positive(), extra };
const optionV1 = z.object({ ...common, network: z.string().transform(chainOf), maxAmountRequired: amount }).transform(({ maxAmountRequired, ...option }) => ({ ...option, amount: maxAmountRequired }));
const optionV2 = z.object({ ...common, network: z.string().regex(/^eip155:[1-9]\d{0,14}$/), amount });

function readOption(version: 1 | 2, offered: unknown, index: number): PaymentOption | null {
  const read = (version === 1 ? optionV1 : optionV2).safeParse(offered);
  if (!read.success || read.data.network === null) return null;
  const { network, asset, payTo, amount, maxTimeoutSeconds } = read.data;
  return { network, asset, payTo, amount, maxTimeoutSeconds, index };
}

/** Version 1 calls networks by names of its own. */
function chainOf(name: string): string | null {
  const chains: Record<string, number> = EVM_NETWORK_CHAIN_ID_MAP;
  return Object.hasOwn(chains, name) ? `eip155:${chains[name]}` : null;
}

function resourceOf(value: unknown): string | null {
  const { data } = resource.safeParse(value);
  return data === undefined ? null : data.resource.slice(0, MAX_RESOURCE);
}

const resource = z.object({ resource: z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)]) });
