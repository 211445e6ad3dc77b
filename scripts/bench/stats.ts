export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function show(value: number, digits = 1): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** One line of a report: name, figures, and the ratio that stands for it. */
export function row(name: string, ...cells: string[]): void {
  console.log(`  ${name.padEnd(46)} ${cells.map((cell) => cell.padStart(14)).join(' ')}`);
}
