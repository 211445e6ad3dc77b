import {
  parse,
  type AndOr,
  type ArithmeticExpression,
  type Assignment,
  type Case,
  type Command,
  type CompoundList,
  type For,
  type If,
  type ParsedScript,
  type Pipeline,
  type PipelineNode,
  type Redirection,
  type Script,
  type Statement,
  type SyntaxNode,
  type TestExpression,
  type Word,
} from 'unbash';
import { MAX_TIMES, UNKNOWN, programName } from '../core/invocation.ts';
import type { Invocation, ShellReading, ShellRedirect, ShellWord } from '../core/invocation.ts';
import { names } from '../core/arguments.ts';
import { runBuiltin } from './builtins.ts';
import { costOf, expandText, expandWord, textOfParts, type Expander } from './expansion.ts';
import { plainOutput } from './output.ts';
import { assign, branchOf, childShell, forgetEverything, freshScope, join, resume, subshell, valueOf } from './scope.ts';
import type { Branch, Scope, Value } from './scope.ts';
import { shellInput } from './shells.ts';
import { fed, peel } from './wrappers.ts';

export type { ArithmeticExpression, ParameterDefaultOperation, ParameterExpansionPart, Script, Word, WordPart } from 'unbash';

/** Limits. A command that passes one is unreadable: said to be unknown, not followed for ever. */
const MAX_COMMAND = 64 * 1024;
const MAX_BROKEN = 4 * 1024;
/** Functions in functions, shells in shells, substitutions in substitutions. */
const MAX_DEPTH = 8;
const MAX_INVOCATIONS = 1000;
/** A longer list is read once with the variable unknown and its length kept. */
const MAX_ITERATIONS = 100;
/** All the work that one command may cause, in units of about a microsecond at most. */
const FUEL = 100_000;
const COST_OF_PLACE = 8;

export interface ShellFunction {
  body: SyntaxNode;
  located: boolean;
}

/** One reading: what was found, and what it has cost. */
interface Reader {
  readonly found: Invocation[];
  unreadable: boolean;
  fuel: number;
}

/** A place in the text: how we got there and what the shell knows. */
interface Place extends Expander {
  readonly reader: Reader;
  readonly scope: Scope;
  readonly times: number;
  readonly timesKnown: boolean;
  readonly depth: number;
  readonly background: boolean;
  /** Positions in the tree are positions in the command's own text. */
  readonly located: boolean;
}

type Bearings = Pick<Place, 'reader' | 'scope' | 'times' | 'timesKnown' | 'background' | 'depth' | 'located'>;

/** A simple command after expansion. */
interface Call {
  words: readonly ShellWord[];
  ends: readonly (number | null)[];
  wrappers: readonly ShellWord[];
  given: Readonly<Record<string, ShellWord>>;
  redirects: readonly ShellRedirect[];
  /** `export A=b`: names with values, in their own right. */
  declared: readonly (readonly [string, Value])[];
  /** What it reads from standard input, where the text says it. */
  input: string | undefined;
  aliased: boolean;
}

/**
 * The commands that a Bash command line would run, in order, with what can be known of their words. The text is
 * followed as the shell would: `for u in a b; do curl $u; done` gives two. Never throws, never runs away.
 */
export function readShell(command: string): ShellReading {
  const reader: Reader = { found: [], unreadable: false, fuel: FUEL };
  if (command.length > MAX_COMMAND) return { invocations: [], unreadable: true };
  try {
    runText(placeAt({ reader, scope: freshScope(), times: 1, timesKnown: true, background: false, depth: 0, located: true }), command);
  } catch {
    // The text is anyone's and the parser is someone else's: an answer is due all the same, and it is "cannot read it".
    reader.unreadable = true;
  }
  return { invocations: reader.found, unreadable: reader.unreadable };
}

/**
 * What is left open is read to the end of the text again at every level, which takes seconds for a long and deep one.
 * A short broken text is still gone through for the words it shows.
 */
function isHopeless({ errors = [] }: ParsedScript, text: string): boolean {
  return errors.length > 0 && (text.length > MAX_BROKEN || errors.some(({ message }) => message.includes('nesting depth exceeded')));
}

function runText(place: Place, text: string): string {
  const script = parse(text);
  return isHopeless(script, text) ? giveUp(place.reader) : runScript(place, script);
}

function placeAt({ reader, scope, times, timesKnown, background, depth, located }: Bearings): Place {
  spend(reader, COST_OF_PLACE);
  const place: Place = {
    reader,
    scope,
    times,
    timesKnown,
    background,
    depth,
    located,
    substitute: (script) => substitute(place, script),
    compute: (expression) => compute(place, expression),
    wordIn: (text) => wordIn(place, text),
    spend: (cost) => spend(reader, cost),
  };
  return place;
}

function moved(from: Place, to: Partial<Bearings>): Place {
  return placeAt({
    reader: from.reader,
    scope: to.scope ?? from.scope,
    times: to.times ?? from.times,
    timesKnown: to.timesKnown ?? from.timesKnown,
    background: to.background ?? from.background,
    depth: to.depth ?? from.depth,
    located: to.located ?? from.located,
  });
}

function spend(reader: Reader, cost: number): boolean {
  reader.fuel -= cost;
  if (reader.fuel < 0) reader.unreadable = true;
  return reader.fuel >= 0;
}

/** Past a limit there is nothing more to find out. */
function giveUp(reader: Reader): string {
  reader.fuel = -1;
  reader.unreadable = true;
  return UNKNOWN;
}

function runScript(place: Place, script: ParsedScript | Script): string {
  if ('errors' in script && script.errors !== undefined && script.errors.length > 0) place.reader.unreadable = true;
  return runList(place, script.commands);
}

/** Gives what is written to standard output, where the text says it; so do all the functions below. */
function runList(place: Place, statements: readonly Statement[]): string {
  let output = '';
  for (const statement of statements) {
    if (!place.spend(1)) return UNKNOWN;
    output = runNode(statement.background === true ? inSubshell(place, true) : place, statement.command);
  }
  return statements.length > 1 ? UNKNOWN : output;
}

function inSubshell(place: Place, background = place.background): Place {
  place.spend(place.scope.variables.size);
  return moved(place, { scope: subshell(place.scope), background });
}

function runNode(place: Place, node: SyntaxNode, input?: string): string {
  if (!place.spend(2)) return UNKNOWN;
  switch (node.type) {
    case 'Command':
      return runCommand(place, node, input);
    case 'Pipeline':
      return runPipeline(place, node);
    case 'AndOr':
      return runAndOr(place, node);
    case 'CompoundList':
      return runList(place, node.commands);
    case 'BraceGroup':
      return runList(place, node.body.commands);
    case 'Subshell':
      return runList(inSubshell(place), node.body.commands);
    case 'Coproc':
      return runNode(inSubshell(place, true), node.body);
    case 'Redirected':
      return runRedirected(place, node.command, node.redirects);
    case 'Function':
      place.scope.functions.set(node.name.value, { body: node.body, located: place.located });
      return '';
    case 'If':
      return runIf(place, node);
    case 'Case':
      return runCase(place, node);
    case 'For':
      return runFor(place, node);
    case 'Select':
      for (const word of node.wordlist ?? []) expandWord(word, place);
      return runUnbounded(place, [node.body], node.name.value);
    case 'While':
      return runUnbounded(place, [node.clause, node.body]);
    case 'ArithmeticFor':
      place.compute(node.initialize);
      place.compute(node.test);
      return runUnbounded(place, [node.body], undefined, node.update);
    case 'TestCommand':
      runTest(place, node.expression);
      return '';
    case 'ArithmeticCommand':
      place.compute(node.expression);
      return '';
    default:
      return UNKNOWN;
  }
}

/** Each command of a pipe is a subshell of its own; a single one with `time` or `!` in front is not. */
function runPipeline(place: Place, { commands }: Pipeline): string {
  if (commands.length === 1) return runNode(place, commands[0]!);
  let output: string | undefined;
  for (const command of commands) output = runNode(inSubshell(place), command, output === UNKNOWN ? undefined : output);
  return output ?? UNKNOWN;
}

function runAndOr(place: Place, { commands, operators }: AndOr): string {
  const scope = place.scope;
  const skipped: Branch[] = [];
  let sure = succeeds(commands[0]);
  runNode(place, commands[0]!);
  for (let index = 1; index < commands.length; index++) {
    place.spend(scope.variables.size);
    const before = branchOf(scope);
    if (operators[index - 1] === '||') {
      runNode(place, commands[index]!);
      join(scope, [before]);
      sure = false;
      continue;
    }
    if (!sure) skipped.push(before);
    runNode(place, commands[index]!);
    sure &&= succeeds(commands[index]);
  }
  join(scope, skipped);
  return UNKNOWN;
}

/** `cd there && A=b; …` goes on with A=b: commands that people put first and that do not decide anything. */
const UNDECIDED = names('cd pushd export set source . mkdir echo printf : true shopt unset local declare');

function succeeds(node: PipelineNode | undefined): boolean {
  return node?.type === 'Command' && (node.name === undefined || UNDECIDED.has(node.name.value));
}

/** Runs each of several ways the text could go from here, and keeps what they agree on. */
function runEither(place: Place, ways: readonly (() => void)[], orNone: boolean): void {
  const scope = place.scope;
  const before = branchOf(scope);
  const after: Branch[] = orNone ? [before] : [];
  for (const way of ways) {
    place.spend(scope.variables.size);
    resume(scope, before);
    way();
    after.push(branchOf(scope));
  }
  join(scope, after);
}

function runIf(place: Place, node: If): string {
  runList(place, node.clause.commands);
  const ways = [() => runList(place, node.then.commands)];
  for (const { clause, then } of node.elif) ways.push(() => runList(place, [...clause.commands, ...then.commands]));
  const otherwise = node.else;
  if (otherwise !== undefined) ways.push(() => runList(place, otherwise.commands));
  runEither(place, ways, otherwise === undefined);
  return UNKNOWN;
}

function runCase(place: Place, node: Case): string {
  expandText(node.word, place);
  for (const { pattern } of node.items) for (const word of pattern) expandText(word, place);
  const ways = node.items.map(({ body }) => () => runList(place, body.commands));
  runEither(place, ways, !node.items.some(({ pattern }) => pattern.some(({ text }) => text === '*')));
  return UNKNOWN;
}

/** Once for each word of a short list, so that each has its own destination; else once, with the length where there is one. */
function runFor(place: Place, node: For): string {
  const items = listItems(place, node);
  const isCounted = !items.some(({ many }) => many);
  if (items.length === 0) return '';
  if (!isCounted || items.length > MAX_ITERATIONS) forgetAssigned(place, [node.body]);
  if (items.length > MAX_ITERATIONS) {
    assign(place.scope, node.name.value, UNKNOWN);
    const times = Math.min(place.times * items.length, MAX_TIMES);
    runList(moved(place, { times, timesKnown: place.timesKnown && isCounted }), node.body.commands);
    return UNKNOWN;
  }
  const before = branchOf(place.scope);
  for (const { value, many } of items) {
    assign(place.scope, node.name.value, value);
    runList(many ? moved(place, { timesKnown: false }) : place, node.body.commands);
  }
  // "Any number" may be none.
  if (!isCounted) join(place.scope, [before]);
  return UNKNOWN;
}

/** `many`: a glob or an unknown expansion, which can be any number of words. A glob's own text stands for what it matches. */
function listItems(place: Place, { wordlist }: For): { value: string; many: boolean }[] {
  const itemOf = (word: ShellWord) => ({ value: word ?? UNKNOWN, many: word === null });
  if (wordlist === undefined) return place.scope.positional.map(itemOf);
  return wordlist.flatMap((word) => {
    const items = expandWord(word, place).map(itemOf);
    const globs = word.parts?.some(({ type }) => type === 'Glob' || type === 'ExtendedGlob') === true;
    return globs && !word.text.includes('://') ? items.map(({ value }) => ({ value, many: true })) : items;
  });
}

/** A loop whose length is not in the text. What its body assigns is unknown from the second time on, and so afterwards. */
function runUnbounded(place: Place, bodies: readonly CompoundList[], variable?: string, update?: ArithmeticExpression): string {
  if (variable !== undefined) assign(place.scope, variable, UNKNOWN);
  const assigned = forgetAssigned(place, bodies, update);
  const inside = moved(place, { timesKnown: false });
  for (const { commands } of bodies) runList(inside, commands);
  inside.compute(update);
  for (const name of assigned) assign(place.scope, name, UNKNOWN);
  return UNKNOWN;
}

/** Goes through a loop's body once for the names it assigns, keeps nothing else, and makes them unknown. */
function forgetAssigned(place: Place, bodies: readonly CompoundList[], update?: ArithmeticExpression): ReadonlySet<string> {
  const { scope, reader } = place;
  // Inside such a trial only names count, and they do not depend on values.
  if (scope.touched !== undefined) return new Set();
  place.spend(scope.variables.size);
  const touched = new Set<string>();
  const trial: Scope = { ...scope, variables: new Map(scope.variables), locals: scope.locals && new Map(scope.locals), touched };
  const before = reader.found.length;
  const inside = moved(place, { scope: trial });
  for (const { commands } of bodies) runList(inside, commands);
  inside.compute(update);
  reader.found.length = before;
  for (const name of touched) assign(scope, name, UNKNOWN);
  if (trial.positional !== scope.positional) scope.positional = [null];
  if (trial.sourced) forgetEverything(scope);
  return touched;
}

function runRedirected(place: Place, command: SyntaxNode, redirections: readonly Redirection[]): string {
  const { redirects } = readRedirects(place, redirections);
  const output = runNode(place, command);
  if (redirects.length > 0) emit(place, { ...NO_CALL, redirects });
  return redirects.some(({ kind }) => kind === 'write') ? UNKNOWN : output;
}

function runTest(place: Place, expression: TestExpression): void {
  if (!place.spend(1)) return;
  if (expression.type === 'TestUnary') expandText(expression.operand, place);
  else if (expression.type === 'TestLogical') for (const operand of expression.operands) runTest(place, operand);
  else if (expression.type === 'TestNot') runTest(place, expression.operand);
  else if (expression.type === 'TestGroup') runTest(place, expression.expression);
  else {
    expandText(expression.left, place);
    expandText(expression.right, place);
  }
}

/** Arithmetic is not worked out; the commands inside it run and the variables it changes are unknown from here. */
function compute(place: Place, expression: ArithmeticExpression | undefined): void {
  // Sums lean to the left and can be as long as the text: a loop, not a call, goes down that side.
  for (let part = expression; part !== undefined; ) {
    if (!place.spend(1)) return;
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

function substitute(place: Place, script: Script | undefined): string {
  if (script === undefined) return UNKNOWN;
  if (place.depth >= MAX_DEPTH) return giveUp(place.reader);
  const located = place.located && script.source === undefined;
  const output = runScript(moved(inSubshell(place), { depth: place.depth + 1, located }), script);
  return output.replace(/\n+$/, '');
}

function wordIn(place: Place, text: string): Word | undefined {
  if (!place.spend(text.length)) return undefined;
  const [statement] = parse(`: ${text}`).commands;
  const word = statement?.command.type === 'Command' ? statement.command.args[0] : undefined;
  return word?.type === 'Word' ? word : undefined;
}

const NO_CALL: Call = { words: [], ends: [], wrappers: [], given: {}, redirects: [], declared: [], input: undefined, aliased: false };

function runCommand(place: Place, command: Command, input: string | undefined): string {
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
  for (const part of command.prefix) {
    if (part.type !== 'Assignment') continue;
    const value = assignedValue(place, part);
    given.push([part.name, typeof value === 'string' ? value : null]);
    if (words.length === 0) assign(place.scope, part.name, value);
  }
  const { redirects, text } = readRedirects(place, command.redirects);
  return runCall(place, { ...NO_CALL, words, ends, given: Object.fromEntries(given), redirects, declared, input: text ?? input });
}

function assignedValue(place: Place, { name, value, index, append }: Assignment): Value {
  const text = value.type === 'ArrayValue' ? arrayValue(place, value.elements) : expandText(value, place);
  if (index !== undefined) {
    expandText(index, place);
    return UNKNOWN;
  }
  if (append !== true) return text;
  const before = valueOf(place.scope, name);
  if (typeof before === 'string' && typeof text === 'string') return before.length + text.length > MAX_COMMAND ? UNKNOWN : before + text;
  if (before === undefined || typeof before === 'string' || before.length > MAX_INVOCATIONS) return UNKNOWN;
  return typeof text === 'string' ? UNKNOWN : [...before, ...text];
}

/** `([name]=value …)` is not followed. */
function arrayValue(place: Place, elements: readonly Word[]): Value {
  const words = elements.flatMap((word) => expandWord(word, place));
  return words.length > MAX_INVOCATIONS || elements.some((word) => word.text.startsWith('[')) ? UNKNOWN : words;
}

/** The files that redirects name, and the text of a here-document or here-string. */
function readRedirects(place: Place, redirections: readonly Redirection[]): { redirects: ShellRedirect[]; text: string | undefined } {
  const redirects: ShellRedirect[] = [];
  let text: string | undefined;
  for (const redirection of redirections) {
    if (redirection.type === 'HereString') text = `${expandText(redirection.target, place)}\n`;
    else if (redirection.type === 'HereDoc') text = hereDocument(place, redirection);
    else {
      const path = expandText(redirection.target, place);
      // `2>&1` and `<&-` are about descriptors, not files.
      if (redirection.operator.endsWith('&') && /^(?:\d+-?|-)$/.test(path)) continue;
      const reads = redirection.operator === '<' || redirection.operator === '<&';
      redirects.push({ path: path === UNKNOWN ? null : path, kind: reads ? 'read' : 'write' });
    }
  }
  return { redirects, text };
}

function hereDocument(place: Place, { body, delimiter }: Redirection & { type: 'HereDoc' }): string {
  if (!place.spend(costOf(body.text))) return UNKNOWN;
  // A child process reads it, so what `${x:=y}` assigns here is lost.
  if (body.parts !== undefined) return textOfParts(body.parts, inSubshell(place));
  if (delimiter?.quoted === true) return body.text;
  return body.text.replace(/\\([$`\\\n])/g, (_, character: string) => (character === '\n' ? '' : character));
}

function runCall(place: Place, call: Call): string {
  const name = call.words[0];
  if (name === undefined || name === null) {
    if (call.words.length + call.redirects.length + Object.keys(call.given).length > 0) emit(place, call);
    return UNKNOWN;
  }
  if (call.wrappers.length === 0) {
    const body = place.scope.functions.get(name);
    if (body !== undefined) return callFunction(place, body, call);
    const alias = call.aliased ? undefined : place.scope.aliases.get(name);
    if (alias !== undefined) return runAlias(place, alias, call);
  }
  const wrapped = peel(call.words);
  if (wrapped !== null) return runWrapped(place, wrapped, call);
  emit(place, call);
  const builtin = runBuiltin(place, call);
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

/** `timeout 5 curl …`: the wrapper's words are kept beside the command's, and functions and aliases are out of reach. */
function runWrapped(place: Place, wrapped: NonNullable<ReturnType<typeof peel>>, call: Call): string {
  if (!place.spend(call.words.length)) return UNKNOWN;
  const inside = wrapped.repeats ? moved(place, { timesKnown: false }) : place;
  let words = call.words.slice(wrapped.from);
  if (wrapped.evaluates) {
    emit(place, call);
    const own = words.findIndex((word) => /^:::/.test(word ?? ''));
    const text = own < 0 ? words : words.slice(0, own);
    const command = text.map((word) => word ?? UNKNOWN).join(' ');
    if (wrapped.placeholder === undefined) return evaluate(inside, command, subshell(place.scope));
    const marked = command.replace(/\{[^{}\s]{0,4}\}/g, UNKNOWN);
    return evaluate(inside, marked === command ? `${command} ${UNKNOWN}` : marked, subshell(place.scope));
  }
  if (words[0] === '-c') {
    // `flock file -c 'text'`
    emit(place, call);
    return evaluate(inside, words[1] ?? UNKNOWN, subshell(place.scope));
  }
  if (wrapped.placeholder !== undefined) words = fed(words, wrapped.placeholder);
  const ends = call.ends.slice(wrapped.from);
  while (ends.length < words.length) ends.push(null);
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

/** Follows text that a command gives to a shell: `bash -c`, `eval`, `trap`. */
function evaluate(place: Place, text: string, scope: Scope): string {
  if (text === '') return '';
  if (text === UNKNOWN) {
    forgetEverything(scope);
    return UNKNOWN;
  }
  if (place.depth >= MAX_DEPTH || text.length > MAX_COMMAND) return giveUp(place.reader);
  if (!place.spend(text.length >> 2)) return UNKNOWN;
  return runText(moved(place, { scope, depth: place.depth + 1, located: false }), text);
}

function callFunction(place: Place, { body, located }: ShellFunction, call: Call): string {
  if (place.depth >= MAX_DEPTH) return giveUp(place.reader);
  const scope = place.scope;
  const { positional, locals } = scope;
  const own = new Map<string, Value | undefined>();
  scope.positional = call.words.slice(1);
  scope.locals = own;
  for (const [name, value] of Object.entries(call.given)) {
    own.set(name, scope.variables.get(name));
    assign(scope, name, value ?? UNKNOWN);
  }
  const output = runNode(moved(place, { depth: place.depth + 1, located }), body);
  scope.positional = positional;
  scope.locals = locals;
  for (const [name, value] of own) {
    if (value === undefined) scope.variables.delete(name);
    else scope.variables.set(name, value);
  }
  if (call.redirects.length > 0) emit(place, { ...NO_CALL, redirects: call.redirects });
  return output;
}

/** An alias for a simple command goes in front of the words; anything else is followed by itself. */
function runAlias(place: Place, alias: string, call: Call): string {
  if (!place.spend(alias.length)) return UNKNOWN;
  const { commands } = parse(alias);
  const command = commands[0]?.command;
  if (commands.length !== 1 || command?.type !== 'Command' || command.name === undefined) return evaluate(place, alias, place.scope);
  const front = [command.name, ...command.args].flatMap((word) => (word.type === 'Word' ? expandWord(word, place) : []));
  const words = [...front, ...call.words.slice(1)];
  return runCall(place, { ...call, words, ends: [...front.map(() => null), ...call.ends.slice(1)], aliased: true });
}

function emit(place: Place, call: Call): void {
  if (place.reader.found.length >= MAX_INVOCATIONS) {
    giveUp(place.reader);
    return;
  }
  place.reader.found.push({
    program: programName(call.words[0]),
    words: call.words,
    ends: call.ends,
    wrappers: call.wrappers,
    assignments: call.given,
    redirects: call.redirects,
    times: place.times,
    timesKnown: place.timesKnown,
    background: place.background,
  });
}
