/** Header fields by lower-case name. Several field lines are a list; RFC 9110, section 5.3, says how they combine. */
export type HeaderFields = Readonly<Record<string, string | readonly string[]>>;

/**
 * They concern one connection and go no further (RFC 9110, section 7.6.1). `trailer` is not named there: it speaks of what
 * comes after a chunked body, and whoever passes a body on frames it anew.
 */
export const ONE_CONNECTION: readonly string[] = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** The field lines of a name, in their order. */
export function fieldLines(fields: HeaderFields, name: string): readonly string[] {
  const value = fields[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** One combined value, as a recipient may see it; null when the field is absent. */
export function fieldValue(fields: HeaderFields, name: string): string | null {
  const lines = fieldLines(fields, name);
  return lines.length === 0 ? null : lines.join(name === 'cookie' ? '; ' : ', ');
}

/** The members of a comma-separated field, lower-case and without empty ones: for lists of names, such as Vary. */
export function listed(fields: HeaderFields, name: string): string[] {
  return (fieldValue(fields, name) ?? '')
    .split(',')
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '');
}
