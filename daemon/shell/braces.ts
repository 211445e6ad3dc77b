/** More alternatives than this are taken as unknown: `{1..1000000}` must cost nothing. */
const MAX_ALTERNATIVES = 1000;

/**
 * Brace expansion of a raw word, quotes and all, as bash does it first of everything: `a{b,c}{1..2}` is `ab1 ab2 ac1
 * ac2`. A brace that is not an expansion stays as it is. null: too many.
 */
export function expandBraces(text: string): string[] | null {
  const open = firstExpansion(text);
  if (open === null) return [text];
  const tails = expandBraces(text.slice(open.end));
  if (tails === null) return null;
  const heads: string[] = [];
  for (const alternative of open.alternatives) {
    const inner = open.isList ? expandBraces(alternative) : [alternative];
    if (inner === null) return null;
    heads.push(...inner);
    if (heads.length * tails.length > MAX_ALTERNATIVES) return null;
  }
  const prefix = text.slice(0, open.start);
  return heads.flatMap((head) => tails.map((tail) => prefix + head + tail));
}

interface Expansion {
  start: number;
  end: number;
  alternatives: readonly string[];
  isList: boolean;
}

/** The leftmost brace pair that is a list or a range. Pairs are matched in one pass, so that `{{{{…` costs no more than its length. */
function firstExpansion(text: string): Expansion | null {
  const open: { start: number; commas: number[] }[] = [];
  const pairs: { start: number; commas: number[]; close: number }[] = [];
  for (let at = 0; at < text.length; at = skip(text, at)) {
    if (text[at] === '{') open.push({ start: at, commas: [] });
    else if (text[at] === ',') open.at(-1)?.commas.push(at);
    else if (text[at] === '}' && open.length > 0) pairs.push({ ...open.pop()!, close: at });
  }
  pairs.sort((a, b) => a.start - b.start);
  for (const { start, commas, close } of pairs) {
    const bounds = [start, ...commas, close];
    if (commas.length > 0) {
      return { start, end: close + 1, alternatives: bounds.slice(1).map((to, index) => text.slice(bounds[index]! + 1, to)), isList: true };
    }
    const alternatives = rangeOf(text.slice(start + 1, close));
    if (alternatives !== null) return { start, end: close + 1, alternatives, isList: false };
  }
  return null;
}

/** The place after this character, with quoted text and `${…}` and `$(…)` as one step: braces in there are none of ours. */
function skip(text: string, at: number): number {
  const character = text[at];
  if (character === '\\') return at + 2;
  if (character === "'") return closing(text, at + 1, "'");
  if (character === '"' || character === '`') {
    let end = at + 1;
    while (end < text.length && text[end] !== character) end += text[end] === '\\' ? 2 : 1;
    return end + 1;
  }
  if (character === '$' && text[at + 1] === '{') return closing(text, at + 2, '}');
  if (character === '$' && text[at + 1] === '(') return closing(text, at + 2, ')');
  return at + 1;
}

function closing(text: string, from: number, character: string): number {
  const end = text.indexOf(character, from);
  return end < 0 ? text.length : end + 1;
}

/** `1..5`, `01..10`, `a..e`, `10..1..2`; null: not a range. An endless one gives no alternatives it could not hold. */
function rangeOf(text: string): string[] | null {
  const numbers = /^(-?\d{1,15})\.\.(-?\d{1,15})(?:\.\.(-?\d{1,9}))?$/.exec(text);
  if (numbers !== null) {
    const width = Math.max(padding(numbers[1]!), padding(numbers[2]!));
    const values = steps(Number(numbers[1]), Number(numbers[2]), Number(numbers[3] ?? 1));
    return values.map((value) => (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(value < 0 ? width - 1 : width, '0'));
  }
  const letters = /^([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d{1,9}))?$/.exec(text);
  if (letters === null) return null;
  return steps(letters[1]!.charCodeAt(0), letters[2]!.charCodeAt(0), Number(letters[3] ?? 1)).map((code) => String.fromCharCode(code));
}

/** `01` asks for two digits everywhere. */
function padding(text: string): number {
  return /^-?0\d/.test(text) ? text.length : 0;
}

/** One more than the limit is enough to be told too many. */
export function steps(from: number, to: number, by: number): number[] {
  const size = Math.abs(by) || 1;
  const count = Math.min(Math.floor(Math.abs(to - from) / size) + 1, MAX_ALTERNATIVES + 1);
  return Array.from({ length: count }, (_, index) => from + (from <= to ? size : -size) * index);
}
