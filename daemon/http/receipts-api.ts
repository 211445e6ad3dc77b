import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { RECEIPT_VIEWS } from '../contract/receipt-views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { chooseSession } from '../report/session-choice.ts';
import { readForest } from '../report/forest.ts';
import { receiptsCsv, receiptsText } from '../report/receipts-text.ts';
import { receiptsOf, type ReceiptsFilter } from '../report/receipts.ts';
import { errorAnswer } from './error-answer.ts';

const MAX_LISTED = 10_000;

/** What people ask about payments. They were proven at the door. */
export function receiptRoutes(parts: Parts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();
  api.get(RECEIPT_VIEWS.receipts, async (c) => {
    const query = new URL(c.req.url).searchParams;
    const asked = query.get('limit') ?? '50';
    const limit = Number(asked);
    if (!/^\d+$/.test(asked) || limit < 1 || limit > MAX_LISTED) return errorAnswer(400, 'BAD_REQUEST', `limit must be a whole number from 1 to ${MAX_LISTED}`);
    const scope = query.get('scope') ?? 'session';
    if (scope !== 'session' && scope !== 'today' && scope !== 'all') return errorAnswer(400, 'BAD_REQUEST', 'scope must be session, today or all');
    const forest = readForest(parts);
    let filter: ReceiptsFilter;
    if (scope === 'session') {
      const chosen = chooseSession(forest, query);
      if (!chosen.ok) return errorAnswer(chosen.code === 'NOT_FOUND' ? 404 : 400, chosen.code, chosen.problem);
      filter = { scope, session: chosen.session };
    } else filter = { scope };
    const view = await receiptsOf(parts, filter, limit, forest);
    const format = query.get('format');
    if (format === 'csv') return c.json({ text: receiptsCsv(view) });
    return c.json(format === 'text' ? { text: receiptsText(view, parts.policies.timeZone()) } : view);
  });
  return api;
}
