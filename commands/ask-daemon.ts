import type { Outcome } from '../daemon/contract/client.ts';
import { printable, printableJson } from '../daemon/contract/printable.ts';
import type { ErrorAnswer } from '../daemon/contract/routes.ts';
import type { TextAnswer } from '../daemon/contract/views.ts';
import { DONE, FAILED, MISUSED, type Exit, type Terminal } from './terminal.ts';

export type Answer<T> = { ok: true; body: T } | { ok: false; exit: Exit };

/** Long enough for a report over a large book. */
const WAIT_MS = 20_000;

/** Asks the daemon; what stands in the way is said in one sentence on stderr. */
export async function fetchAnswer<T>(terminal: Terminal, path: string, waitMs = WAIT_MS): Promise<Answer<T>> {
  return settled(terminal, await terminal.client.get<T | ErrorAnswer>(path, waitMs));
}

export async function postAnswer<T>(terminal: Terminal, path: string, body: unknown): Promise<Answer<T>> {
  return settled(terminal, await terminal.client.post<T | ErrorAnswer>(path, body, WAIT_MS));
}

/** A page of the daemon's, as text or, with `--json`, as it is. */
export async function show(terminal: Terminal, route: string, query: Record<string, string>, json: boolean): Promise<Exit> {
  const path = `${route}?${new URLSearchParams(json ? query : { ...query, format: 'text' })}`;
  const answer = await fetchAnswer<TextAnswer>(terminal, path);
  if (!answer.ok) return answer.exit;
  terminal.out(json ? printableJson(answer.body) : answer.body.text.split('\n').map((line) => printable(line)).join('\n'));
  return DONE;
}

export function fail(terminal: Terminal, sentence: string, exit: Exit = FAILED): Exit {
  const text = printable(sentence);
  terminal.err(text.startsWith('pag0') ? text : `pag0: ${text}`);
  return exit;
}

function settled<T>(terminal: Terminal, outcome: Outcome<T | ErrorAnswer>): Answer<T> {
  const no = (sentence: string, exit: Exit = FAILED): Answer<T> => ({ ok: false, exit: fail(terminal, sentence, exit) });
  switch (outcome.kind) {
    case 'absent':
      return no('its daemon is not running; start it with `pag0 daemon start` or by starting a session.');
    case 'stranger':
      return no(`port ${terminal.port} is held by a program that cannot prove it is your pag0 daemon; end that program, then run \`pag0 daemon start\`.`);
    case 'silent':
      return no('its daemon does not answer; `pag0 daemon stop` ends it, `pag0 daemon start` starts it again.');
    case 'answer':
      if (outcome.status < 300) return { ok: true, body: outcome.body as T };
      return no(...refused(outcome));
  }
}

function refused(outcome: { status: number; body: unknown }): [sentence: string, exit: Exit] {
  const { error } = outcome.body as Partial<ErrorAnswer>;
  if (error === undefined) return [`its daemon answered with status ${outcome.status}; \`pag0 daemon logs\` may say why.`, FAILED];
  return [`${error.message.replace(/[.]?$/, '.')}`, error.code === 'BAD_REQUEST' ? MISUSED : FAILED];
}
