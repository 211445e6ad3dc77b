import type { Line } from '../ports.ts';

export function total(lines: readonly { amount: bigint }[]): bigint {
  return lines.reduce((sum, line) => sum + line.amount, 0n);
}

/**
 * The lines of a posted reservation. When the answer said what it really cost, the difference to what was reserved
 * goes to the last line that was priced; calls that learn their price have one.
 */
export function spread(lines: readonly Line[], actual: bigint | undefined): Line[] {
  const difference = actual === undefined ? 0n : actual - total(lines);
  const last = Math.max(lines.findLastIndex((line) => line.amount > 0n), 0);
  return lines.map((line, index) => (index === last ? { ...line, amount: line.amount + difference } : line));
}
