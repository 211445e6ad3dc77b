import { programName, type ShellRedirect, type ShellWord } from '../core/invocation.ts';
import { giveUp, type Place } from './place.ts';
import type { Value } from './scope.ts';

const MAX_INVOCATIONS = 1000;

/** A simple command after expansion. */
export interface Call {
  words: readonly ShellWord[];
  ends: readonly (number | null)[];
  wrappers: readonly ShellWord[];
  /** `A=b curl`: the environment of this command alone. */
  given: Readonly<Record<string, ShellWord>>;
  redirects: readonly ShellRedirect[];
  /** `export A=b`: names with values, in their own right. */
  declared: readonly (readonly [string, Value])[];
  /** What it reads from standard input, where the text says it. */
  input: string | undefined;
  /** Its first word stands in the text as it is, neither quoted nor expanded, so that an alias may be meant. */
  bare: boolean;
}

export const NO_CALL: Call = { words: [], ends: [], wrappers: [], given: {}, redirects: [], declared: [], input: undefined, bare: false };

/** Adds a command to the reading. */
export function emit(place: Place, { words, ends, wrappers, given, redirects }: Call): void {
  const { reader, times, timesKnown, background } = place;
  if (reader.found.length >= MAX_INVOCATIONS) giveUp(place);
  else reader.found.push({ program: programName(words[0]), words, ends, wrappers, assignments: given, redirects, times, timesKnown, background });
}
