import { printable, printableJson } from '../daemon/contract/printable.ts';
import { VIEWS, type OrderAnswer, type OrderCheckAnswer, type OrderRequest, type OrderVerb, type Target } from '../daemon/contract/views.ts';
import { fail, fitted, postAnswer } from './ask-daemon.ts';
import { sessionQuery } from './session.ts';
import { CANCELLED, DONE, type Exit, type Terminal } from './terminal.ts';

export interface OrderOptions {
  session?: string;
  json?: boolean;
}

export interface Order {
  verb: OrderVerb;
  target: Target;
  /** "$10" */
  amount?: string;
}

/** What a person has to type before money is let go. */
export interface Confirmation {
  question: string;
  agrees(typed: string): boolean;
}

/**
 * Gives an order. The daemon looks for itself who is asking; the question here is against slips, not against agents. It is put only
 * after the daemon has said what would come of it: nobody confirms what is refused anyway.
 */
export async function give(terminal: Terminal, order: Order, confirm: Confirmation | null, options: OrderOptions): Promise<Exit> {
  if (confirm !== null && !terminal.interactive) {
    return fail(terminal, `\`${order.verb}\` is for a person at a terminal; type it in one of your own, or as a slash command in the session.`, undefined, 'PERSON_REQUIRED');
  }
  let request = requestFor(terminal, order, options);
  if (confirm !== null) {
    const checked = await postAnswer<OrderCheckAnswer>(terminal, VIEWS.orderCheck, request);
    if (!checked.ok) return checked.exit;
    const { session, cwd, sentence } = checked.body;
    // What is confirmed is what is done, also when another session has spoken meanwhile.
    request = { ...request, session: session ?? request.session };
    if (session !== null && cwd !== null) terminal.err(printable(`Session ${session} in ${cwd}`));
    terminal.err(fitted(terminal, sentence));
    if (!confirm.agrees((await terminal.ask(printable(confirm.question))).trim())) return fail(terminal, 'nothing was changed.', CANCELLED);
  }
  const answer = await postAnswer<OrderAnswer>(terminal, VIEWS.orders, request);
  if (!answer.ok) return answer.exit;
  terminal.out(options.json === true ? printableJson(answer.body) : fitted(terminal, answer.body.sentence));
  return DONE;
}

function requestFor(terminal: Terminal, { verb, target, amount }: Order, options: OrderOptions): OrderRequest {
  return {
    verb,
    session: sessionQuery(terminal, options.session)['session'] ?? null,
    cwd: terminal.cwd,
    target,
    ...(amount === undefined ? {} : { amount }),
    by: { tty: terminal.interactive, pid: terminal.pid },
  };
}
