import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { RECONCILIATION_VIEWS, type ReconciliationAnswer } from '../contract/reconciliation-views.ts';
import { reconciliationText } from '../report/reconciliation-text.ts';
import { reconciliationOf, type ReconciliationParts } from '../report/reconciliation.ts';
import { errorAnswer } from './error-answer.ts';

const MAX_DAYS = 366;

/** Only asked for by a person's command: whoever is asked about the chain learns whose wallet it is. */
export function reconciliationRoutes(about: ReconciliationParts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();
  api.get(RECONCILIATION_VIEWS.reconciliation, async (c) => {
    const asked = c.req.query('days') ?? '7';
    const days = Number(asked);
    if (!/^\d+$/.test(asked) || days < 1 || days > MAX_DAYS) return errorAnswer(400, 'BAD_REQUEST', `the days must be a whole number from 1 to ${MAX_DAYS}`);
    const view: ReconciliationAnswer = await reconciliationOf(about, days);
    return c.json(c.req.query('format') === 'text' ? { ...view, text: reconciliationText(view, about.parts.policies.timeZone()) } : view);
  });
  return api;
}
