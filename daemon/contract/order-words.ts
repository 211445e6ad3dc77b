import type { Target } from './views.ts';

/** The words of `/pag0-budget raise …`, `pag0 kill …`: the same in a session and in a terminal. */
export type ReadTarget = { ok: true; target: Target } | { ok: false; problem: string };

const LIMITED = ['session', 'run', 'project', 'day'] as const;
const STOPPABLE = ['session', 'all'] as const;

/** Whose limit: nothing is this session, `agent NAME` or just a name is an agent. */
export function limitTarget(words: readonly string[]): ReadTarget {
  return readTarget(words.map((word) => (word === 'today' ? 'day' : word)), LIMITED);
}

/** Who is to be stopped, or may go on. */
export function stopTarget(words: readonly string[]): ReadTarget {
  return readTarget(words, STOPPABLE);
}

function readTarget(words: readonly string[], kinds: readonly Exclude<Target['kind'], 'agent'>[]): ReadTarget {
  const [first, ...rest] = words;
  if (first === undefined) return { ok: true, target: { kind: 'session' } };
  const kind = kinds.find((one) => one === first);
  if (kind !== undefined && rest.length === 0) return { ok: true, target: { kind } };
  const name = first === 'agent' ? rest : words;
  if (name.length === 1 && (first === 'agent' || !RESERVED.has(first))) return { ok: true, target: { kind: 'agent', name: name[0]! } };
  return { ok: false, problem: `${JSON.stringify(words.join(' '))} names nobody; write ${kinds.join(', ')} or agent NAME` };
}

/** Words that mean something elsewhere are not taken for an agent's name. */
const RESERVED = new Set(['agent', 'session', 'run', 'project', 'day', 'today', 'all', 'raise', 'lower']);

/** "raise session $10" → the target's words and the amount, which comes last. */
export function splitAmount(words: readonly string[]): { words: readonly string[]; amount: string | undefined } {
  return { words: words.slice(0, -1), amount: words.at(-1) };
}
