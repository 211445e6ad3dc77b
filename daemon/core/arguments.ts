import type { ShellWord } from './invocation.ts';

/** How a program reads its own command line, as data. */
export interface Grammar {
  /** Letters of the short options that take a value (`-o file`, `-ofile`, `-sSo file`). */
  short: string;
  /** Long options that take a value, without their dashes. */
  long: ReadonlySet<string>;
  /** `--name=value` is a name and a value (getopt). curl has no such form. */
  equals: boolean;
}

/** An option as the program knows it (`o`, `output`) with its value, or an operand (`option` absent). */
export interface Argument {
  option?: string;
  value: ShellWord;
  /** The place of the argument's last word. */
  index: number;
}

/**
 * Splits words into options and operands, the way getopt does. A null word in a value's place is taken as that value:
 * people write `-o $FILE` and mean one word. `untilOperand` stops there: what follows belongs to another program.
 */
export function readArguments(words: readonly ShellWord[], grammar: Grammar, untilOperand = false): Argument[] {
  const found: Argument[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--') {
      for (let rest = index + 1; rest < words.length; rest++) found.push({ value: words[rest]!, index: rest });
      break;
    }
    if (word === null || word.length < 2 || word[0] !== '-') {
      found.push({ value: word, index });
      if (untilOperand) break;
    } else if (word[1] === '-') {
      index = readLong(words, index, grammar, found);
    } else {
      index = readShort(words, index, grammar, found);
    }
  }
  return found;
}

function readLong(words: readonly ShellWord[], index: number, grammar: Grammar, found: Argument[]): number {
  const text = words[index]!.slice(2);
  const equals = grammar.equals ? text.indexOf('=') : -1;
  if (equals >= 0) {
    found.push({ option: text.slice(0, equals), value: text.slice(equals + 1), index });
    return index;
  }
  if (!grammar.long.has(text)) {
    found.push({ option: text, value: '', index });
    return index;
  }
  found.push({ option: text, value: words[index + 1] ?? null, index: index + 1 });
  return index + 1;
}

function readShort(words: readonly ShellWord[], index: number, grammar: Grammar, found: Argument[]): number {
  const letters = words[index]!;
  for (let at = 1; at < letters.length; at++) {
    const option = letters[at]!;
    if (!grammar.short.includes(option)) {
      found.push({ option, value: '', index });
      continue;
    }
    if (at + 1 < letters.length) {
      found.push({ option, value: letters.slice(at + 1), index });
      return index;
    }
    found.push({ option, value: words[index + 1] ?? null, index: index + 1 });
    return index + 1;
  }
  return index;
}

/** `'max-time retry'` as a set: tables of options read better as one line of words. */
export function names(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/).filter((name) => name !== ''));
}
