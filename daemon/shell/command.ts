import type { Assignment, Command, Word } from 'unbash';
import { UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { NO_CALL } from './call.ts';
import { runCall } from './execution.ts';
import { expandText, expandWord } from './expansion.ts';
import { MAX_VALUE, MAX_WORDS } from './fields.ts';
import type { Place } from './place.ts';
import { readRedirects } from './redirects.ts';
import { assign, restore, valueOf, type Value } from './scope.ts';

/** A simple command: its words, assignments and redirects are expanded, then it is run. */
export function runCommand(place: Place, command: Command, piped: string | undefined): string {
  const scope = place.scope;
  const words: ShellWord[] = [];
  const ends: (number | null)[] = [];
  const declared: [string, Value][] = [];
  const given: [string, ShellWord][] = [];
  const add = (word: Word): void => {
    const expanded = expandWord(word, place);
    for (const [index, text] of expanded.entries()) {
      words.push(text);
      ends.push(place.located && index === expanded.length - 1 ? word.end : null);
    }
  };
  if (command.name !== undefined) add(command.name);
  for (const argument of command.args) {
    if (argument.type === 'Word') {
      add(argument);
      continue;
    }
    const value = assignedValue(place, argument);
    declared.push([argument.name, value]);
    words.push(`${argument.name}=${typeof value === 'string' ? value : UNKNOWN}`);
    ends.push(null);
  }
  // `A=1 B=$A curl`: each is there for the next, and with a command they end.
  const held = new Map<string, Value | undefined>();
  for (const part of command.prefix) {
    if (part.type !== 'Assignment') continue;
    const value = assignedValue(place, part);
    given.push([part.name, typeof value === 'string' ? value : null]);
    if (words.length === 0) assign(scope, part.name, value);
    else {
      if (!held.has(part.name)) held.set(part.name, scope.variables.get(part.name));
      scope.variables.set(part.name, value);
    }
  }
  restore(scope, held);
  const bare = command.name !== undefined && command.name.text === words[0];
  const { files, input } = readRedirects(place, command.redirects);
  return runCall(place, { ...NO_CALL, words, ends, given: Object.fromEntries(given), redirects: files, declared, input: input ?? piped, bare });
}

function assignedValue(place: Place, { name, value, index, append }: Assignment): Value {
  const assigned = value.type === 'ArrayValue' ? arrayValue(place, value.elements) : expandText(value, place);
  if (index !== undefined) {
    expandText(index, place);
    return UNKNOWN;
  }
  if (append !== true) return assigned;
  const before = valueOf(place.scope, name);
  if (before === undefined) return UNKNOWN;
  if (typeof before === 'string') return typeof assigned === 'string' && before.length + assigned.length <= MAX_VALUE ? before + assigned : UNKNOWN;
  return typeof assigned !== 'string' && before.length <= MAX_WORDS ? [...before, ...assigned] : UNKNOWN;
}

/** `([name]=value …)` is not followed. */
function arrayValue(place: Place, elements: readonly Word[]): Value {
  const words = elements.flatMap((word) => expandWord(word, place));
  return words.length > MAX_WORDS || elements.some((word) => word.text.startsWith('[')) ? UNKNOWN : words;
}
