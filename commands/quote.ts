import type { Command } from 'commander';
import { printable, printableJson } from '../daemon/contract/printable.ts';
import { QUOTE_VIEWS, type QuoteRequest } from '../daemon/contract/quote-views.ts';
import type { TextAnswer } from '../daemon/contract/views.ts';
import { fail, postAnswer } from './ask-daemon.ts';
import { sessionQuery } from './session.ts';
import { DONE, MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface QuoteOptions {
  request?: string;
  data?: string;
  header?: string[];
  session?: string;
  agent?: string;
  json?: boolean;
}

/** What curl would send with the same options. */
export async function showQuote(terminal: Terminal, url: string, options: QuoteOptions): Promise<Exit> {
  const { request, data, header = [], session, agent, json } = options;
  const fields = fieldsOf(header);
  if (typeof fields === 'string') return fail(terminal, `${JSON.stringify(fields)} is no header field; write 'Name: value'.`, MISUSED);
  if (data !== undefined) fields['content-type'] ??= 'application/x-www-form-urlencoded';
  fields['accept'] ??= '*/*';
  fields['user-agent'] ??= 'pag0 (quote)';
  const { session: of } = sessionQuery(terminal, session);
  const asked: QuoteRequest = { url, method: request ?? (data === undefined ? 'GET' : 'POST'), fields, body: data ?? null, cwd: terminal.cwd, ...(of === undefined ? {} : { session: of }), agent: agent ?? null };
  const answer = await postAnswer<TextAnswer>(terminal, json === true ? QUOTE_VIEWS.quote : `${QUOTE_VIEWS.quote}?format=text`, asked);
  if (!answer.ok) return answer.exit;
  terminal.out(json === true ? printableJson(answer.body) : answer.body.text.split('\n').map((text) => printable(text)).join('\n'));
  return DONE;
}

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

export function addQuote(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('quote')
    .description('what a call would cost, and whether it would be paid; nothing is paid')
    .argument('<url>', 'the whole address')
    .option('-X, --request <method>', 'its method (default: GET, with -d POST)')
    .option('-d, --data <body>', 'its body, as it stands')
    .option('-H, --header <field...>', "a header field, 'Name: value'")
    .option('--session <id>', 'in this session (default: the one of this folder)')
    .option('--agent <name>', 'for this agent of it (default: the session itself)')
    .option('--json', 'as JSON, amounts in µ$')
    .action((url: string, options: QuoteOptions) => run((terminal) => showQuote(terminal, url, options)));
}
