import type { Command } from 'commander';
import { printable, printableJson } from '../daemon/contract/printable.ts';
import {
  QUOTE_VIEWS,
  type QuoteOutcome,
  type QuoteRequest,
  type QuoteTextAnswer,
  type QuoteView,
} from '../daemon/contract/quote-views.ts';
import { fail, postAnswer } from './ask-daemon.ts';
import { sessionQuery } from './session.ts';
import { APPROVAL_NEEDED, CANCELLED, DONE, FAILED, MISUSED, REFUSED, type Exit, type Terminal } from './terminal.ts';

export interface QuoteOptions {
  request?: string;
  data?: string;
  header?: string[];
  session?: string;
  agent?: string;
  yes?: boolean;
  json?: boolean;
}

type Quoted = QuoteTextAnswer | QuoteView;

/** What curl would send with the same options. */
export async function showQuote(
  terminal: Terminal,
  url: string,
  options: QuoteOptions,
): Promise<Exit> {
  const { request, data, header = [], session, agent, yes, json } = options;
  const fields = fieldsOf(header);
  if (typeof fields === 'string')
    return fail(
      terminal,
      `${JSON.stringify(fields)} is no header field; write 'Name: value'.`,
      MISUSED,
    );
  if (data !== undefined) fields['content-type'] ??= 'application/x-www-form-urlencoded';
  fields['accept'] ??= '*/*';
  fields['user-agent'] ??= 'pag0 (quote)';
  const { session: of } = sessionQuery(terminal, session);
  const asked: QuoteRequest = {
    url,
    method: request ?? (data === undefined ? 'GET' : 'POST'),
    fields,
    body: data ?? null,
    send: false,
    cwd: terminal.cwd,
    ...(of === undefined ? {} : { session: of }),
    agent: agent ?? null,
  };
  const ask = (send: boolean) =>
    postAnswer<Quoted>(
      terminal,
      json === true ? QUOTE_VIEWS.quote : `${QUOTE_VIEWS.quote}?format=text`,
      { ...asked, send },
    );

  let answer = await ask(false);
  if (answer.ok && answer.body.outcome === 'unsent') {
    const stopped = await agreed(terminal, asked, yes === true);
    if (stopped !== null) return stopped;
    answer = await ask(true);
  }
  if (!answer.ok) return answer.exit;
  const { body } = answer;
  terminal.out(
    'text' in body
      ? body.text
          .split('\n')
          .map((text) => printable(text))
          .join('\n')
      : printableJson(body),
  );
  // In shadow nothing is refused.
  return body.mode === 'shadow' ? DONE : (EXIT_OF[body.outcome] ?? DONE);
}

/**
 * A program that asks before it pays goes by these: 3 is "refused", 4 "a person has to say yes
 * first".
 */
const EXIT_OF: Partial<Record<QuoteOutcome, Exit>> = {
  refused: REFUSED,
  asks: APPROVAL_NEEDED,
  unpaid: FAILED,
  failed: FAILED,
  unsent: FAILED,
};

/** RFC 9110, section 9.2.1: whoever sends one of these wants nothing to be changed. */
const READING = ['GET', 'HEAD'];

/** Says what will be sent, and asks where it may do something. null: go on. */
async function agreed(
  terminal: Terminal,
  { method, url, fields, body }: QuoteRequest,
  yes: boolean,
): Promise<Exit | null> {
  const named = method.toUpperCase();
  const about = [
    `${Object.keys(fields).length} header fields`,
    body === null ? 'no body' : `a body of ${Buffer.byteLength(body)} bytes`,
  ].join(', ');
  const what = printable(`${named} ${url} (${about})`, MAX_SHOWN);
  if (yes || READING.includes(named)) {
    terminal.err(`pag0 asks the seller once, without a payment: ${what}`);
    return null;
  }
  const asked = `only the seller knows what this costs, and to be asked it is sent ${what}`;
  const may = `${asked}, which may do there what it says`;
  if (!terminal.interactive)
    return fail(
      terminal,
      `${may}, so nothing was sent; ask in a terminal, or again with --yes.`,
      APPROVAL_NEEDED,
    );
  terminal.err(`pag0: ${may}.`);
  return (await terminal.ask(`Type "yes" to send it once, without a payment: `)).trim() === 'yes'
    ? null
    : fail(terminal, 'nothing was sent.', CANCELLED);
}

const MAX_SHOWN = 400;

/** A text: the one that is none. */
function fieldsOf(lines: readonly string[]): QuoteRequest['fields'] | string {
  const fields: QuoteRequest['fields'] = {};
  for (const line of lines) {
    const parts = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (parts === null) return line;
    const name = parts[1]!.toLowerCase();
    const before = fields[name];
    fields[name] = before === undefined ? parts[2]! : [before, parts[2]!].flat();
  }
  return fields;
}

export function addQuote(
  program: Command,
  run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>,
): void {
  program
    .command('quote')
    .description('what a call would cost, and whether it would be paid; nothing is paid')
    .argument('<url>', 'the whole address')
    .option('-X, --request <method>', 'its method (default: GET, with -d POST)')
    .option('-d, --data <body>', 'its body, as it stands')
    .option('-H, --header <field...>', "a header field, 'Name: value'")
    .option('--session <id>', 'in this session (default: the one of this folder)')
    .option('--agent <name>', 'for this agent of it (default: the session itself)')
    .option('--yes', 'send it without asking, whatever its method')
    .option('--json', 'as JSON, amounts in µ$')
    .action((url: string, options: QuoteOptions) =>
      run((terminal) => showQuote(terminal, url, options)),
    );
}
