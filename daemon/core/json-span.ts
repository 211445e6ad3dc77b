/** A part of a text, `end` excluded. */
export interface Span {
  start: number;
  end: number;
}

/**
 * Where the value at a path of members stands in a text that is JSON. For changing one member and no letter of the rest:
 * reading and writing all of it anew would turn 1.0 into 1, and a number that a double cannot hold into another. Of two
 * members with one name the last counts, as for `JSON.parse`. null: there is none.
 */
export function spanOf(text: string, path: readonly string[]): Span | null {
  const start = skipSpace(text, 0);
  let span: Span | null = { start, end: valueEnd(text, start) };
  for (const name of path) {
    span = span === null ? null : memberOf(text, span.start, name);
  }
  return span;
}

/** The text with other values in these places, which do not overlap. */
export function spliced(text: string, edits: readonly (Span & { text: string })[]): string {
  return [...edits].sort((a, b) => b.start - a.start).reduce((now, edit) => now.slice(0, edit.start) + edit.text + now.slice(edit.end), text);
}

/** An edit that puts a member before all others of the object that stands there. */
export function firstMember(text: string, object: Span, member: string): Span & { text: string } {
  const at = object.start + 1;
  return { start: at, end: at, text: text[skipSpace(text, at)] === '}' ? member : `${member},` };
}

function memberOf(text: string, object: number, name: string): Span | null {
  if (text[object] !== '{') return null;
  let found: Span | null = null;
  for (let at = skipSpace(text, object + 1); text[at] === '"'; ) {
    const keyEnd = stringEnd(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    // Over the colon.
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    if (key === name) found = { start, end };
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

/** Where the value that begins there ends, which may be where the text is cut off. */
export function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== '{' && first !== '[') return scalarEnd(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') at = stringEnd(text, at) - 1;
    else if (letter === '{' || letter === '[') depth += 1;
    else if (letter === '}' || letter === ']') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}

const SCALAR = /[^\s,\]}]*/y;
const SPACE = /[ \t\n\r]*/y;

function scalarEnd(text: string, start: number): number {
  SCALAR.lastIndex = start;
  return start + SCALAR.exec(text)![0].length;
}

function skipSpace(text: string, start: number): number {
  SPACE.lastIndex = start;
  return start + SPACE.exec(text)![0].length;
}
