import { printable, printableJson } from '../daemon/contract/printable.ts';
import { VIEWS, type BudgetView, type OrderAnswer, type OrderRequest, type OrderVerb, type Target } from '../daemon/contract/views.ts';
import { fail, fetchAnswer, postAnswer } from './ask-daemon.ts';
import { sessionQuery } from './session.ts';
import { DONE, FAILED, type Exit, type Terminal } from './terminal.ts';

export interface OrderOptions {
  session?: string;
  json?: boolean;
}

export interface Order {
  verb: OrderVerb;
  target: Target;
  amount?: string;
}

/** What a person has to type before money is let go. */
export interface Confirmation {
  question: string;
  expected: string;
}

/** Gives an order. The daemon looks for itself who is asking; the question here is against slips, not against agents. */
export async function give(terminal: Terminal, order: Order, confirm: Confirmation | null, options: OrderOptions): Promise<Exit> {
  if (confirm !== null && !terminal.interactive) {
    return fail(terminal, `\`${order.verb}\` is for a person at a terminal; type it in one of your own, or as a slash command in the session.`);
  }
  const session = await sessionFor(terminal, order.target, options);
  if (!session.ok) return session.exit;
  if (session.label !== null && confirm !== null) terminal.err(session.label);
  if (confirm !== null && (await terminal.ask(printable(confirm.question))).trim() !== confirm.expected) return fail(terminal, 'nothing was changed.');
  const request: OrderRequest = {
    verb: order.verb,
    session: session.id,
    target: order.target,
    ...(order.amount === undefined ? {} : { amount: order.amount }),
    by: { tty: terminal.interactive, pid: terminal.pid },
  };
  const answer = await postAnswer<OrderAnswer>(terminal, VIEWS.orders, request);
  if (!answer.ok) return answer.exit;
  terminal.out(options.json === true ? printableJson(answer.body) : printable(answer.body.sentence));
  return DONE;
}

type SessionFor = { ok: true; id: string | null; label: string | null } | { ok: false; exit: Exit };

/** "Everything" needs no session; for the rest a person is to see which one is meant. */
async function sessionFor(terminal: Terminal, target: Target, options: OrderOptions): Promise<SessionFor> {
  if (target.kind === 'all') return { ok: true, id: null, label: null };
  const view = await fetchAnswer<BudgetView>(terminal, `${VIEWS.budget}?${new URLSearchParams(sessionQuery(terminal, options.session))}`);
  if (!view.ok) return view;
  const { session, cwd } = view.body;
  if (typeof session !== 'string') return { ok: false, exit: fail(terminal, 'its daemon is of another version; start it again with `pag0 daemon stop` and `pag0 daemon start`.', FAILED) };
  return { ok: true, id: session, label: `Session ${printable(session)} in ${printable(cwd)}` };
}
