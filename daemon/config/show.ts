/** A value of a file as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined) return 'a missing value';
  // JSON has no NaN; it shows as null in JSON.stringify and must not.
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
