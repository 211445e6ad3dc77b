import { parse, type ParsedScript } from 'unbash';
import { UNKNOWN } from '../core/invocation.ts';
import { deeper, giveUp, spend, type Place } from './place.ts';
import { forgetEverything, type Scope } from './scope.ts';

/** A text that passes a limit is unreadable: said to be unknown, not followed for ever. */
const MAX_SCRIPT = 64 * 1024;
const MAX_BROKEN = 4 * 1024;

/** Follows a text as the shell would; gives what it writes to standard output, where the text says it. */
export function runText(place: Place, text: string): string {
  if (text.length > MAX_SCRIPT) return giveUp(place);
  const script = parse(text);
  return isHopeless(script, text) ? giveUp(place) : place.reader.run(place, script);
}

/** Follows text that a command gives to a shell: `bash -c`, `eval`, `trap`. */
export function evaluate(place: Place, text: string, scope: Scope): string {
  if (text === '') return '';
  if (text === UNKNOWN) {
    forgetEverything(scope);
    return UNKNOWN;
  }
  if (!spend(place, text.length >> 2)) return UNKNOWN;
  const inside = deeper(place, false, scope);
  return inside === null ? UNKNOWN : runText(inside, text);
}

/**
 * What is left open is read to the end of the text again at every level, which takes seconds for a long and deep one.
 * A short broken text is still gone through for the words it shows.
 */
function isHopeless({ errors = [] }: ParsedScript, text: string): boolean {
  return errors.length > 0 && (text.length > MAX_BROKEN || errors.some(({ message }) => message.includes('nesting depth exceeded')));
}
