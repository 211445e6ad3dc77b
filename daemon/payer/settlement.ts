import { x402Client, x402HTTPClient } from '@x402/core/client';
import { z } from '@x402/core/schemas';
import type { Settlement } from '../ports.ts';

const MAX_REASON = 200;

const settlement = z.object({
  success: z.boolean(),
  transaction: z.string().regex(/^0x[0-9a-fA-F]{64}$/).transform((hash) => hash.toLowerCase()).nullish().catch(null),
  errorReason: z.string().nullish().catch(null),
});

/** The value of PAYMENT-RESPONSE, or of version 1's X-PAYMENT-RESPONSE; null when it cannot be read. */
export function readSettlement(field: string): Settlement | null {
  return settlementIn(() => new x402HTTPClient(new x402Client()).getPaymentSettleResponse(() => field));
}

/** The same as JSON, of the `_meta` of an MCP result. */
export function readSettlementText(text: string): Settlement | null {
  return settlementIn(() => JSON.parse(text));
}

function settlementIn(read: () => unknown): Settlement | null {
  try {
    const { success, transaction, errorReason } = settlement.parse(read());
    return { success, transaction: transaction ?? null, reason: errorReason?.slice(0, MAX_REASON) ?? null };
  } catch {
    return null;
  }
}
