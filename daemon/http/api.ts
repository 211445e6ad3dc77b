import { Hono, type Context } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import type { z } from 'zod';
import { orderRequest, sessionRegistration } from '../contract/events.ts';
import { ROUTES, type SessionAnswer } from '../contract/routes.ts';
import { typedAmount } from '../contract/order-words.ts';
import { VIEWS, type OrderCheckAnswer } from '../contract/views.ts';
import { forPerson, type OrderOutcome, type Orders } from '../pipeline/orders.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { Persons } from '../pipeline/person.ts';
import { registerSession } from '../pipeline/register.ts';
import { carryOut } from '../pipeline/slash.ts';
import { budgetAnswer, reportAnswer, sessionsAnswer, type Answered } from '../report/answers.ts';
import { readForest } from '../report/forest.ts';
import { chooseSession } from '../report/session-choice.ts';
import { errorAnswer } from './error-answer.ts';

type NodeContext = Context<{ Bindings: HttpBindings }>;

export interface ApiParts {
  parts: Parts;
  orders: Orders;
  persons: Persons;
  /** Whether a process holds the connection, or is above the one that does. */
  startedBy(pid: number, remotePort: number): Promise<boolean>;
  /** Takes what a session brought for the wallet. */
  offerSecrets(sealed: string, moment: 'start' | 'later'): void;
}

/** Everything under `/v1` that is about money: what our own hooks and commands ask. They were proven at the door. */
export function apiRoutes({ parts, orders, persons, startedBy, offerSecrets }: ApiParts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();

  api.post(ROUTES.session, async (c) => {
    const registration = await parsed(c, sessionRegistration);
    if ('problem' in registration) return errorAnswer(400, 'BAD_REQUEST', registration.problem);
    const { sealed, ...told } = registration.value;
    const answer: SessionAnswer = await registerSession(parts, told, (pid) => startedBy(pid, c.env.incoming.socket.remotePort ?? 0));
    // A client that an agent started, or a hook that it ran by hand, hangs below the agent and chooses no wallet.
    const isNested = parts.sessions.get(told.session_id)?.session.parent !== null;
    if (sealed !== undefined && !isNested) offerSecrets(sealed, told.event === 'session-start' ? 'start' : 'later');
    return c.json(answer);
  });

  api.get(VIEWS.budget, async (c) => viewed(c, await budgetAnswer(parts, queryOf(c))));
  api.get(VIEWS.report, async (c) => viewed(c, await reportAnswer(parts, queryOf(c))));
  api.get(VIEWS.sessions, async (c) => viewed(c, await sessionsAnswer(parts, queryOf(c))));

  const ordered = async (c: NodeContext, check: boolean): Promise<Response> => {
    const order = await parsed(c, orderRequest);
    if ('problem' in order) return errorAnswer(400, 'BAD_REQUEST', order.problem);
    const { verb, target, amount, session, cwd, by } = order.value;
    const read = amount === undefined ? null : typedAmount(amount);
    if (read !== null && !read.ok) return errorAnswer(400, 'BAD_REQUEST', read.problem);
    // "Everything", and what is named itself, needs no session; for the rest it is known at the latest here which one is meant.
    const isNamed = target.kind === 'all' || ('id' in target && target.id !== undefined);
    const chosen = isNamed ? null : chooseSession(readForest(parts), new URLSearchParams(session === null ? { cwd } : { session }), 'atWork');
    if (chosen !== null && !chosen.ok) return errorAnswer(chosen.code === 'NOT_FOUND' ? 404 : 400, chosen.code, chosen.problem);
    const live = chosen === null ? null : (parts.sessions.get(chosen.session.id) ?? null);
    const remotePort = c.env.incoming.socket.remotePort ?? 0;
    const asked = forPerson(orders, () => (by.tty ? persons.atTerminal(by.pid, remotePort) : Promise.resolve(false)));
    const outcome = await carryOut(parts, live, { verb, target, ...(read === null ? {} : { amount: read.amount }), check }, asked);
    if (!check || !outcome.ok) return orderAnswer(c, outcome);
    return c.json<OrderCheckAnswer>({ sentence: outcome.sentence, session: live?.session.id ?? null, cwd: live?.session.cwd ?? null });
  };
  api.post(VIEWS.orders, (c) => ordered(c, false));
  api.post(VIEWS.orderCheck, (c) => ordered(c, true));

  return api;
}

export function orderAnswer(c: NodeContext, outcome: OrderOutcome): Response {
  if (outcome.ok) return c.json({ sentence: outcome.sentence });
  const status = outcome.code === 'PERSON_REQUIRED' ? 403 : outcome.code === 'NOT_FOUND' ? 404 : 400;
  return errorAnswer(status, outcome.code, outcome.sentence);
}

function queryOf(c: NodeContext): URLSearchParams {
  return new URL(c.req.url).searchParams;
}

function viewed(c: NodeContext, answer: Answered<object>): Response {
  return answer.ok ? c.json(answer.body) : errorAnswer(answer.code === 'NOT_FOUND' ? 404 : 400, answer.code, answer.problem);
}

async function parsed<T extends z.ZodType>(c: NodeContext, schema: T): Promise<{ value: z.infer<T> } | { problem: string }> {
  const body: unknown = await c.req.json().catch(() => undefined);
  const result = schema.safeParse(body);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0];
  return { problem: `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'cannot be read'}` };
}
