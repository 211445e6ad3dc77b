import type { Outcome } from '../daemon/contract/client.ts';
import { linesOf, printable, printableJson } from '../daemon/contract/printable.ts';
import type { ErrorAnswer } from '../daemon/contract/routes.ts';
import type { TextAnswer } from '../daemon/contract/views.ts';
import { APPROVAL_NEEDED, CANCELLED, DONE, FAILED, MISUSED, REFUSED, UNREACHABLE, WIDTH, type Exit, type Terminal } from './terminal.ts';

export type Answer<T> = { ok: true; body: T } | { ok: false; exit: Exit };

/** Long enough for a report over a large book. */
const WAIT_MS = 20_000;

/**
 * Asks the daemon. One that ended by itself because nobody was at work is started for the question: what was spent is asked in the
 * morning. What stands in the way is said in one sentence.
 */
export async function fetchAnswer<T>(terminal: Terminal, path: string, waitMs = WAIT_MS): Promise<Answer<T>> {
  return asked(terminal, () => terminal.client.get<T | ErrorAnswer>(path, waitMs));
}

export async function postAnswer<T>(terminal: Terminal, path: string, body: unknown): Promise<Answer<T>> {
  return asked(terminal, () => terminal.client.post<T | ErrorAnswer>(path, body, WAIT_MS));
}

async function asked<T>(terminal: Terminal, ask: () => Promise<Outcome<T | ErrorAnswer>>): Promise<Answer<T>> {
  const outcome = await ask();
  if (outcome.kind !== 'absent') return settled(terminal, outcome);
  // In an agent's sandbox the daemon is there and out of reach, and a second one in there would be nobody's.
  if (startedByAgent(terminal)) return { ok: false, exit: fail(terminal, 'its daemon is not running; the next prompt of the session starts it.', UNREACHABLE, 'DAEMON_ABSENT') };
  const started = await terminal.start();
  if (!started.ok) return { ok: false, exit: fail(terminal, started.problem.sentence, UNREACHABLE, started.problem.code) };
  if (started.hello.notice !== undefined) terminal.err(printable(started.hello.notice));
  return settled(terminal, await ask());
}

/** Against slips: the hooks refuse the verb before it runs, and what an agent does with the user's own rights no program of that user prevents. */
export function startedByAgent({ env }: Pick<Terminal, 'env'>): boolean {
  return ['CLAUDECODE', 'CLAUDE_CODE_CHILD_SESSION', 'PAG0_PARENT_SESSION'].some((name) => (env[name] ?? '') !== '');
}

/** A page of the daemon's, as text or, with `--json`, as it is. */
export async function show(terminal: Terminal, route: string, query: Record<string, string>, json: boolean): Promise<Exit> {
  const path = `${route}?${new URLSearchParams(json ? query : { ...query, format: 'text' })}`;
  const answer = await fetchAnswer<TextAnswer>(terminal, path);
  if (!answer.ok) return answer.exit;
  terminal.out(json ? printableJson(answer.body) : answer.body.text.split('\n').map((line) => printable(line)).join('\n'));
  return DONE;
}

/** One sentence on stderr; with `--json` the same as JSON on stdout, where a program looks for its answer. */
export function fail(terminal: Terminal, sentence: string, exit: Exit = FAILED, code: string = CODE_OF[exit] ?? 'FAILED'): Exit {
  const text = printable(sentence).replace(/[.?!]?\)?$/, (end) => (/[.?!]/.test(end) ? end : `${end}.`));
  if (terminal.json) terminal.out(printableJson({ error: { code, message: text.replace(/^pag0(?: [A-Z_]+)?: /, '') } } satisfies ErrorAnswer));
  else terminal.err(fitted(terminal, text.startsWith('pag0') ? text : `pag0: ${text}`));
  return exit;
}

/** A sentence, broken at words where a person reads it. */
export function fitted({ columns }: Pick<Terminal, 'columns'>, sentence: string): string {
  const text = printable(sentence);
  return columns === null ? text : linesOf(text, Math.max(20, Math.min(columns, WIDTH))).join('\n');
}

/** Where the sentence has no code of its own. */
const CODE_OF: Record<Exit, string> = { [FAILED]: 'FAILED', [CANCELLED]: 'CANCELLED', [REFUSED]: 'REFUSED', [APPROVAL_NEEDED]: 'APPROVAL_REQUIRED', [UNREACHABLE]: 'DAEMON_UNREACHABLE', [MISUSED]: 'BAD_REQUEST' };

function settled<T>(terminal: Terminal, outcome: Outcome<T | ErrorAnswer>): Answer<T> {
  const no = (sentence: string, code: string): Answer<T> => ({ ok: false, exit: fail(terminal, sentence, UNREACHABLE, code) });
  switch (outcome.kind) {
    case 'absent':
      return no('its daemon is not running; `pag0 daemon start` starts it, and `pag0 daemon logs` says why it ended.', 'DAEMON_ABSENT');
    case 'stranger':
      return no(`port ${terminal.port} is held by a program that cannot prove it is your pag0 daemon; end that program, then run \`pag0 daemon start\`.`, 'PORT_TAKEN');
    case 'silent':
      return no('its daemon does not answer; `pag0 daemon stop` ends it, `pag0 daemon start` starts it again.', 'DAEMON_SILENT');
    case 'answer':
      if (outcome.status < 300) return { ok: true, body: outcome.body as T };
      return { ok: false, exit: refused(terminal, outcome) };
  }
}

function refused(terminal: Terminal, outcome: { status: number; body: unknown }): Exit {
  const { error } = outcome.body as Partial<ErrorAnswer>;
  if (error === undefined) return fail(terminal, `its daemon answered with status ${outcome.status}; \`pag0 daemon logs\` may say why.`, FAILED, 'UNEXPECTED_ANSWER');
  return fail(terminal, error.message, error.code === 'BAD_REQUEST' ? MISUSED : FAILED, error.code);
}
