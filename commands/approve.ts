import type { Command } from 'commander';
import { APPROVAL_VIEWS, type ApprovalRequest, type ApprovalsView } from '../daemon/contract/approval-views.ts';
import { printable, printableJson } from '../daemon/contract/printable.ts';
import type { OrderAnswer } from '../daemon/contract/views.ts';
import { formatDollars } from '../daemon/core/amount.ts';
import { fail, fetchAnswer, fitted, postAnswer, show } from './ask-daemon.ts';
import { CANCELLED, DONE, FAILED, MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface ApproveOptions {
  /** It is declined. */
  no?: boolean;
  json?: boolean;
}

/** `pag0 approve` shows what waits, `pag0 approve ID` and `pag0 approve no ID` answer it: the same words as in a session. */
export function approveWords(terminal: Terminal, words: readonly string[], options: ApproveOptions): Promise<Exit> {
  const declined = options.no === true || words[0] === 'no';
  const [id, ...rest] = words[0] === 'no' ? words.slice(1) : words;
  if (rest.length > 0 || (id === undefined && declined)) return Promise.resolve(fail(terminal, 'write `pag0 approve` to see what waits, `pag0 approve ID` or `pag0 approve no ID`.', MISUSED));
  return id === undefined ? show(terminal, APPROVAL_VIEWS.approvals, {}, options.json === true) : approve(terminal, id, { ...options, no: declined });
}

/** A person's: it lets one payment go. What it is for is shown before it does. */
export async function approve(terminal: Terminal, id: string, options: ApproveOptions): Promise<Exit> {
  if (!terminal.interactive) return fail(terminal, '`approve` is for a person at a terminal; type it in one of your own, or as a slash command in the session.', FAILED, 'PERSON_REQUIRED');
  if (options.no !== true) {
    const asked = await question(terminal, id);
    if (!asked.ok) return asked.exit;
    if ((await terminal.ask(asked.text)).trim() !== 'yes') return fail(terminal, 'nothing was allowed.', CANCELLED);
  }
  const request: ApprovalRequest = { id, yes: options.no !== true, by: { tty: terminal.interactive, pid: terminal.pid } };
  const answer = await postAnswer<OrderAnswer>(terminal, APPROVAL_VIEWS.approvals, request);
  if (!answer.ok) return answer.exit;
  terminal.out(options.json === true ? printableJson(answer.body) : fitted(terminal, answer.body.sentence));
  return DONE;
}

async function question(terminal: Terminal, id: string): Promise<{ ok: true; text: string } | { ok: false; exit: Exit }> {
  const view = await fetchAnswer<ApprovalsView>(terminal, APPROVAL_VIEWS.approvals);
  if (!view.ok) return view;
  const found = view.body.approvals.find((one) => one.id === id.toLowerCase());
  if (found === undefined) return { ok: false, exit: fail(terminal, `no payment waits under ${JSON.stringify(id)}; \`pag0 approvals\` lists what does.`, FAILED, 'NOT_FOUND') };
  terminal.err(printable(`${found.endpoint} ${found.why}, asked by ${found.agentId}`));
  return { ok: true, text: printable(`Let ${formatDollars(BigInt(found.amount))} be paid to ${found.payTo} once? Type yes: `) };
}

export function addApprovals(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('approvals')
    .description("payments that wait for a person's yes")
    .option('--json', 'as JSON, amounts in µ$')
    .action((options: ApproveOptions) => run((terminal) => show(terminal, APPROVAL_VIEWS.approvals, {}, options.json === true)));
  program
    .command('approve')
    .description('let one of them be paid, once, which only a person can')
    .argument('[id...]', 'ID, as `pag0 approvals` lists it, or no ID; without one, what waits')
    .option('--no', 'decline it')
    .option('--json', 'as JSON')
    .action((words: string[], options: ApproveOptions) => run((terminal) => approveWords(terminal, words, options)));
}
