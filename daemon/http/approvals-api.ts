import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { APPROVAL_VIEWS } from '../contract/approval-views.ts';
import { forPerson, type Orders } from '../pipeline/orders.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { Persons } from '../pipeline/person.ts';
import { approvalsText, approvalsView } from '../report/approvals.ts';
import { orderAnswer } from './api.ts';
import { errorAnswer } from './error-answer.ts';

const approvalRequest = z.object({ id: z.string().min(1).max(64), yes: z.boolean(), by: z.object({ pid: z.number().int().positive(), tty: z.boolean() }) });

export interface ApprovalApiParts {
  parts: Parts;
  orders: Orders;
  persons: Persons;
}

/** Payments that wait for a person. Anyone may read what waits; the daemon finds out itself who answers. */
export function approvalRoutes({ parts, orders, persons }: ApprovalApiParts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();

  api.get(APPROVAL_VIEWS.approvals, (c) => {
    const view = approvalsView(parts);
    return c.json(new URL(c.req.url).searchParams.get('format') === 'text' ? { text: approvalsText(view, 'pag0 approve') } : view);
  });

  api.post(APPROVAL_VIEWS.approvals, async (c) => {
    const asked = approvalRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!asked.success) return errorAnswer(400, 'BAD_REQUEST', 'name the payment by its id, and who answers by process and terminal');
    const { id, yes, by } = asked.data;
    const remotePort = c.env.incoming.socket.remotePort ?? 0;
    const checked = forPerson(orders, () => (by.tty ? persons.atTerminal(by.pid, remotePort) : Promise.resolve(false)));
    return orderAnswer(c, await checked.approve(id, yes, 'person'));
  });

  return api;
}
