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

/** One field line as it stood in a message. */
export interface FieldLine {
  /** Lower-case. */
  name: string;
  value: string;
  /** The whole line, one character a byte, without its end. */
  text: string;
}

/** Field lines by name, without what `dropped` names. */
export function fieldsOf(lines: readonly FieldLine[], dropped: (name: string) => boolean = () => false): HeaderFields {
  const fields = new Map<string, string | string[]>();
  for (const { name, value } of lines) {
    if (dropped(name)) continue;
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(fields);
}

/** What concerns one connection (RFC 9110, section 7.6.1), with what `Connection` names. A length is never a matter of one: it says where the body ends. */
export function oneConnection(lines: readonly FieldLine[]): Set<string> {
  const names = new Set(ONE_CONNECTION);
  for (const { name, value } of lines) {
    if (name === 'connection') for (const one of value.split(',')) names.add(one.trim().toLowerCase());
  }
  names.delete('content-length');
  return names;
}

/**
 * The lines of a message whose fields were `before` when it came and are `now`: each as it was written, in its place, unless
 * somebody changed it. What is new comes last.
 */
export function asWritten(lines: readonly FieldLine[], before: HeaderFields, now: HeaderFields): string[] {
  if (before === now) return lines.map(({ text }) => text);
  const written: string[] = [];
  const replaced = new Set<string>();
  for (const { name, text } of lines) {
    if (before[name] === undefined || sameValue(before[name], now[name])) {
      written.push(text);
    } else if (!replaced.has(name)) {
      replaced.add(name);
      for (const value of fieldLines(now, name)) written.push(`${name}: ${value}`);
    }
  }
  for (const name of Object.keys(now)) {
    if (before[name] === undefined) for (const value of fieldLines(now, name)) written.push(`${name}: ${value}`);
  }
  return written;
}

function sameValue(one: string | readonly string[], other: string | readonly string[] | undefined): boolean {
  if (one === other || other === undefined || typeof one === 'string' || typeof other === 'string') return one === other;
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
