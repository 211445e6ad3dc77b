/**
 * Names of sellers, endpoints, agents and folders are other people's text. A terminal obeys control characters in it, and
 * direction marks make a line read as what it is not; so nothing but visible characters is ever shown.
 */
const SEQUENCES = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g;
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
const INVISIBLE = /\p{C}/gu;

/** One line. With a width, cut to it with a `…`. */
export function printable(text: string, width = Number.POSITIVE_INFINITY): string {
  // Before anything looks at it character by character: a name of a megabyte is cut, not studied.
  const shortened = Number.isFinite(width) ? text.slice(0, 2_000) : text;
  const clean = shortened.replace(SEQUENCES, '').replace(BREAKS, ' ').replace(INVISIBLE, '');
  return cut(clean, width);
}

/** The same, cut in the middle: what tells names apart stands at their ends. */
export function shortened(text: string, width: number): string {
  const clean = printable(text.length > 4_000 ? text.slice(0, 2_000) + text.slice(-2_000) : text);
  if (widthOf(clean) <= width && [...clean].length <= width * (1 + MARKS_PER_COLUMN)) return clean;
  if (width < 8) return cut(clean, width);
  const room = width - 1;
  const tail = reversed(fit(reversed(clean), Math.floor(room / 2)));
  return `${fit(clean, room - widthOf(tail))}…${tail}`;
}

function reversed(text: string): string {
  return [...text].reverse().join('');
}

/** Columns a terminal gives the text: two for East Asian wide characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columns(character);
  return width;
}

/** East Asian wide and full-width characters (Unicode Standard Annex 11); emoji that are shown as pictures are wide as well. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u2630-\u2637\u268a-\u268f\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Marks that stand beside their letter (Mc) take a column. */
const MARK = /[\p{Mn}\p{Me}]/u;

function columns(character: string): number {
  if (character < '\u0300') return 1;
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Marks take no column, but a tower of them paints over the lines above: they are counted as well. */
const MARKS_PER_COLUMN = 2;

function cut(text: string, width: number): string {
  if (!Number.isFinite(width)) return text;
  let used = 0;
  let taken = 0;
  let kept = '';
  for (const character of text) {
    used += columns(character);
    taken += 1;
    if (used > width || taken > width * (1 + MARKS_PER_COLUMN)) return `${fit(kept, width - 1)}…`;
    kept += character;
  }
  return kept;
}

function fit(text: string, width: number): string {
  let used = 0;
  let taken = 0;
  let kept = '';
  for (const character of text) {
    used += columns(character);
    taken += 1;
    if (used > width || taken > width * (1 + MARKS_PER_COLUMN)) break;
    kept += character;
  }
  return kept;
}

/** Broken into lines at its spaces, and inside a word where a line has no room for it; nothing is left out. */
export function linesOf(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const next = line === '' ? word : `${line} ${word}`;
    if (widthOf(next) <= room) {
      line = next;
      continue;
    }
    if (line !== '') lines.push(line);
    const parts = pieces(word, room);
    lines.push(...parts.slice(0, -1));
    line = parts.at(-1) ?? '';
  }
  if (line !== '') lines.push(line);
  return lines;
}

function pieces(text: string, width: number): string[] {
  const found: string[] = [];
  for (let rest = text; rest !== ''; rest = rest.slice(found.at(-1)!.length)) found.push(fit(rest, width) || [...rest][0]!);
  return found;
}

/** JSON that is safe on a terminal: still the same value, with what a terminal might obey written as `\u…`. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/[^\n\P{C}]/gu, (character) => [...utf16(character)].map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join(''));
}

function* utf16(text: string): Generator<number> {
  for (let index = 0; index < text.length; index += 1) yield text.charCodeAt(index);
}
