/**
 * The one wildcard people write in a policy: `*` stands for any run of characters. Everything else is literal. What a
 * star may cross is for the caller to say, by what text it hands in (`endpoint-pattern.ts` matches hosts and paths apart).
 */
export function globMatches(pattern: string, text: string): boolean {
  return matcherOf(pattern)(text);
}

type Matcher = (text: string) => boolean;

/** Patterns come from configuration files alone, so their number is bounded; the map still has a limit on principle. */
const MAX_COMPILED = 50_000;
const compiled = new Map<string, Matcher>();

function matcherOf(pattern: string): Matcher {
  let matcher = compiled.get(pattern);
  if (matcher === undefined) {
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(pattern, (matcher = compile(pattern)));
  }
  return matcher;
}

/**
 * The pieces between the stars are found from left to right, each once: a text and a pattern take as long as both
 * together, whatever they are. A regular expression would try every way to share the text out among the stars.
 */
function compile(pattern: string): Matcher {
  const pieces = pattern.split(/\*+/);
  if (pieces.length === 1) return (text) => text === pattern;
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const middle = pieces.slice(1, -1).map((piece) => ({ piece, borders: bordersOf(piece) }));
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const { piece, borders } of middle) {
      at = endOf(piece, borders, text, at, end);
      if (at < 0) return false;
    }
    return true;
  };
}

/** Knuth, Morris and Pratt: for each beginning of the piece, how much of it the search keeps when the next letter differs. */
function bordersOf(piece: string): number[] {
  const borders = [0];
  for (let at = 1, kept = 0; at < piece.length; at += 1) {
    while (kept > 0 && piece[at] !== piece[kept]) kept = borders[kept - 1]!;
    if (piece[at] === piece[kept]) kept += 1;
    borders.push(kept);
  }
  return borders;
}

/** Where the first occurrence of the piece ends, between `from` and `end`; -1 where there is none. */
function endOf(piece: string, borders: readonly number[], text: string, from: number, end: number): number {
  let found = 0;
  for (let at = from; at < end; at += 1) {
    const letter = text.charCodeAt(at);
    while (found > 0 && letter !== piece.charCodeAt(found)) found = borders[found - 1]!;
    if (letter === piece.charCodeAt(found)) found += 1;
    if (found === piece.length) return at + 1;
  }
  return -1;
}
