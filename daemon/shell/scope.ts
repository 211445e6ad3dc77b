import type { SyntaxNode } from 'unbash';
import { UNKNOWN, type ShellWord } from '../core/invocation.ts';

/** A variable's value: text that may hold UNKNOWN, or the words of an array. */
export type Value = string | readonly ShellWord[];

export interface ShellFunction {
  body: SyntaxNode;
  /** Positions in its body are positions in the command's own text. */
  located: boolean;
}

/** What the shell knows at one point of the text. */
export interface Scope {
  /** Assigned in this text. A name that is not here comes from the environment, which we do not see. */
  variables: Map<string, Value>;
  positional: readonly ShellWord[];
  /** A file was sourced, or text we cannot read was evaluated: any variable may have any value. */
  sourced: boolean;
  exportsAll: boolean;
  readonly exported: Set<string>;
  readonly functions: Map<string, ShellFunction>;
  readonly aliases: Map<string, string>;
  /** In a function: what its `local` names held outside it. */
  locals: Map<string, Value | undefined> | undefined;
  /** While finding out what a loop's body assigns: the names. */
  touched: Set<string> | undefined;
}

export function freshScope(): Scope {
  return {
    variables: new Map(),
    positional: [],
    sourced: false,
    exportsAll: false,
    exported: new Set(),
    functions: new Map(),
    aliases: new Map(),
    locals: undefined,
    touched: undefined,
  };
}

/** A subshell: what it assigns and defines ends with it. */
export function subshell(scope: Scope): Scope {
  return {
    ...scope,
    variables: new Map(scope.variables),
    exported: new Set(scope.exported),
    functions: new Map(scope.functions),
    aliases: new Map(scope.aliases),
    locals: undefined,
    touched: undefined,
  };
}

/** A child process that is a shell: only what is exported and the variables given to it are there. */
export function childShell(scope: Scope, given: Readonly<Record<string, ShellWord>>, positional: readonly ShellWord[]): Scope {
  const variables = exportedOf(scope, scope.variables);
  for (const [name, value] of Object.entries(given)) variables.set(name, value ?? UNKNOWN);
  const functions = exportedOf(scope, scope.functions);
  return { ...scope, variables, positional, functions, aliases: new Map(), exported: new Set(scope.exported), locals: undefined, touched: undefined };
}

function exportedOf<T>({ exported, exportsAll }: Scope, known: ReadonlyMap<string, T>): Map<string, T> {
  if (exportsAll) return new Map(known);
  const found = new Map<string, T>();
  for (const name of exported) {
    const value = known.get(name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

export function assign(scope: Scope, name: string, value: Value): void {
  scope.variables.set(name, value);
  scope.touched?.add(name);
}

/** Gives names back what they held before. */
export function restore(scope: Scope, held: ReadonlyMap<string, Value | undefined>): void {
  for (const [name, value] of held) {
    if (value === undefined) scope.variables.delete(name);
    else scope.variables.set(name, value);
  }
}

/** The value of a named variable, or undefined when this text does not say. `~` and `.` are as good as HOME and PWD. */
export function valueOf(scope: Scope, name: string): Value | undefined {
  const value = scope.variables.get(name);
  if (value !== undefined) return value;
  if (name === 'HOME') return '~';
  return name === 'PWD' ? '.' : undefined;
}

export function forgetEverything(scope: Scope): void {
  for (const name of scope.variables.keys()) assign(scope, name, UNKNOWN);
  scope.sourced = true;
}

/** The other way that the text could have gone, when a branch may or may not run. */
export interface Branch {
  variables: ReadonlyMap<string, Value>;
  positional: readonly ShellWord[];
  sourced: boolean;
}

export function branchOf(scope: Scope): Branch {
  return { variables: new Map(scope.variables), positional: scope.positional, sourced: scope.sourced };
}

/** Back to where the ways parted. */
export function resume(scope: Scope, { variables, positional, sourced }: Branch): void {
  scope.variables = new Map(variables);
  scope.positional = positional;
  scope.sourced = sourced;
}

/** After a branch: what is not the same whichever way was taken is unknown. */
export function join(scope: Scope, others: readonly Branch[]): void {
  for (const other of others) {
    for (const [name, value] of scope.variables) if (other.variables.get(name) !== value) scope.variables.set(name, UNKNOWN);
    for (const name of other.variables.keys()) if (!scope.variables.has(name)) scope.variables.set(name, UNKNOWN);
    if (other.positional !== scope.positional) scope.positional = [null];
    scope.sourced ||= other.sourced;
  }
}
