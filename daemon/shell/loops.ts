import type { For, Word } from 'unbash';
import { MAX_TIMES, UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { expandWord } from './expansion.ts';
import { moved, spend, type Place } from './place.ts';
import { assign, branchOf, forgetEverything, join, type Scope } from './scope.ts';

/** A longer list is read once with the variable unknown and its length kept. */
const MAX_ITERATIONS = 100;

/** Goes through a loop once. */
type Round = (place: Place) => void;

/** Once for each word of a short list, so that each has its own destination; else once, with the length where there is one. */
export function runFor(place: Place, { name, wordlist }: For, round: Round): string {
  const items = listItems(place, wordlist);
  const isCounted = !items.some(({ many }) => many);
  if (items.length === 0) return '';
  if (!isCounted || items.length > MAX_ITERATIONS) forgetAssigned(place, round);
  if (items.length > MAX_ITERATIONS) {
    assign(place.scope, name.value, UNKNOWN);
    const times = Math.min(place.times * items.length, MAX_TIMES);
    round(moved(place, { times, timesKnown: place.timesKnown && isCounted }));
    return UNKNOWN;
  }
  // "Any number" may be none.
  const none = isCounted ? [] : [branchOf(place.scope)];
  for (const { value, many } of items) {
    assign(place.scope, name.value, value);
    round(many ? moved(place, { timesKnown: false }) : place);
  }
  join(place.scope, none);
  return UNKNOWN;
}

/** `many`: a glob or an unknown expansion, which can be any number of words. A glob's own text stands for what it matches. */
function listItems(place: Place, wordlist: readonly Word[] | undefined): { value: string; many: boolean }[] {
  const itemOf = (word: ShellWord) => ({ value: word ?? UNKNOWN, many: word === null });
  if (wordlist === undefined) return place.scope.positional.map(itemOf);
  return wordlist.flatMap((word) => {
    const items = expandWord(word, place).map(itemOf);
    const globs = word.parts?.some(({ type }) => type === 'Glob' || type === 'ExtendedGlob') === true;
    return globs && !word.text.includes('://') ? items.map(({ value }) => ({ value, many: true })) : items;
  });
}

/** A loop whose length is not in the text, and which may run not at all. */
export function runUnbounded(place: Place, round: Round): string {
  forgetAssigned(place, round);
  const before = branchOf(place.scope);
  round(moved(place, { timesKnown: false }));
  join(place.scope, [before]);
  return UNKNOWN;
}

/**
 * What a round assigns is unknown from the second one on. So a loop is gone through once for the names it assigns, and
 * nothing else of that is kept.
 */
function forgetAssigned(place: Place, round: Round): void {
  const { scope, reader } = place;
  spend(place, scope.variables.size);
  // Inside such a trial only names count, and they do not depend on values.
  if (scope.touched !== undefined) return;
  const touched = new Set<string>();
  const trial: Scope = { ...scope, variables: new Map(scope.variables), locals: scope.locals && new Map(scope.locals), touched };
  const before = reader.found.length;
  round(moved(place, { scope: trial }));
  reader.found.length = before;
  for (const name of touched) assign(scope, name, UNKNOWN);
  if (trial.positional !== scope.positional) scope.positional = [null];
  if (trial.sourced) forgetEverything(scope);
}
