import type { Refusal } from '../core/errors.ts';

/** What stands in for a tool call: somebody's answer, a refusal, or nothing, and it runs. */
export type Recalled = { outcome: 'runs' } | { outcome: 'served'; text: string } | { outcome: 'refused'; refusal: Refusal };

export const RUNS: Recalled = { outcome: 'runs' };

/** Characters of an answer given in a call's place: what a model reads at once without losing sight of its work. */
const MAX_SERVED = 50_000;

/**
 * The client shows what a hook gives in a call's place as an error of the hook, so the first line says that it is none.
 * `rest`: where what does not fit is to be had.
 */
export function served(line: string, text: string, rest: string): Recalled {
  const cut = text.length <= MAX_SERVED ? text : `${text.slice(0, MAX_SERVED)}\n\n[cut here: these are the first ${MAX_SERVED} of ${text.length} characters; ${rest}]`;
  return { outcome: 'served', text: `pag0: ${line}\n\n${cut}`.trimEnd() };
}

/** "12 s", "4 min", "3 h" */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`;
}
