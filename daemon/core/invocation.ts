/**
 * What a shell command line would run, as plain values. The shell folder reads them out of the text; core decides what
 * they mean.
 */

/**
 * Stands inside a word for text that cannot be known before the command runs: the value of a variable, the output of
 * another command. One private-use character, so that a partly known word stays a string and still shows its host:
 * `"https://api.exa.ai/search?q=$Q"` is `https://api.exa.ai/search?q=` followed by UNKNOWN. A command that really
 * contains U+E000 is read as not knowing that character, which errs on the safe side.
 */
export const UNKNOWN = '\uE000';

/**
 * A word of a command. A string may hold UNKNOWN and is always exactly one word; null is an unknown number of unknown
 * words (an unquoted `$ARGS`, `"$@"`, what xargs appends).
 */
export type ShellWord = string | null;

export interface ShellRedirect {
  path: ShellWord;
  kind: 'read' | 'write';
}

/** Loops in loops multiply; beyond this it makes no difference. */
export const MAX_TIMES = 1_000_000_000;

/** One simple command that would run. Both sides of a condition count: this is the most that can happen, not the least. */
export interface Invocation {
  /** Base name of the first word after all wrappers (`curl` for `sudo -E /usr/bin/curl`); null: unknown, or no command at all. */
  program: string | null;
  /** The program and its arguments. Empty for a bare redirect or assignment (`> file`, `A=b`, `{ …; } > file`). */
  words: readonly ShellWord[];
  /**
   * Beside each word: the offset in the command's own text at which the word ends, where more arguments can be put in.
   * null where the word is not literally there (inside `bash -c '…'`, from a variable that holds several words). Means
   * nothing in an unreadable text.
   */
  ends: readonly (number | null)[];
  /** The words of the wrappers in front: `sudo -u bob timeout 5`. */
  wrappers: readonly ShellWord[];
  /** Variables given to this command alone (`A=b curl`, `env A=b curl`). `env -u A` gives the empty string. */
  assignments: Readonly<Record<string, ShellWord>>;
  redirects: readonly ShellRedirect[];
  /** How often it runs. At least 1. */
  times: number;
  /** False in a loop whose length is not in the text. */
  timesKnown: boolean;
  /** Nobody waits for it before the next command begins (`&`, `coproc`). */
  background: boolean;
}

export interface ShellReading {
  invocations: readonly Invocation[];
  /** The text is not a shell command we can follow, or following it passes a limit. What was found is a part at most. */
  unreadable: boolean;
}

/** Every word that the text shows, with its part in the command: for a look-out for protected files and verbs. */
export function* wordsOf(reading: ShellReading): Generator<{ word: string; role: 'argument' | 'assignment' | 'read' | 'write' }> {
  for (const { wrappers, words, assignments, redirects } of reading.invocations) {
    for (const word of wrappers) if (word !== null) yield { word, role: 'argument' };
    for (const word of words) if (word !== null) yield { word, role: 'argument' };
    for (const word of Object.values(assignments)) if (word !== null) yield { word, role: 'assignment' };
    for (const { path, kind } of redirects) if (path !== null) yield { word: path, role: kind };
  }
}

/** `curl` for `/usr/bin/curl` and `curl.exe`. */
export function programName(word: ShellWord | undefined): string | null {
  if (word === null || word === undefined) return null;
  const name = word.slice(word.lastIndexOf('/') + 1).replace(/\.exe$/i, '');
  return name === '' || name.includes(UNKNOWN) ? null : name;
}
