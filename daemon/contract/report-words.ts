/**
 * The words and flags that choose what a report is about: `today` and `--today`, `run night` and `--run night`, the same in a terminal and
 * in a session.
 */
export const REPORT_SCOPES = ['session', 'run', 'project', 'today', 'all'] as const;
export type ScopeWord = (typeof REPORT_SCOPES)[number];

export interface ScopeChoice {
  scope: ScopeWord;
  /** Of the session or the run; null: that of where it is asked. */
  id: string | null;
}

export type ReadScope = { ok: true; choice: ScopeChoice } | { ok: false; problem: string };

/** A flag as commander reads it: true where it has no value. */
export type ScopeFlags = Partial<Record<ScopeWord, string | boolean | undefined>>;

/** `known`: not everything can be asked about a run or a project. */
export function readScope(words: readonly string[], flags: ScopeFlags, known: readonly ScopeWord[] = REPORT_SCOPES): ReadScope {
  const flagged = known.flatMap((scope): ScopeChoice[] => {
    const value = flags[scope];
    return value === undefined || value === false ? [] : [{ scope, id: typeof value === 'string' ? value : null }];
  });
  if (flagged.length > 1) return { ok: false, problem: `choose one of ${flagged.map(({ scope }) => `--${scope}`).join(' and ')}` };
  const [first, ...rest] = words;
  if (first === undefined) return { ok: true, choice: flagged[0] ?? { scope: 'session', id: null } };
  const scope = first === 'day' ? 'today' : known.find((one) => one === first);
  const takesId = scope === 'session' || scope === 'run';
  if (scope === undefined || !known.includes(scope) || rest.length > (takesId ? 1 : 0)) {
    return { ok: false, problem: `${JSON.stringify(words.join(' '))} is nothing that can be asked about; write ${known.map((one) => (one === 'session' || one === 'run' ? `${one} [ID]` : one)).join(', ').replace(/, (?=[^,]*$)/, ' or ')}` };
  }
  if (flagged.length > 0) return { ok: false, problem: `choose one of --${flagged[0]!.scope} and ${first}` };
  return { ok: true, choice: { scope, id: rest[0] ?? null } };
}

/** The same as the daemon's question. `own`: the session or the folder where it is asked. */
export function scopeQuery({ scope, id }: ScopeChoice, own: Record<string, string>): Record<string, string> {
  if (scope === 'today' || scope === 'all') return { scope };
  if (id === null) return { scope, ...own };
  return scope === 'run' ? { run: id } : { scope, session: id };
}

export type ReadFlags<Flag extends string> = { ok: true; words: string[]; flags: Partial<Record<Flag, string | true>> } | { ok: false; problem: string };

/** `--name`, `--name value`, `--name=value` among words. `takes`: which flags there are, and whether a value stands behind one. */
export function readFlags<Flag extends string>(words: readonly string[], takes: Readonly<Record<Flag, 'nothing' | 'value' | 'perhaps'>>): ReadFlags<Flag> {
  const left: string[] = [];
  const flags: Partial<Record<Flag, string | true>> = {};
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    const [, name, , given] = /^--([a-z-]+)(=(.*))?$/.exec(word) ?? [];
    if (name === undefined) {
      left.push(word);
      continue;
    }
    if (!Object.hasOwn(takes, name)) return { ok: false, problem: `unknown option '--${name}'` };
    const flag = name as Flag;
    const next = words[index + 1];
    const behind = given ?? (takes[flag] === 'nothing' || next === undefined || next.startsWith('--') ? undefined : next);
    if (behind === undefined && takes[flag] === 'value') return { ok: false, problem: `option '--${name}' needs a value` };
    if (behind !== undefined && given === undefined) index += 1;
    flags[flag] = behind ?? true;
  }
  return { ok: true, words: left, flags };
}
