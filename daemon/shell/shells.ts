import { names, readArguments } from '../core/arguments.ts';
import { UNKNOWN, type ShellWord } from '../core/invocation.ts';

const SHELLS = new Set(['bash', 'sh', 'zsh', 'dash', 'ksh', 'ash', 'rbash']);
/** Programs that give the text after `-c` to a shell. */
const WITH_COMMAND_TEXT = new Set(['su', 'runuser', 'script', 'sg']);
const LONG = names('rcfile init-file command session-command shell');

export interface ShellInput {
  text: string;
  positional: readonly ShellWord[];
}

/** What a shell started by this command would run, where the command line or its here-document says it; else null. */
export function shellInput(program: string | null, words: readonly ShellWord[], input: string | undefined): ShellInput | null {
  if (program === null) return null;
  if (WITH_COMMAND_TEXT.has(program)) return commandText(words);
  return SHELLS.has(program) ? shellCommand(words, input) : null;
}

/**
 * `bash -lc 'text' name arguments`. `-c` takes no value of its own: the text is the first operand, also in `bash -c -e
 * 'text'`. With `-s`, or no operand, the shell reads its standard input.
 */
function shellCommand(words: readonly ShellWord[], input: string | undefined): ShellInput | null {
  let hasText = false;
  let readsInput = false;
  let from = words.length;
  for (const { option, value, index } of readArguments(words, { short: 'oO', long: LONG, equals: true }, true)) {
    if (option === undefined) {
      // `+o posix` and the like unset an option.
      from = value !== null && /^\+[a-zA-Z]+$/.test(value) ? index + (/o$/i.test(value) ? 2 : 1) : index;
      break;
    }
    hasText ||= option === 'c';
    readsInput ||= option === 's';
  }
  if (hasText) return { text: words[from] ?? (from < words.length ? UNKNOWN : ''), positional: words.slice(from + 2) };
  if (input === undefined || (from < words.length && !readsInput && words[from] !== '-')) return null;
  return { text: input, positional: words.slice(from) };
}

function commandText(words: readonly ShellWord[]): ShellInput | null {
  const options = readArguments(words, { short: 'csgGwT', long: LONG, equals: true });
  const found = options.find(({ option }) => option === 'c' || option === 'command' || option === 'session-command');
  return found === undefined ? null : { text: found.value ?? UNKNOWN, positional: [] };
}
