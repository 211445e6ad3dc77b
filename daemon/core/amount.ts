/**
 * Money: whole numbers of the asset's smallest unit. For dollars that unit is the micro-dollar (µ$, six decimals, as
 * USDC has), so "5000000" is $5. `bigint` inside, decimal string on the wire, never a float: 0.1 + 0.2 is not 0.3.
 */
export type Micros = bigint;

export const DOLLAR: Micros = 1_000_000n;

/** $1,000,000,000. Above it an amount is a typing error, and sums of amounts below it stay far inside 64 bits. */
export const MAX_AMOUNT: Micros = 1_000_000_000n * DOLLAR;

export type ParsedAmount = { ok: true; amount: Micros } | { ok: false; problem: string };

const DOLLARS = /^\$(\d{1,12})(?:\.(\d+))?$/;
const ATOMIC = /^\d{1,19}$/;
const ALLOWED = 'write dollars as "$0.02" (at most six decimals) or µ$ as a whole number in quotes, "20000"';

/** A bare number below it is taken for dollars by whoever writes it, and would be less than a cent. */
const LEAST_BARE: Micros = 10_000n;

/**
 * Reads "$0.02" or an atomic string "20000". Anything else is refused, not rounded: a budget that silently became
 * another number is worse than no budget.
 */
export function parseAmount(text: string): ParsedAmount {
  const trimmed = text.trim();
  const dollars = DOLLARS.exec(trimmed);
  if (dollars !== null) {
    const decimals = dollars[2] ?? '';
    if (decimals.length > 6) return { ok: false, problem: `${text} has more than six decimals; ${ALLOWED}` };
    return bounded(text, BigInt(dollars[1]!) * DOLLAR + BigInt(decimals.padEnd(6, '0')));
  }
  if (ATOMIC.test(trimmed)) {
    const amount = BigInt(trimmed);
    return amount > 0n && amount < LEAST_BARE ? { ok: false, problem: tooLittle(trimmed, amount) } : bounded(text, amount);
  }
  const meant = dollarsMeant(trimmed);
  return { ok: false, problem: `${JSON.stringify(text)} is not an amount; ${meant === null ? ALLOWED : `did you mean "${meant}"?`}` };
}

function tooLittle(text: string, amount: Micros): string {
  return `"${text}" would be ${formatDollars(amount)}; write "$${BigInt(text)}" or, in µ$, "${BigInt(text) * DOLLAR}" (and less than a cent as "${formatDollars(amount)}")`;
}

/** `$5` for what else people write: 5 USD, 5$, $5,000, $1e3, 0.5; null: nothing that can be told. */
export function dollarsMeant(text: string): string | null {
  const found = /^(?:usd|us\$|\$)?\s*(\d{1,3}(?:,\d{3})+|\d{1,12})(?:[.,](\d{1,6}))?(?:e\+?(\d))?\s*(?:usd|dollars?|\$)?$/i.exec(text.trim());
  if (found === null) return null;
  const [, whole, decimals, exponent] = found;
  if (exponent !== undefined) return decimals === undefined ? `$${BigInt(whole!.replaceAll(',', '')) * 10n ** BigInt(exponent)}` : null;
  return `$${whole!.replaceAll(',', '')}${decimals === undefined ? '' : `.${decimals}`}`;
}

function bounded(text: string, amount: Micros): ParsedAmount {
  if (amount > MAX_AMOUNT) return { ok: false, problem: `${text} is more than $1,000,000,000` };
  return { ok: true, amount };
}

/** "$0.25", "$3.00", "$0.000125": at least two decimals, no more than the amount has. */
export function formatDollars(amount: Micros): string {
  const sign = amount < 0n ? '-' : '';
  const whole = amount < 0n ? -amount : amount;
  const decimals = (whole % DOLLAR).toString().padStart(6, '0').replace(/0{1,4}$/, '');
  return `${sign}$${whole / DOLLAR}.${decimals}`;
}

/** Part of the whole as a number for display and thresholds; a spent budget of zero is fully used. */
export function ratio(part: Micros, whole: Micros): number {
  if (whole === 0n) return part === 0n ? 0 : 1;
  return Number((part * 1_000_000n) / whole) / 1_000_000;
}

/** The tighter of two limits; null is no limit. */
export function smaller(a: Micros | null, b: Micros | null | undefined): Micros | null {
  if (a === null || b === null || b === undefined) return a ?? b ?? null;
  return a < b ? a : b;
}
