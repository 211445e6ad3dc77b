import type { SyntaxNode } from 'unbash';
import { UNKNOWN, type Invocation } from '../core/invocation.ts';
import { subshell, type Scope } from './scope.ts';

/** Functions in functions, shells in shells, substitutions in substitutions. */
const MAX_DEPTH = 8;
const COST_OF_PLACE = 8;

/** One reading: what was found, and what it may still cost. */
export interface Reader {
  readonly found: Invocation[];
  /** A limit was passed, or the text is broken: what was found is a part at most. */
  unreadable: boolean;
  /** All the work that the command may still cause, in units of about a microsecond at most. */
  fuel: number;
  /**
   * Runs a part of a tree and gives what it writes, where the text says it. Statements run commands, and commands run
   * statements again (a function, `eval`, `$(…)`): they find the way back here, so that imports need not go round.
   */
  readonly run: (place: Place, node: SyntaxNode) => string;
}

/** A place in the text: how we got there and what the shell knows. */
export interface Place {
  readonly reader: Reader;
  readonly scope: Scope;
  readonly times: number;
  readonly timesKnown: boolean;
  readonly background: boolean;
  readonly depth: number;
  /** Positions in the tree are positions in the command's own text. */
  readonly located: boolean;
}

export function moved(from: Place, to: Partial<Omit<Place, 'reader'>>): Place {
  spend(from, COST_OF_PLACE);
  // Named one by one: a spread of objects that differ in shape takes a microsecond or two.
  return {
    reader: from.reader,
    scope: to.scope ?? from.scope,
    times: to.times ?? from.times,
    timesKnown: to.timesKnown ?? from.timesKnown,
    background: to.background ?? from.background,
    depth: to.depth ?? from.depth,
    located: to.located ?? from.located,
  };
}

export function inSubshell(place: Place, background = place.background): Place {
  const { variables, functions, aliases } = place.scope;
  spend(place, variables.size + functions.size + aliases.size);
  return moved(place, { scope: subshell(place.scope), background });
}

/** A level further down, in a function or a script of its own; null: too deep, and given up. */
export function deeper(place: Place, located: boolean, scope = place.scope): Place | null {
  if (place.depth < MAX_DEPTH) return moved(place, { scope, located, depth: place.depth + 1 });
  giveUp(place);
  return null;
}

/** False when the work allowed for one command is used up. */
export function spend({ reader }: Place, cost: number): boolean {
  reader.fuel -= cost;
  if (reader.fuel < 0) reader.unreadable = true;
  return reader.fuel >= 0;
}

/** Past a limit there is nothing more to find out. */
export function giveUp({ reader }: Place): string {
  reader.fuel = -1;
  reader.unreadable = true;
  return UNKNOWN;
}
