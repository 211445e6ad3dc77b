import { z } from '@x402/core/schemas';
import type { Settlement } from '../ports.ts';
import { UNREADABLE, valueIn, valuesIn } from './field-json.ts';

const MAX_REASON = 200;

const settlement = z.object({
  success: z.boolean(),
  transaction: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/)
    .transform((hash) => hash.toLowerCase())
    .nullish()
    .catch(null),
  errorReason: z.string().nullish().catch(null),
});

/**
 * What the values of PAYMENT-RESPONSE and of version 1's X-PAYMENT-RESPONSE say. null: they cannot
 * be read, or one says something else than another, and then the chain is asked.
 */
export function readSettlement(fields: readonly string[]): Settlement | null {
  const said = valuesIn(fields).map(settlementIn);
  const first = said.find((one) => one !== null && one.transaction !== null) ?? said[0] ?? null;
  if (first === null) return null;
  const agree = said.every(
    (one) =>
      one !== null &&
      one.success === first.success &&
      (one.transaction ?? first.transaction) === first.transaction,
  );
  return agree ? first : null;
}

/** The same as JSON, of the `_meta` of an MCP result. */
export function readSettlementText(text: string): Settlement | null {
  return settlementIn(valueIn(text));
}

function settlementIn(value: unknown): Settlement | null {
  const read = value === UNREADABLE ? null : settlement.safeParse(value);
  if (read?.success !== true) return null;
  const { success, transaction, errorReason } = read.data;
  return {
    success,
    transaction: transaction ?? null,
    reason: errorReason?.slice(0, MAX_REASON) ?? null,
  };
}
