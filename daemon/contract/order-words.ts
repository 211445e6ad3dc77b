import { dollarsMeant, formatDollars, parseAmount, type Micros, type ParsedAmount } from '../core/amount.ts';
import type { Target } from './views.ts';

/** The words of `/pag0-budget raise …`, `pag0 kill …`: the same in a session and in a terminal. */
export type ReadTarget = { ok: true; target: Target } | { ok: false; problem: string };

export type ReadLimit = { ok: true; target: Target; amount: Micros } | { ok: false; problem: string };

/** Whose limit: nothing is this session, `agent NAME` or just a name is an agent. */
export function limitTarget(words: readonly string[]): ReadTarget {
  const [first, ...rest] = words;
  if (first === undefined) return { ok: true, target: { kind: 'session' } };
  if (rest.length === 0) {
    if (first === 'session' || first === 'run' || first === 'project') return { ok: true, target: { kind: first } };
    if (first === 'day' || first === 'today') return { ok: true, target: { kind: 'day' } };
  }
  return agentTarget(words) ?? { ok: false, problem: `${quoted(words)} names nobody; write session, run, project, today or agent NAME` };
}

/** Who is to be stopped, or may go on: nothing is this session. */
export function stopTarget(words: readonly string[]): ReadTarget {
  const [first, ...rest] = words;
  if (first === undefined) return { ok: true, target: { kind: 'session' } };
  if ((first === 'session' || first === 'run') && rest.length <= 1) return { ok: true, target: { kind: first, ...(rest[0] === undefined ? {} : { id: rest[0] }) } };
  if ((first === 'project' || first === 'all') && rest.length === 0) return { ok: true, target: { kind: first } };
  return agentTarget(words) ?? { ok: false, problem: `${quoted(words)} names nobody; write session [ID], run [ID], project, agent NAME or all` };
}

function agentTarget(words: readonly string[]): ReadTarget | null {
  const [first, ...rest] = words;
  const name = first === 'agent' ? rest : words;
  if (name.length !== 1 || (first !== 'agent' && RESERVED.has(first!))) return null;
  return { ok: true, target: { kind: 'agent', name: name[0]! } };
}

/** Words that mean something elsewhere are not taken for an agent's name. */
const RESERVED = new Set(['agent', 'session', 'run', 'project', 'day', 'today', 'all', 'raise', 'lower', 'to']);

/**
 * "raise session $10", "raise $10 session", "raise session to $10": whose limit, and the new one. In a shell an unquoted
 * `$7` is a variable, so what arrives has another amount or none; that is said, and nothing is guessed.
 */
export function readLimit(verb: 'raise' | 'lower', words: readonly string[]): ReadLimit {
  const at = amountAt(words);
  if (at < 0) return { ok: false, problem: `${verb} needs an amount; did you mean \`${[verb, ...words].join(' ')} '$10'\`? ${IN_A_SHELL}` };
  const named = words.filter((word, index) => index !== at && !(word === 'to' && index === at - 1));
  const read = limitTarget(named);
  if (!read.ok) return read;
  const amount = typedAmount(words[at]!);
  return amount.ok ? { ok: true, target: read.target, amount: amount.amount } : amount;
}

/** Where the amount stands: the word that begins with a dollar sign, else the last one if it is no name. */
function amountAt(words: readonly string[]): number {
  const dollars = words.findIndex((word) => /^["']?\$/.test(word));
  if (dollars >= 0) return dollars;
  const last = words.length - 1;
  const word = words[last];
  if (word === undefined || RESERVED.has(word) || words[last - 1] === 'agent') return -1;
  return /\d/.test(word) && !/^[a-z][\w.:/-]*-?\d*$/i.test(word) ? last : leftByShell(word) ? last : -1;
}

const IN_A_SHELL = 'A shell takes $10 for a variable of its own, so in a terminal it stands in single quotes';

const CENT = 10_000n;

/**
 * An amount as a person types it. Whole numbers are µ$ everywhere, but nobody types fractions of a cent: "10" was meant
 * as dollars, or was "$10" until a shell made it "0".
 */
export function typedAmount(text: string): ParsedAmount {
  const bare = text.trim().replace(/^(["'])(.*)\1$/, '$2');
  if (leftByShell(bare)) return { ok: false, problem: `${JSON.stringify(bare)} is not an amount; did you mean one such as '$10' or '$0.02'? ${IN_A_SHELL}` };
  const read = parseAmount(bare);
  if (read.ok && (read.amount >= CENT || bare.includes('$'))) return read;
  const meant = dollarsMeant(bare);
  if (meant !== null) return { ok: false, problem: `${JSON.stringify(bare)} is not an amount; did you mean '${meant}'? ${IN_A_SHELL}` };
  return read.ok ? { ok: false, problem: `${JSON.stringify(bare)} would be ${formatDollars(read.amount)}; write dollars as '$10'` } : read;
}

/** `$10` is read by a shell as `$1` and a 0, `$0.02` as the shell's own name and .02. */
function leftByShell(text: string): boolean {
  return /^0+$/.test(text) || /^\.\d+$/.test(text) || /^[-/\w]*(?:ba|z|da|k|fi)?sh\.\d+$/.test(text);
}

function quoted(words: readonly string[]): string {
  return JSON.stringify(words.join(' '));
}
