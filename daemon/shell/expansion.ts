import { UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { expandBraces } from './braces.ts';
import { assign, valueOf, type Scope, type Value } from './scope.ts';
import type { ArithmeticExpression, ParameterDefaultOperation, ParameterExpansionPart, Script, Word, WordPart } from './syntax.ts';

/** What an expansion needs from the shell around it. */
export interface Expander {
  readonly scope: Scope;
  /** Follows the commands of a substitution and gives their output, where the text says it, else UNKNOWN. */
  substitute(script: Script | undefined): string;
  compute(expression: ArithmeticExpression | undefined): void;
  /** Reads one raw word, after brace expansion. */
  wordIn(text: string): Word | undefined;
  /** False when the work allowed for one command is used up. */
  spend(cost: number): boolean;
}

/** Values that feed on themselves (`a=$a$a` in a loop) end here; a longer one is unknown. */
const MAX_VALUE = 64 * 1024;
const MAX_WORDS = 1000;
const MAX_BRACE_WORD = 1024;
const MAX_BRACES = 32;

/** The words being built. `loose`: the open one got unknown text from an unquoted expansion, so it may be many or none. */
interface Fields {
  words: ShellWord[];
  text: string;
  open: boolean;
  loose: boolean;
  /** How many elements of `$@` and arrays went in. */
  elements: number;
  /** Assignments, redirects, here-documents: everything is one text, nothing is split. */
  readonly single: boolean;
}

/** The words that one word becomes: none, one or several. */
export function expandWord(word: Word, shell: Expander): ShellWord[] {
  // Looking at the parts parses them, so the cost is paid first.
  if (!shell.spend(costOf(word.text))) return [null];
  return word.parts?.some((part) => part.type === 'BraceExpansion') === true ? expandBraceWord(word, shell) : expandPlain(word, shell);
}

function expandPlain(word: Word, shell: Expander): ShellWord[] {
  return word.parts === undefined ? [word.value === UNKNOWN ? null : word.value] : expandParts(word.parts, shell);
}

/** The word as one text, as in `A=$x` and `> $x`. */
export function expandText(word: Word | undefined, shell: Expander): string {
  if (word === undefined) return '';
  if (!shell.spend(costOf(word.text))) return UNKNOWN;
  return word.parts === undefined ? word.value : textOfParts(word.parts, shell);
}

/** A here-document's body, or any run of parts that is one text. */
export function textOfParts(parts: readonly WordPart[], shell: Expander): string {
  const fields = newFields(true);
  for (const part of parts) append(fields, part, true, shell);
  return fields.text;
}

/** What it costs to look at a text's parts: the parser reads a `${…}` in a `${…}` once for each level. */
export function costOf(text: string): number {
  if (text.length < 1024) return 1 + (text.length >> 3);
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/\$\{|\}/g)) {
    depth = token === '}' ? Math.max(depth - 1, 0) : depth + 1;
    deepest = Math.max(deepest, depth);
  }
  return (text.length * (2 + deepest)) >> 4;
}

function expandBraceWord(word: Word, shell: Expander): ShellWord[] {
  const isTooMuch = word.text.length > MAX_BRACE_WORD || word.text.split('{').length > MAX_BRACES || !shell.spend(word.text.length);
  const texts = isTooMuch ? null : expandBraces(word.text);
  // `{1..$N}` is no expansion in bash but one in zsh, and either way unknown.
  if (texts === null || texts.length === 1) return expandParts(word.parts!, shell);
  const words: ShellWord[] = [];
  for (const text of texts) {
    if (/^[\w@%+=:,./-]*$/.test(text)) {
      if (text !== '') words.push(text);
      continue;
    }
    const alternative = shell.wordIn(text);
    if (alternative !== undefined) words.push(...expandPlain(alternative, shell));
    if (words.length > MAX_WORDS) return [null];
  }
  return words;
}

function expandParts(parts: readonly WordPart[], shell: Expander): ShellWord[] {
  const fields = newFields(false);
  for (const part of parts) append(fields, part, false, shell);
  close(fields);
  return fields.words.length > MAX_WORDS ? [null] : fields.words;
}

function newFields(single: boolean): Fields {
  return { words: [], text: '', open: false, loose: false, elements: 0, single };
}

function close(fields: Fields): void {
  if (fields.open && fields.words.length <= MAX_WORDS) fields.words.push(fields.loose && fields.text === UNKNOWN ? null : fields.text);
  fields.text = '';
  fields.open = false;
  fields.loose = false;
}

function append(fields: Fields, part: WordPart, quoted: boolean, shell: Expander, splitLiterals = false): void {
  if (!shell.spend(partCost(part))) return appendUnknown(fields);
  switch (part.type) {
    case 'Literal':
      return splitLiterals && !quoted ? appendSplit(fields, part.value, shell) : appendText(fields, part.value);
    case 'Glob':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return appendText(fields, part.value);
    case 'ExtendedGlob':
      return appendText(fields, part.text);
    case 'DoubleQuoted':
    case 'LocaleString':
      return appendQuoted(fields, part.parts, shell);
    case 'SimpleExpansion': {
      const name = part.text.slice(1);
      return appendValue(fields, parameterValue(name, shell.scope), quoted, shell, name === '@' || name === '*', name === '*');
    }
    case 'ParameterExpansion':
      return appendParameter(fields, part, quoted, shell);
    case 'CommandExpansion':
      return appendValue(fields, shell.substitute(part.script), quoted, shell);
    case 'ArithmeticExpansion':
      shell.compute(part.expression);
      return appendText(fields, UNKNOWN);
    case 'ProcessSubstitution':
      shell.substitute(part.script);
      return appendText(fields, UNKNOWN);
    case 'BraceExpansion':
      return appendUnknown(fields);
  }
}

/** Quoted text is a word even when it is empty, but with `"$@"` in it only when something is there. */
function appendQuoted(fields: Fields, parts: readonly WordPart[], shell: Expander): void {
  const { open, elements } = fields;
  for (const part of parts) append(fields, part, true, shell);
  if (!parts.some(isList)) fields.open = true;
  else if (!open && fields.elements === elements && (fields.text === '' || fields.text === UNKNOWN)) {
    fields.open = fields.text !== '';
    fields.loose = true;
  }
}

/** `$@` and `${a[@]}`. */
function isList(part: WordPart): boolean {
  if (part.type === 'SimpleExpansion') return part.text === '$@';
  return part.type === 'ParameterExpansion' && (part.parameter === '@' || part.index?.text === '@');
}

/** Each level of these reads the whole of what is inside it again. */
function partCost(part: WordPart): number {
  if (part.type === 'ArithmeticExpansion') return 1 + part.text.length;
  return part.type === 'ParameterExpansion' ? 1 + (part.text.length >> 2) : 1;
}

function appendText(fields: Fields, text: string): void {
  const isMore = text !== UNKNOWN || !fields.text.endsWith(UNKNOWN);
  if (isMore) fields.text = fields.text.length + text.length > MAX_VALUE ? UNKNOWN : fields.text + text;
  fields.open = true;
}

/** Unknown text, and unknown how many words of it. */
function appendUnknown(fields: Fields): void {
  appendText(fields, UNKNOWN);
  fields.loose = true;
}

function appendSplit(fields: Fields, text: string, shell: Expander): void {
  if (fields.single) return appendText(fields, text);
  // Someone who sets IFS has other ideas of where a word ends.
  if (text !== '' && shell.scope.variables.has('IFS')) return appendUnknown(fields);
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
function appendValue(fields: Fields, value: Value | undefined, quoted: boolean, shell: Expander, all = false, star = false): void {
  if (value !== undefined && !shell.spend(value.length >> (typeof value === 'string' ? 6 : 0))) return appendUnknown(fields);
  if (value === undefined || (all && value === UNKNOWN)) {
    if (quoted && !all) return appendText(fields, UNKNOWN);
    return appendUnknown(fields);
  }
  if (typeof value === 'string') {
    // A quoted text is a word even when it is empty, but "$@" with nothing in it is not.
    return quoted ? appendText(fields, value) : appendSplit(fields, value, shell);
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
    else appendSplit(fields, element, shell);
  }
}

/** A null element may be no word at all, and then its spaces are not there either: they are part of what is unknown. */
function joined(elements: readonly ShellWord[]): string {
  const space = (index: number) => (index > 0 && elements[index - 1] !== null ? ' ' : '');
  return elements.map((element, index) => (element === null ? UNKNOWN : space(index) + element)).join('');
}

function appendParameter(fields: Fields, part: ParameterExpansionPart, quoted: boolean, shell: Expander): void {
  const index = part.index === undefined ? undefined : expandText(part.index, shell);
  const all = part.parameter === '@' || part.parameter === '*' || index === '@' || index === '*';
  const star = part.parameter === '*' || index === '*';
  const value = elementOf(parameterValue(part.parameter, shell.scope), index);
  if (part.prefix === '#') return appendText(fields, lengthOf(value));
  if (part.prefix === '!') return all || !quoted ? appendUnknown(fields) : appendText(fields, UNKNOWN);
  const operation = part.operation;
  if (operation === undefined) return appendValue(fields, value, quoted, shell, all, star);
  switch (operation.type) {
    case 'Default':
      return appendDefault(fields, part.parameter, value, operation, quoted, shell);
    case 'Remove':
      return appendValue(fields, removed(value, operation.operator, expandText(operation.operand, shell)), quoted, shell, all, star);
    case 'Slice': {
      const offset = expandText(operation.offset, shell);
      const rest = part.parameter === '@' && operation.length === undefined && /^[1-9]\d*$/.test(offset);
      expandText(operation.length, shell);
      return appendValue(fields, rest ? positionalFrom(shell.scope, Number(offset)) : UNKNOWN, quoted, shell, all, star);
    }
    case 'Replace':
      expandText(operation.pattern, shell);
      expandText(operation.replacement, shell);
      return appendValue(fields, UNKNOWN, quoted, shell, all, star);
    default:
      return appendValue(fields, UNKNOWN, quoted, shell, all, star);
  }
}

/**
 * `${x:-operand}` and its family. A variable that this text never assigns is taken as unset: whoever writes a default
 * means it to be used, and there is no seeing the environment from here.
 */
function appendDefault(
  fields: Fields,
  name: string,
  value: Value | undefined,
  { operator, operand }: ParameterDefaultOperation,
  quoted: boolean,
  shell: Expander,
): void {
  const set = isSet(value, operator.startsWith(':'), shell.scope.sourced);
  if (operator.endsWith('?')) return appendValue(fields, value, quoted, shell);
  if (set === null) {
    // Either may happen, so a command in the operand may run.
    expandText(operand, shell);
    if (operator.endsWith('=')) assign(shell.scope, name, UNKNOWN);
    return appendValue(fields, UNKNOWN, quoted, shell);
  }
  const wantsSet = operator.endsWith('+');
  if (set === wantsSet) {
    if (operator.endsWith('=')) assign(shell.scope, name, expandText(operand, shell));
    return appendOperand(fields, operand, quoted, shell);
  }
  return appendValue(fields, wantsSet ? '' : value, quoted, shell);
}

function appendOperand(fields: Fields, operand: Word, quoted: boolean, shell: Expander): void {
  if (operand.parts === undefined) return quoted ? appendText(fields, operand.value) : appendSplit(fields, operand.value, shell);
  for (const part of operand.parts) append(fields, part, quoted, shell, true);
}

/** null: cannot be told. `nonEmpty` is the colon of `:-`. */
function isSet(value: Value | undefined, nonEmpty: boolean, sourced: boolean): boolean | null {
  if (value === undefined) return sourced ? null : false;
  if (typeof value !== 'string') {
    if (value.length !== 1) return value.includes(null) ? null : value.length > 0;
    return isSet(value[0] ?? UNKNOWN, nonEmpty, sourced);
  }
  if (value.replaceAll(UNKNOWN, '') !== '') return true;
  return value !== '' ? null : !nonEmpty;
}

/** `${x%/}` and `${x#https://}` with plain text to remove; a pattern would have to be matched as the shell does it. */
function removed(value: Value | undefined, operator: string, pattern: string): Value {
  if (typeof value !== 'string' || /[*?[\]\\()]/.test(pattern) || pattern.includes(UNKNOWN)) return UNKNOWN;
  if (operator.startsWith('%')) {
    if (value.endsWith(UNKNOWN)) return UNKNOWN;
    return value.endsWith(pattern) ? value.slice(0, value.length - pattern.length) : value;
  }
  if (value.startsWith(UNKNOWN)) return UNKNOWN;
  return value.startsWith(pattern) ? value.slice(pattern.length) : value;
}

function parameterValue(name: string, scope: Scope): Value | undefined {
  if (name === '@' || name === '*') return scope.positional;
  if (name === '#') return scope.positional.includes(null) ? UNKNOWN : String(scope.positional.length);
  if (/^[1-9]\d*$/.test(name)) return positional(scope, Number(name));
  return /^[A-Za-z_]/.test(name) ? valueOf(scope, name) : UNKNOWN;
}

function positional(scope: Scope, number: number): string {
  const before = scope.positional.slice(0, number);
  return before.includes(null) ? UNKNOWN : (scope.positional[number - 1] ?? '');
}

function positionalFrom(scope: Scope, number: number): Value {
  return scope.positional.slice(0, number - 1).includes(null) ? [null] : scope.positional.slice(number - 1);
}

function elementOf(value: Value | undefined, index: string | undefined): Value | undefined {
  if (index === undefined || index === '@' || index === '*' || value === undefined) return value;
  if (typeof value === 'string') return index === '0' ? value : UNKNOWN;
  if (!/^\d+$/.test(index) || value.slice(0, Number(index) + 1).includes(null)) return UNKNOWN;
  return value[Number(index)] ?? '';
}

function lengthOf(value: Value | undefined): string {
  if (value === undefined || value.includes(UNKNOWN) || (typeof value !== 'string' && value.includes(null))) return UNKNOWN;
  return String(value.length);
}
