import { Hono, type Context } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { CACHE_VIEWS, type CacheClearAnswer, type CachedAnswerFullView, type CachedAnswerView, type CacheListView } from '../contract/cache-views.ts';
import { coverFields } from '../core/credentials.ts';
import { Pag0Error } from '../core/errors.ts';
import { fieldValue } from '../core/fields.ts';
import type { AnswerShelf, KeptAnswer } from '../core/kept-answer.ts';
import { answerText, listText } from './cache-text.ts';
import { cachedBody } from './cached-body.ts';
import { errorAnswer } from './error-answer.ts';

type NodeContext = Context<{ Bindings: HttpBindings }>;

const MAX_LISTED = 1_000;
const glob = z.string().min(1).max(2_000);
const clearRequest = z.union([z.strictObject({ url: glob }), z.strictObject({ all: z.literal(true) })]);

/** What people ask about the cache. They were proven at the door. */
export function cacheRoutes(cache: AnswerShelf, clock: () => number): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();
  const asText = (c: NodeContext): boolean => c.req.query('format') === 'text';

  api.get(CACHE_VIEWS.list, async (c) => {
    const asked = c.req.query('limit') ?? '50';
    const limit = Number(asked);
    if (!/^\d+$/.test(asked) || limit < 1 || limit > MAX_LISTED) return errorAnswer(400, 'BAD_REQUEST', `limit must be a whole number from 1 to ${MAX_LISTED}`);
    const { answers, ...totals } = await cache.list({ limit, url: c.req.query('url') ?? null });
    const view: CacheListView = { answers: answers.map(viewOf), ...totals };
    return c.json(asText(c) ? { text: listText(view, clock()) } : view);
  });

  api.get(CACHE_VIEWS.show, async (c) => {
    const id = c.req.query('id') ?? '';
    const shown = await cache.show(id);
    if (shown.found === 'none') return errorAnswer(404, 'NOT_FOUND', `the cache holds no answer ${JSON.stringify(id)}; \`pag0 cache ls\` lists them by their ids`);
    if (shown.found === 'several') return errorAnswer(400, 'BAD_REQUEST', `several answers begin with ${JSON.stringify(id)}; write more of the id`);
    const body = c.req.query('body') === 'true' ? { body: cachedBody(shown.body, fieldValue(shown.fields, 'content-encoding') ?? '') } : {};
    const view: CachedAnswerFullView = { ...viewOf(shown.answer), fields: coverFields(shown.fields), ...body };
    return c.json(asText(c) ? { text: answerText(view, clock()) } : view);
  });

  api.post(CACHE_VIEWS.list, async (c) => {
    const asked = clearRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!asked.success) return errorAnswer(400, 'BAD_REQUEST', 'what is to be cleared must be a url or all');
    const cleared = await cache.clear('url' in asked.data ? asked.data.url : null);
    const answer: CacheClearAnswer = { cleared, sentence: cleared === 0 ? 'Nothing was cleared: the cache holds no such answer.' : `Cleared ${cleared} ${cleared === 1 ? 'answer' : 'answers'}; whoever wants them next asks, and pays, again.` };
    return c.json(answer);
  });

  api.onError((error) => {
    if (!(error instanceof Pag0Error)) throw error;
    return errorAnswer(503, error.code, error.message);
  });
  return api;
}

function viewOf(answer: KeptAnswer): CachedAnswerView {
  return { ...answer, price: answer.price.toString() };
}
