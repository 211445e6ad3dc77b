import { Hono, type Context } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import type { z } from 'zod';
import { orderRequest, sessionRegistration } from '../contract/events.ts';
import { ROUTES, type SessionAnswer } from '../contract/routes.ts';
import { VIEWS } from '../contract/views.ts';
import { forPerson, type OrderOutcome, type Orders } from '../pipeline/orders.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { Persons } from '../pipeline/person.ts';
import { registerSession } from '../pipeline/register.ts';
import { carryOut } from '../pipeline/slash.ts';
import { budgetAnswer, reportAnswer, sessionsAnswer, type Answered } from '../report/answers.ts';
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

  api.post(VIEWS.orders, async (c) => {
    const order = await parsed(c, orderRequest);
    if ('problem' in order) return errorAnswer(400, 'BAD_REQUEST', order.problem);
    const { verb, target, amount, session, by } = order.value;
    const live = session === null ? null : (parts.sessions.get(session) ?? null);
    const remotePort = c.env.incoming.socket.remotePort ?? 0;
    const asked = forPerson(orders, () => (by.tty ? persons.atTerminal(by.pid, remotePort) : Promise.resolve(false)));
    return orderAnswer(c, await carryOut(parts, live, { verb, target, ...(amount === undefined ? {} : { amount }) }, asked));
  });

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
