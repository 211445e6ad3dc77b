/**
 * Regular expressions that a configuration may name. JavaScript's engine tries every way to match, and a pattern can have
 * more ways than there is time: so a pattern is costed first, and one that could hold the daemon up is refused.
 */
export type SafePattern = { ok: true; pattern: RegExp } | { ok: false; problem: string };

const MAX_LENGTH = 200;
/** Of the text it is used on (see `freshness.ts`); a repeat without end has so many ways. */
const ENDLESS = 1_000;
/** `a*a*b` has about half of it, and takes a third of a second with the worst text of that length. */
const MAX_WAYS = 2_000_000;

export function safePattern(source: string): SafePattern {
  if (source.length > MAX_LENGTH) return { ok: false, problem: `is longer than ${MAX_LENGTH} characters` };
  // A search begins and ends anywhere, so these say nothing and only cost.
  const bare = source.replace(/^\^?(?:\.\*\??)+/, '').replace(/(?<!\\)(?:\.\*\??)+\$?$/, '');
  let pattern: RegExp;
  try {
    new RegExp(source);
    pattern = new RegExp(bare);
  } catch (error) {
    return { ok: false, problem: `is not a regular expression (${(error as Error).message})` };
  }
  const problem = costProblem(bare);
  return problem === null ? { ok: true, pattern } : { ok: false, problem };
}

interface Group {
  /** Something inside can match in more than one way. */
  choice: boolean;
  alternatives: number;
}

const TOKEN = /\\(?<escape>[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|(?<open>\((?<special>\?(?:[:=!]|<[=!]|<[^>]*>))?)|(?<close>\))|(?<or>\|)|(?<repeat>[*+?]|\{\d+(?:,\d*)?\})\??|[\s\S]/gy;

function costProblem(source: string): string | null {
  const groups: Group[] = [{ choice: false, alternatives: 1 }];
  let ways = 1;
  let closed: Group | null = null;
  for (const { groups: token } of source.matchAll(TOKEN)) {
    const { escape, open, special, close, or, repeat } = token!;
    const before: Group | null = closed;
    closed = null;
    if (escape !== undefined && /[1-9k]/.test(escape)) return 'refers back to what it matched, which is not supported here';
    if (special !== undefined && special !== '?:' && !/^\?<[^=!]/.test(special)) return 'looks ahead or behind, which is not supported here';
    if (open !== undefined) groups.push({ choice: false, alternatives: 1 });
    else if (or !== undefined) groups.at(-1)!.alternatives += 1;
    else if (close !== undefined) {
      closed = groups.pop()!;
      ways *= closed.alternatives;
      if (closed.choice || closed.alternatives > 1) groups.at(-1)!.choice = true;
    } else if (repeat !== undefined) {
      const [least, most] = timesOf(repeat);
      if (before !== null && most > 1 && (before.choice || before.alternatives > 1)) return 'repeats a group that has repeats or alternatives inside, which can take for ever';
      if (most > least) groups.at(-1)!.choice = true;
      ways *= Math.min(most, ENDLESS) - Math.min(least, ENDLESS) + 1;
    }
  }
  return ways * groups[0]!.alternatives > MAX_WAYS ? 'can match in too many ways; write it with fewer repeats' : null;
}

function timesOf(repeat: string): [least: number, most: number] {
  if (repeat === '*') return [0, ENDLESS - 1];
  if (repeat === '+') return [1, ENDLESS];
  if (repeat === '?') return [0, 1];
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}$/.exec(repeat)!;
  return [Number(least), comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)];
}
