/** The quote that the client writes for a single quote inside single quotes. */
const QUOTE = `'"'"'`;
const BEGIN = "eval '";
/** Other plugins' lines stand before the call's own; nobody has more of them. */
const MAX_FOUND = 8;

/**
 * The texts that a shell's command line evaluates, first the one that stands first: the client starts each Bash call as
 * `bash -c "source <snapshot> … && eval '<the call's text>' … && pwd -P >| <file>"`. What stands before the call's own text
 * is not the agent's to write, so of two that fit the first one counts.
 */
export function* evaluatedTexts(commandLine: string): Generator<string> {
  let at = commandLine.indexOf(BEGIN);
  for (let found = 0; at >= 0 && found < MAX_FOUND; at = commandLine.indexOf(BEGIN, at + 1), found += 1) {
    const text = unquoted(commandLine, at + BEGIN.length);
    if (text !== null) yield text;
  }
}

function unquoted(line: string, from: number): string | null {
  let text = '';
  for (let at = from; ; ) {
    const quote = line.indexOf("'", at);
    if (quote < 0) return null;
    text += line.slice(at, quote);
    if (!line.startsWith(QUOTE, quote)) return text;
    text += "'";
    at = quote + QUOTE.length;
  }
}
