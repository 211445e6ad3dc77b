/**
 * One text for all the ways to write the same JSON: members sorted by name, no space, strings escaped one way. Numbers stay
 * as they are written, because 1 and 1.0 are not the same to every server, and neither is a number a double cannot hold.
 * Of two members with one name both stay, in their order: which of them counts is up to the server. null: the text is not
 * JSON, or nested deeper than anybody means it.
 */
export function canonicalJson(text: string): string | null {
  const reader = { text, at: 0 };
  const value = readValue(reader, 0);
  if (value === null) return null;
  skipSpace(reader);
  return reader.at === text.length ? value : null;
}

interface Reader {
  text: string;
  at: number;
}

const MAX_DEPTH = 200;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

function readValue(reader: Reader, depth: number): string | null {
  skipSpace(reader);
  const first = reader.text[reader.at];
  if (first === '{') return depth > MAX_DEPTH ? null : readObject(reader, depth);
  if (first === '[') return depth > MAX_DEPTH ? null : readArray(reader, depth);
  if (first === '"') return readString(reader);
  return match(reader, NUMBER) ?? match(reader, WORD);
}

function readObject(reader: Reader, depth: number): string | null {
  const members: { name: string; text: string }[] = [];
  reader.at += 1;
  if (punctuation(reader, '}')) return '{}';
  do {
    skipSpace(reader);
    const name = readString(reader);
    if (name === null || !punctuation(reader, ':')) return null;
    const value = readValue(reader, depth + 1);
    if (value === null) return null;
    members.push({ name, text: `${name}:${value}` });
  } while (punctuation(reader, ','));
  if (!punctuation(reader, '}')) return null;
  // The sort is stable, so members of one name keep their order.
  members.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return `{${members.map((member) => member.text).join(',')}}`;
}

function readArray(reader: Reader, depth: number): string | null {
  const items: string[] = [];
  reader.at += 1;
  if (punctuation(reader, ']')) return '[]';
  do {
    const value = readValue(reader, depth + 1);
    if (value === null) return null;
    items.push(value);
  } while (punctuation(reader, ','));
  return punctuation(reader, ']') ? `[${items.join(',')}]` : null;
}

function readString(reader: Reader): string | null {
  const written = match(reader, STRING);
  return written === null ? null : JSON.stringify(JSON.parse(written));
}

function punctuation(reader: Reader, character: string): boolean {
  skipSpace(reader);
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}

function skipSpace(reader: Reader): void {
  match(reader, SPACE);
}

function match(reader: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found === undefined) return null;
  reader.at += found.length;
  return found;
}
