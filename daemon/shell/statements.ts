import type { AndOr, Case, If, ParsedScript, Pipeline, PipelineNode, Redirected, Statement, SyntaxNode, TestExpression } from 'unbash';
import { names } from '../core/arguments.ts';
import { UNKNOWN } from '../core/invocation.ts';
import { NO_CALL, emit } from './call.ts';
import { runCommand } from './command.ts';
import { compute, expandText, expandWord } from './expansion.ts';
import { runFor, runUnbounded } from './loops.ts';
import { inSubshell, spend, type Place } from './place.ts';
import { readRedirects } from './redirects.ts';
import { assign, branchOf, join, resume, type Branch } from './scope.ts';

/** Gives what is written to standard output, where the text says it; so do all the functions below. `piped`: what it reads. */
export function runNode(place: Place, node: SyntaxNode, piped?: string): string {
  if (!spend(place, 2)) return UNKNOWN;
  switch (node.type) {
    case 'Script':
      return runScript(place, node);
    case 'Command':
      return runCommand(place, node, piped);
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
      return runRedirected(place, node);
    case 'Function':
      place.scope.functions.set(node.name.value, { body: node.body, located: place.located });
      return '';
    case 'If':
      return runIf(place, node);
    case 'Case':
      return runCase(place, node);
    case 'For':
      return runFor(place, node, (inside) => runList(inside, node.body.commands));
    case 'Select':
      for (const word of node.wordlist ?? []) expandWord(word, place);
      assign(place.scope, node.name.value, UNKNOWN);
      return runUnbounded(place, (inside) => runList(inside, node.body.commands));
    case 'While':
      return runUnbounded(place, (inside) => {
        runList(inside, node.clause.commands);
        runList(inside, node.body.commands);
      });
    case 'ArithmeticFor':
      compute(place, node.initialize);
      return runUnbounded(place, (inside) => {
        compute(inside, node.test);
        runList(inside, node.body.commands);
        compute(inside, node.update);
      });
    case 'TestCommand':
      runTest(place, node.expression);
      return '';
    case 'ArithmeticCommand':
      compute(place, node.expression);
      return '';
    default:
      return UNKNOWN;
  }
}

function runScript(place: Place, { errors = [], commands }: ParsedScript): string {
  if (errors.length > 0) place.reader.unreadable = true;
  return runList(place, commands);
}

function runList(place: Place, statements: readonly Statement[]): string {
  let output = '';
  for (const { command, background } of statements) {
    if (!spend(place, 1)) return UNKNOWN;
    output = runNode(background === true ? inSubshell(place, true) : place, command);
  }
  return statements.length > 1 ? UNKNOWN : output;
}

/** Each command of a pipe is a subshell of its own; a single one with `time` or `!` in front is not. */
function runPipeline(place: Place, { commands }: Pipeline): string {
  if (commands.length === 1) return runNode(place, commands[0]!);
  let output = UNKNOWN;
  for (const command of commands) output = runNode(inSubshell(place), command, output === UNKNOWN ? undefined : output);
  return output;
}

function runAndOr(place: Place, { commands, operators }: AndOr): string {
  const scope = place.scope;
  const skipped: Branch[] = [];
  let sure = succeeds(commands[0]);
  runNode(place, commands[0]!);
  for (let index = 1; index < commands.length; index++) {
    spend(place, scope.variables.size);
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

/** What a clause assigns holds in all that comes after it; what a `then` assigns holds only if that was the way. */
function runIf(place: Place, { clause, then, elif, else: otherwise }: If): string {
  const ways = [{ clause, then }, ...elif].map((arm) => {
    runList(place, arm.clause.commands);
    return aside(place, () => runList(place, arm.then.commands));
  });
  if (otherwise !== undefined) runList(place, otherwise.commands);
  join(place.scope, ways);
  return UNKNOWN;
}

function runCase(place: Place, { word, items }: Case): string {
  expandText(word, place);
  for (const { pattern } of items) for (const one of pattern) expandText(one, place);
  const ways: Branch[] = [];
  let above: Branch[] = [];
  for (const { body, terminator } of items) {
    const end = aside(place, () => {
      join(place.scope, above);
      runList(place, body.commands);
    });
    ways.push(end);
    // `;&` and `;;&` go on with the next.
    above = terminator?.endsWith('&') === true ? [end] : [];
  }
  // With a `*` it cannot be that none is taken.
  if (items.some(({ pattern }) => pattern.some(({ text }) => text === '*'))) resume(place.scope, ways[0]!);
  join(place.scope, ways);
  return UNKNOWN;
}

/** Runs a way that the text may go from here and gives the state at its end. Here goes on as if it were not taken. */
function aside(place: Place, way: () => void): Branch {
  const scope = place.scope;
  spend(place, scope.variables.size);
  const before = branchOf(scope);
  way();
  const end = branchOf(scope);
  resume(scope, before);
  return end;
}

function runRedirected(place: Place, { command, redirects }: Redirected): string {
  const { files } = readRedirects(place, redirects);
  const output = runNode(place, command);
  if (files.length > 0) emit(place, { ...NO_CALL, redirects: files });
  return files.some(({ kind }) => kind === 'write') ? UNKNOWN : output;
}

function runTest(place: Place, expression: TestExpression): void {
  if (!spend(place, 1)) return;
  if (expression.type === 'TestUnary') expandText(expression.operand, place);
  else if (expression.type === 'TestLogical') for (const operand of expression.operands) runTest(place, operand);
  else if (expression.type === 'TestNot') runTest(place, expression.operand);
  else if (expression.type === 'TestGroup') runTest(place, expression.expression);
  else {
    expandText(expression.left, place);
    expandText(expression.right, place);
  }
}
