import { parse } from 'unbash';
import { UNKNOWN, programName } from '../core/invocation.ts';
import { runBuiltin } from './builtins.ts';
import { NO_CALL, emit, type Call } from './call.ts';
import { expandWord } from './expansion.ts';
import { plainOutput } from './output.ts';
import { deeper, moved, spend, type Place } from './place.ts';
import { assign, childShell, restore, subshell, type ShellFunction, type Value } from './scope.ts';
import { evaluate } from './script.ts';
import { shellInput } from './shells.ts';
import { fed, peel, shellText, type Peeled } from './wrappers.ts';

/** Finds what a command's first word stands for, in the shell's order, and runs that: alias, function, builtin, program. */
export function runCall(place: Place, call: Call): string {
  const name = call.words[0];
  if (name === undefined || name === null) {
    if (call.words.length + call.redirects.length + Object.keys(call.given).length > 0) emit(place, call);
    return UNKNOWN;
  }
  if (call.wrappers.length === 0) {
    const alias = call.bare ? place.scope.aliases.get(name) : undefined;
    if (alias !== undefined) return runAlias(place, name, alias, call);
    const body = place.scope.functions.get(name);
    if (body !== undefined) return callFunction(place, body, call);
  }
  const wrapped = peel(call.words);
  if (wrapped !== null) return runWrapped(place, wrapped, call);
  emit(place, call);
  const builtin = runBuiltin(place.scope, call);
  if (builtin !== null) {
    evaluate(place, builtin.text, builtin.isolated ? subshell(place.scope) : place.scope);
    return UNKNOWN;
  }
  const program = programName(name);
  if (program === 'find' || program === 'gfind') runFound(place, call);
  const child = shellInput(program, call.words, call.input);
  if (child !== null) evaluate(place, child.text, childShell(place.scope, call.given, child.positional));
  return call.redirects.some(({ kind }) => kind === 'write') ? UNKNOWN : plainOutput(call.words, call.input);
}

function runAlias(place: Place, name: string, alias: string, call: Call): string {
  if (!spend(place, alias.length)) return UNKNOWN;
  const { aliases } = place.scope;
  // In its own text it is no alias: `alias ls='ls -l'`.
  aliases.delete(name);
  const output = runAliased(place, alias, call);
  aliases.set(name, alias);
  return output;
}

/** An alias for a simple command goes in front of the words; anything else is followed by itself, and ends with the words. */
function runAliased(place: Place, alias: string, call: Call): string {
  const scope = place.scope;
  const rest = call.words.slice(1);
  const { commands } = parse(alias);
  const command = commands[0]?.command;
  if (commands.length === 1 && command?.type === 'Command' && command.name !== undefined) {
    const front = [command.name, ...command.args].flatMap((word) => (word.type === 'Word' ? expandWord(word, place) : []));
    const ends = [...front.map(() => null), ...call.ends.slice(1)];
    return runCall(place, { ...call, words: [...front, ...rest], ends, bare: command.name.text === front[0] });
  }
  if (call.redirects.length > 0) emit(place, { ...NO_CALL, redirects: call.redirects });
  if (rest.length === 0) return evaluate(place, alias, scope);
  const { positional } = scope;
  scope.positional = rest;
  const output = evaluate(place, `${alias} "$@"`, scope);
  scope.positional = positional;
  return output;
}

function callFunction(place: Place, { body, located }: ShellFunction, call: Call): string {
  const inside = deeper(place, located);
  if (inside === null) return UNKNOWN;
  const scope = place.scope;
  const { positional, locals } = scope;
  const own = new Map<string, Value | undefined>();
  scope.positional = call.words.slice(1);
  scope.locals = own;
  for (const [name, value] of Object.entries(call.given)) {
    own.set(name, scope.variables.get(name));
    assign(scope, name, value ?? UNKNOWN);
  }
  const output = place.reader.run(inside, body);
  scope.positional = positional;
  scope.locals = locals;
  restore(scope, own);
  if (call.redirects.length > 0) emit(place, { ...NO_CALL, redirects: call.redirects });
  return output;
}

/** `timeout 5 curl …`: the wrapper's words are kept beside the command's, and functions and aliases are out of reach. */
function runWrapped(place: Place, wrapped: Peeled, call: Call): string {
  if (!spend(place, call.words.length)) return UNKNOWN;
  const inside = wrapped.repeats ? moved(place, { timesKnown: false }) : place;
  const own = call.words.slice(wrapped.from);
  const text = shellText(own, wrapped);
  if (text !== null) {
    emit(place, call);
    return evaluate(inside, text, childShell(place.scope, call.given, []));
  }
  const words = wrapped.placeholder === undefined ? own : fed(own, wrapped.placeholder);
  const ends = [...call.ends.slice(wrapped.from), null].slice(0, words.length);
  const wrappers = [...call.wrappers, ...call.words.slice(0, wrapped.from)];
  return runCall(inside, { ...call, words, ends, wrappers, given: { ...call.given, ...wrapped.assignments } });
}

/** The commands of `find … -exec curl {} \;`. */
function runFound(place: Place, call: Call): void {
  const inside = moved(place, { timesKnown: false });
  for (let index = 1; index < call.words.length; index++) {
    if (!/^-(?:exec|execdir|ok|okdir)$/.test(call.words[index] ?? '')) continue;
    const from = index + 1;
    while (index + 1 < call.words.length && call.words[index + 1] !== ';' && call.words[index + 1] !== '+') index++;
    const words = fed(call.words.slice(from, index + 1), '{}');
    runCall(inside, { ...NO_CALL, words, ends: call.ends.slice(from, index + 1), wrappers: call.words.slice(0, from) });
  }
}
