import type { FieldLine } from '../core/fields.ts';

export type Version = '1.0' | '1.1';

/** The head of a request (RFC 9112, section 3), one character a byte. */
export interface RequestHead {
  /** Any token, as it was written: methods have a case (RFC 9110, section 9.1). */
  method: string;
  target: string;
  version: Version;
  lines: readonly FieldLine[];
}

/** The head of an answer (RFC 9112, section 4). */
export interface AnswerHead {
  version: Version;
  status: number;
  /** Whole, as it was written. */
  statusLine: string;
  lines: readonly FieldLine[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** No control character but the tab (RFC 9110, section 5.5); what is above 0x7F is bytes that are nobody's business here. */
// eslint-disable-next-line no-control-regex
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** A target may hold any byte that is no space and no control character: programs send UTF-8 as it is. */
// eslint-disable-next-line no-control-regex
const REQUEST_LINE = /^([^ ]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(1\.[01])$/;

/**
 * A request's head, whose end is found already. Nothing is mended: where two readers may see different lines, it is none
 * (RFC 9112, sections 2.2, 5.1 and 5.2). A string says what is wrong.
 */
export function readRequestHead(head: Buffer): RequestHead | string {
  const text = head.toString('latin1');
  const rows = text.split('\r\n');
  // The last two are what stands behind the last field's end, and behind the empty line: nothing.
  if (rows.length < 3 || rows.pop() !== '' || rows.pop() !== '') return 'its head does not end its lines with CRLF';
  const first = REQUEST_LINE.exec(rows[0]!);
  if (first === null) return 'its first line is not `METHOD target HTTP/1.1`';
  if (!TOKEN.test(first[1]!)) return 'its method is no token';
  const lines: FieldLine[] = [];
  for (let at = 1; at < rows.length; at += 1) {
    const line = fieldLine(rows[at]!);
    if (line === null) return 'a header field is malformed';
    lines.push(line);
  }
  return { method: first[1]!, target: first[2]!, version: first[3] as Version, lines };
}

function fieldLine(text: string): FieldLine | null {
  const colon = text.indexOf(':');
  if (colon < 1) return null;
  const name = text.slice(0, colon);
  const value = trimmed(text.slice(colon + 1));
  return TOKEN.test(name) && VALUE.test(value) ? { name: name.toLowerCase(), value, text } : null;
}

const STATUS_LINE = /^HTTP\/(1\.[01]) +([1-9][0-9]{2})(?: .*|)$/s;

/**
 * An answer's head. Servers are read as the client would read them: a line may end in LF, a folded one goes on, and a name with
 * a space before its colon is another name. null: it is not HTTP/1.
 */
export function readAnswerHead(head: Buffer): AnswerHead | null {
  const rows = head.toString('latin1').split('\n').map((row) => (row.endsWith('\r') ? row.slice(0, -1) : row));
  const first = STATUS_LINE.exec(rows[0]!);
  if (first === null) return null;
  const lines: FieldLine[] = [];
  for (const row of rows.slice(1)) {
    if (row === '') continue;
    const last = lines.at(-1);
    if (/^[ \t]/.test(row) && last !== undefined) {
      lines[lines.length - 1] = { name: last.name, value: trimmed(`${last.value} ${trimmed(row)}`), text: `${last.text}\r\n${row}` };
      continue;
    }
    const colon = row.indexOf(':');
    const name = colon < 0 ? row : row.slice(0, colon);
    lines.push({ name: name.toLowerCase(), value: colon < 0 ? '' : trimmed(row.slice(colon + 1)), text: row });
  }
  return { version: first[1] as Version, status: Number(first[2]), statusLine: rows[0]!, lines };
}

/** RFC 9110, section 5.5: spaces and tabs around a value are not part of it. */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

/** Where the head ends: behind an empty line, whether its lines end in CRLF or, wrongly, in LF. -1: not yet. `from`: what is searched already. */
export function endOfHead(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

const LF = 0x0a;
const CR = 0x0d;

export function valuesOf(lines: readonly FieldLine[], name: string): string[] {
  return lines.filter((line) => line.name === name).map(({ value }) => value);
}

/** The members of a comma-separated field, lower-case. */
export function membersOf(lines: readonly FieldLine[], name: string): string[] {
  return valuesOf(lines, name).flatMap((value) => value.split(',')).map((one) => trimmed(one).toLowerCase()).filter((one) => one !== '');
}

/** A head as bytes: what was read as one character a byte is written so. */
export function headBytes(first: string, lines: readonly string[]): Buffer {
  return Buffer.from(lines.length === 0 ? `${first}\r\n\r\n` : `${first}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
