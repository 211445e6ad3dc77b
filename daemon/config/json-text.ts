/** A line and a column, both from 1, as editors count them. */
export interface Place {
  line: number;
  column: number;
}

export type JsonText = { ok: true; value: unknown; placeOf: PlaceOf } | { ok: false; problem: string };

/** Where a value begins, or the name of its field. Of what is not there, where the nearest thing around it begins. */
export type PlaceOf = (path: readonly PropertyKey[], of?: 'value' | 'name') => Place;

interface Marks {
  value: number;
  name: number | null;
}

/** Deeper than any configuration. */
const MAX_DEPTH = 32;

/**
 * JSON as a person wrote it (RFC 8259), with the place of everything in it. `JSON.parse` says less of what is wrong, and
 * lets a name stand twice, of which the last counts: of two budgets nobody knows which one was meant.
 */
export function readJson(text: string): JsonText {
  const places = new Map<string, Marks>();
  const place = (at: number): Place => {
    const before = text.slice(0, at);
    return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
  };
  try {
    if (text.startsWith('\uFEFF')) throw new Wrong(0, 'the file begins with a byte order mark (BOM), which JSON has not; save it as UTF-8 without one');
    if (text.includes('\u0000')) throw new Wrong(0, 'the file is UTF-16 or no text; save it as UTF-8');
    if (text.trim() === '') throw new Wrong(0, 'the file is empty; write {} or remove it');
    scan(text, places, place);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { ok: false, problem: error.at === 0 ? error.message : `${sayPlace(place(error.at))}: ${error.message}` };
  }
  const placeOf: PlaceOf = (path, of = 'value') => {
    for (let length = path.length; length > 0; length -= 1) {
      const marks = places.get(keyOf(path.slice(0, length)));
      if (marks !== undefined) return place(of === 'name' && marks.name !== null ? marks.name : marks.value);
    }
    return place(places.get(keyOf([]))!.value);
  };
  return { ok: true, value: JSON.parse(text) as unknown, placeOf };
}

export function sayPlace({ line, column }: Place): string {
  return `line ${line}, column ${column}`;
}

class Wrong extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const keyOf = (path: readonly PropertyKey[]): string => JSON.stringify(path.map(String));

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
const WORD = /(?:true|false|null)(?!\w)/y;

/** Throws `Wrong` at the first thing that is no JSON. */
function scan(text: string, places: Map<string, Marks>, place: (at: number) => Place): void {
  let at = 0;

  const match = (expression: RegExp): string | null => {
    expression.lastIndex = at;
    const found = expression.exec(text);
    if (found === null) return null;
    at = expression.lastIndex;
    return found[0];
  };
  const skip = (): void => {
    match(SPACE);
    if (/^(?:\/\/|\/\*|#|<!--)/.test(text.slice(at, at + 4))) throw new Wrong(at, 'a comment, and JSON has none; remove it');
  };

  function value(path: PropertyKey[], name: number | null): void {
    if (path.length > MAX_DEPTH) throw new Wrong(at, 'it is nested too deep');
    places.set(keyOf(path), { value: at, name });
    if (text[at] === '{') return object(path);
    if (text[at] === '[') return list(path);
    if (match(STRING) === null && match(NUMBER) === null && match(WORD) === null) throw new Wrong(at, noValue());
  }

  function object(path: PropertyKey[]): void {
    const names = new Map<string, number>();
    members('}', 'object', () => {
      const start = at;
      const quoted = match(STRING);
      if (quoted === null) throw new Wrong(at, noName());
      const name = JSON.parse(quoted) as string;
      const earlier = names.get(name);
      if (earlier !== undefined) {
        throw new Wrong(start, `${[...path, name].join('.')} stands there a second time; the first is at ${sayPlace(place(earlier))}; keep one of them`);
      }
      names.set(name, start);
      skip();
      if (text[at] !== ':') throw new Wrong(at, `a colon is missing after ${quoted}`);
      at += 1;
      skip();
      value([...path, name], start);
    });
  }

  function list(path: PropertyKey[]): void {
    let index = 0;
    members(']', 'list', () => {
      value([...path, index], null);
      index += 1;
    });
  }

  function members(end: '}' | ']', what: string, member: () => void): void {
    at += 1;
    skip();
    if (text[at] === end) {
      at += 1;
      return;
    }
    for (;;) {
      member();
      skip();
      if (text[at] === end) {
        at += 1;
        return;
      }
      if (at >= text.length) throw new Wrong(at, `the file ends in the middle of an ${what}; "${end}" is missing`.replace('an list', 'a list'));
      if (text[at] !== ',') throw new Wrong(at, `a comma or "${end}" is missing before ${shown()}`);
      const comma = at;
      at += 1;
      skip();
      if (text[at] === end) throw new Wrong(comma, `a comma with nothing after it; remove it`);
    }
  }

  const shown = (): string => JSON.stringify(/^\S{0,20}/.exec(text.slice(at, at + 20))![0]);
  function noValue(): string {
    if (at >= text.length) return 'the file ends where a value is missing';
    if (text[at] === "'") return 'a text in single quotes; JSON has double quotes';
    if (text[at] === '"') return noText();
    if (/^[+.]?\d/.test(text.slice(at, at + 2)) || text[at] === '-') return `${shown()} is no number as JSON writes it`;
    return `${shown()} is no value; write texts in double quotes`;
  }
  function noName(): string {
    if (at >= text.length) return 'the file ends in the middle of an object; "}" is missing';
    if (text[at] === "'") return 'a name in single quotes; JSON has double quotes';
    return text[at] === '"' ? noText() : `${shown()} is no name of a field; names stand in double quotes`;
  }
  function noText(): string {
    return 'a text that does not end on its line, or has a backslash that means nothing (write "\\\\" for one)';
  }

  skip();
  value([], null);
  skip();
  if (at < text.length) throw new Wrong(at, `there is more after the end: ${shown()}`);
}
