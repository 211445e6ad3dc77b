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
  try {
    const { success, transaction, errorReason } = settlement.parse(new x402HTTPClient(new x402Client()).getPaymentSettleResponse(() => field));
    return { success, transaction: transaction ?? null, reason: errorReason?.slice(0, MAX_REASON) ?? null };
  } catch {
    return null;
  }
}
