import { UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { spend, type Place } from './place.ts';
import type { Value } from './scope.ts';

/** Values that feed on themselves (`a=$a$a` in a loop) end here; a longer one is unknown. */
export const MAX_VALUE = 64 * 1024;
export const MAX_WORDS = 1000;

/** The words being built. `loose`: the open one got unknown text from an unquoted expansion, so it may be many or none. */
export interface Fields {
  words: ShellWord[];
  text: string;
  open: boolean;
  loose: boolean;
  /** How many elements of `$@` and arrays went in. */
  elements: number;
  /** Assignments, redirects, here-documents: everything is one text, nothing is split. */
  readonly single: boolean;
}

export function newFields(single: boolean): Fields {
  return { words: [], text: '', open: false, loose: false, elements: 0, single };
}

export function close(fields: Fields): void {
  if (fields.open && fields.words.length <= MAX_WORDS) fields.words.push(fields.loose && fields.text === UNKNOWN ? null : fields.text);
  fields.text = '';
  fields.open = false;
  fields.loose = false;
}

export function appendText(fields: Fields, text: string): void {
  const isMore = text !== UNKNOWN || !fields.text.endsWith(UNKNOWN);
  if (isMore) fields.text = fields.text.length + text.length > MAX_VALUE ? UNKNOWN : fields.text + text;
  fields.open = true;
}

/** Unknown text, and unknown how many words of it. */
export function appendUnknown(fields: Fields): void {
  appendText(fields, UNKNOWN);
  fields.loose = true;
}

export function appendSplit(fields: Fields, text: string, place: Place): void {
  if (fields.single) return appendText(fields, text);
  // Someone who sets IFS has other ideas of where a word ends.
  if (text !== '' && place.scope.variables.has('IFS')) return appendUnknown(fields);
  const pieces = text.split(/[ \t\n]+/);
  for (let index = 0; index < pieces.length; index++) {
    if (index > 0) close(fields);
    if (fields.words.length > MAX_WORDS) return;
    if (pieces[index] === '') continue;
    appendText(fields, pieces[index]!);
    if (pieces[index]!.includes(UNKNOWN)) fields.loose = true;
  }
}

/** `all`: `$@` and `${a[@]}`, which are as many words as there are elements; `star` joins them when quoted. */
export function appendValue(fields: Fields, value: Value | undefined, quoted: boolean, place: Place, all = false, star = false): void {
  if (value !== undefined && !spend(place, value.length >> (typeof value === 'string' ? 6 : 0))) return appendUnknown(fields);
  if (value === undefined || (all && value === UNKNOWN)) {
    if (quoted && !all) return appendText(fields, UNKNOWN);
    return appendUnknown(fields);
  }
  if (typeof value === 'string') {
    // A quoted text is a word even when it is empty, but "$@" with nothing in it is not.
    return quoted ? appendText(fields, value) : appendSplit(fields, value, place);
  }
  const elements = all ? value : value.slice(0, 1);
  if (elements.length === 0 && !all && quoted) fields.open = true;
  if (fields.single || (star && quoted)) {
    return appendText(fields, joined(elements));
  }
  fields.elements += elements.length;
  for (let index = 0; index < elements.length; index++) {
    if (index > 0) close(fields);
    const element = elements[index]!;
    if (element === null) appendUnknown(fields);
    else if (quoted) appendText(fields, element);
    else appendSplit(fields, element, place);
  }
}

/** A null element may be no word at all, and then its spaces are not there either: they are part of what is unknown. */
function joined(elements: readonly ShellWord[]): string {
  const space = (index: number) => (index > 0 && elements[index - 1] !== null ? ' ' : '');
  return elements.map((element, index) => (element === null ? UNKNOWN : space(index) + element)).join('');
}
