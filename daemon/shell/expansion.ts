import { parse, type ArithmeticExpression, type ParameterDefaultOperation, type ParameterExpansionPart, type Script, type Word, type WordPart } from 'unbash';
import { UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { expandBraces } from './braces.ts';
import { MAX_WORDS, appendSplit, appendText, appendUnknown, appendValue, close, newFields, type Fields } from './fields.ts';
import { elementOf, isSet, lengthOf, parameterValue, positionalFrom, removed } from './parameters.ts';
import { deeper, inSubshell, spend, type Place } from './place.ts';
import { assign, type Value } from './scope.ts';

const MAX_BRACE_WORD = 1024;
const MAX_BRACES = 32;

/** The words that one word becomes: none, one or several. */
export function expandWord(word: Word, place: Place): ShellWord[] {
  // Looking at the parts parses them, so the cost is paid first.
  if (!spend(place, costOf(word.text))) return [null];
  return word.parts?.some((part) => part.type === 'BraceExpansion') === true ? expandBraceWord(word, place) : expandPlain(word, place);
}

function expandPlain(word: Word, place: Place): ShellWord[] {
  return word.parts === undefined ? [word.value === UNKNOWN ? null : word.value] : expandParts(word.parts, place);
}

/** The word as one text, as in `A=$x` and `> $x`. */
export function expandText(word: Word | undefined, place: Place): string {
  if (word === undefined) return '';
  if (!spend(place, costOf(word.text))) return UNKNOWN;
  return word.parts === undefined ? word.value : textOfParts(word.parts, place);
}

/** A here-document's body, or any run of parts that is one text. */
export function textOfParts(parts: readonly WordPart[], place: Place): string {
  const fields = newFields(true);
  for (const part of parts) append(fields, part, true, place);
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

function expandBraceWord(word: Word, place: Place): ShellWord[] {
  const isTooMuch = word.text.length > MAX_BRACE_WORD || word.text.split('{').length > MAX_BRACES || !spend(place, word.text.length);
  const texts = isTooMuch ? null : expandBraces(word.text);
  // `{1..$N}` is no expansion in bash but one in zsh, and either way unknown.
  if (texts === null || texts.length === 1) return expandParts(word.parts!, place);
  const words: ShellWord[] = [];
  for (const text of texts) {
    if (/^[\w@%+=:,./-]*$/.test(text)) {
      if (text !== '') words.push(text);
      continue;
    }
    const alternative = wordIn(place, text);
    if (alternative !== undefined) words.push(...expandPlain(alternative, place));
    if (words.length > MAX_WORDS) return [null];
  }
  return words;
}

/** Reads one raw word, after brace expansion. */
function wordIn(place: Place, text: string): Word | undefined {
  if (!spend(place, text.length)) return undefined;
  const [statement] = parse(`: ${text}`).commands;
  const word = statement?.command.type === 'Command' ? statement.command.args[0] : undefined;
  return word?.type === 'Word' ? word : undefined;
}

function expandParts(parts: readonly WordPart[], place: Place): ShellWord[] {
  const fields = newFields(false);
  for (const part of parts) append(fields, part, false, place);
  close(fields);
  return fields.words.length > MAX_WORDS ? [null] : fields.words;
}

function append(fields: Fields, part: WordPart, quoted: boolean, place: Place, splitLiterals = false): void {
  if (!spend(place, partCost(part))) return appendUnknown(fields);
  switch (part.type) {
    case 'Literal':
      return splitLiterals && !quoted ? appendSplit(fields, part.value, place) : appendText(fields, part.value);
    case 'Glob':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return appendText(fields, part.value);
    case 'ExtendedGlob':
      return appendText(fields, part.text);
    case 'DoubleQuoted':
    case 'LocaleString':
      return appendQuoted(fields, part.parts, place);
    case 'SimpleExpansion': {
      const name = part.text.slice(1);
      return appendValue(fields, parameterValue(name, place.scope), quoted, place, name === '@' || name === '*', name === '*');
    }
    case 'ParameterExpansion':
      return appendParameter(fields, part, quoted, place);
    case 'CommandExpansion':
      return appendValue(fields, substitute(place, part.script), quoted, place);
    case 'ArithmeticExpansion':
      compute(place, part.expression);
      return appendText(fields, UNKNOWN);
    case 'ProcessSubstitution':
      substitute(place, part.script);
      return appendText(fields, UNKNOWN);
    case 'BraceExpansion':
      return appendUnknown(fields);
  }
}

/** Quoted text is a word even when it is empty, but with `"$@"` in it only when something is there. */
function appendQuoted(fields: Fields, parts: readonly WordPart[], place: Place): void {
  const { open, elements } = fields;
  for (const part of parts) append(fields, part, true, place);
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

function appendParameter(fields: Fields, part: ParameterExpansionPart, quoted: boolean, place: Place): void {
  const index = part.index === undefined ? undefined : expandText(part.index, place);
  const all = part.parameter === '@' || part.parameter === '*' || index === '@' || index === '*';
  const star = part.parameter === '*' || index === '*';
  const value = elementOf(parameterValue(part.parameter, place.scope), index);
  if (part.prefix === '#') return appendText(fields, lengthOf(value));
  if (part.prefix === '!') return all || !quoted ? appendUnknown(fields) : appendText(fields, UNKNOWN);
  const operation = part.operation;
  if (operation === undefined) return appendValue(fields, value, quoted, place, all, star);
  switch (operation.type) {
    case 'Default':
      return appendDefault(fields, part.parameter, value, operation, quoted, place);
    case 'Remove':
      return appendValue(fields, removed(value, operation.operator, expandText(operation.operand, place)), quoted, place, all, star);
    case 'Slice': {
      const offset = expandText(operation.offset, place);
      const rest = part.parameter === '@' && operation.length === undefined && /^[1-9]\d*$/.test(offset);
      expandText(operation.length, place);
      return appendValue(fields, rest ? positionalFrom(place.scope, Number(offset)) : UNKNOWN, quoted, place, all, star);
    }
    case 'Replace':
      expandText(operation.pattern, place);
      expandText(operation.replacement, place);
      return appendValue(fields, UNKNOWN, quoted, place, all, star);
    default:
      return appendValue(fields, UNKNOWN, quoted, place, all, star);
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
  place: Place,
): void {
  const set = isSet(value, operator.startsWith(':'), place.scope.sourced);
  if (operator.endsWith('?')) return appendValue(fields, value, quoted, place);
  if (set === null) {
    // Either may happen, so a command in the operand may run.
    expandText(operand, place);
    if (operator.endsWith('=')) assign(place.scope, name, UNKNOWN);
    return appendValue(fields, UNKNOWN, quoted, place);
  }
  const wantsSet = operator.endsWith('+');
  if (set === wantsSet) {
    if (operator.endsWith('=')) assign(place.scope, name, expandText(operand, place));
    return appendOperand(fields, operand, quoted, place);
  }
  return appendValue(fields, wantsSet ? '' : value, quoted, place);
}

function appendOperand(fields: Fields, operand: Word, quoted: boolean, place: Place): void {
  if (operand.parts === undefined) return quoted ? appendText(fields, operand.value) : appendSplit(fields, operand.value, place);
  for (const part of operand.parts) append(fields, part, quoted, place, true);
}

/** The output of a command substitution, where the text says it; a process substitution runs its commands the same way. */
function substitute(place: Place, script: Script | undefined): string {
  if (script === undefined) return UNKNOWN;
  const inside = deeper(inSubshell(place), place.located && script.source === undefined);
  return inside === null ? UNKNOWN : place.reader.run(inside, script).replace(/\n+$/, '');
}

/** Arithmetic is not worked out; the commands inside it run and the variables it changes are unknown from here. */
export function compute(place: Place, expression: ArithmeticExpression | undefined): void {
  // Sums lean to the left and can be as long as the text: a loop, not a call, goes down that side.
  for (let part = expression; part !== undefined; ) {
    if (!spend(place, 1)) return;
    if (part.type === 'ArithmeticBinary') {
      if (/^[^=!<>]*(?:<<|>>)?=$/.test(part.operator)) forgetVariable(place, part.left);
      compute(place, part.right);
      part = part.left;
    } else if (part.type === 'ArithmeticUnary') {
      if (part.operator === '++' || part.operator === '--') forgetVariable(place, part.operand);
      part = part.operand;
    } else if (part.type === 'ArithmeticTernary') {
      compute(place, part.consequent);
      compute(place, part.alternate);
      part = part.test;
    } else if (part.type === 'ArithmeticGroup') {
      part = part.expression;
    } else {
      if (part.type === 'ArithmeticCommandExpansion') substitute(place, part.script);
      else if (part.parts !== undefined) textOfParts(part.parts, place);
      return;
    }
  }
}

function forgetVariable(place: Place, operand: ArithmeticExpression): void {
  if (operand.type === 'ArithmeticWord') assign(place.scope, operand.value.replace(/\[.*$/s, ''), UNKNOWN);
}
