import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { QUOTE_VIEWS, type QuoteTextAnswer } from '../contract/quote-views.ts';
import { ONE_CONNECTION } from '../core/fields.ts';
import type { Doorway } from '../pipeline/doorway.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { Quotes } from '../pipeline/quote.ts';
import { chooseSession } from '../report/session-choice.ts';
import { readForest } from '../report/forest.ts';
import { quoteText } from '../report/quote-text.ts';
import { errorAnswer } from './error-answer.ts';

/** A token and a value as RFC 9110, sections 5.1 and 5.5, have them: nothing in them begins another field. */
const name = z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,200}$/, { error: 'a header field has a name in lower case' });
const line = z.string().max(8_192).regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'a header field has one line' });
/** What concerns one connection, frames the body, or is said to a proxy, is ours to write. */
const OURS = new Set([...ONE_CONNECTION, 'host', 'expect', 'content-length']);

const quoteRequest = z.strictObject({
  url: z.string().min(1).max(8_192),
  method: z.string().regex(/^[A-Za-z-]{1,20}$/, { error: 'a method is a word such as POST' }).transform((text) => text.toUpperCase()),
  fields: z
    .record(name, z.union([line, z.array(line).max(50)]))
    .refine((fields) => Object.keys(fields).length <= 100, { error: 'there are more than 100 header fields' })
    .transform((fields) => Object.fromEntries(Object.entries(fields).filter(([field]) => !OURS.has(field) && !field.startsWith('proxy-')))),
  body: z.string().max(256 * 1024).nullable(),
  send: z.boolean(),
  session: z.string().min(1).max(256).optional(),
  cwd: z.string().max(4_096),
  agent: z.string().min(1).max(256).nullable(),
});

export interface QuoteApiParts {
  parts: Parts;
  doorway: Pick<Doorway, 'mayBeConfined'>;
  quotes: Quotes;
}

/**
 * Asked by people and agents alike: it costs nothing. They were proven at the door. The daemon asks the seller itself, so whoever
 * sits in a sandbox has no quotes; who does, the connection tells, and not the session or the folder that is named.
 */
export function quoteRoutes({ parts, doorway, quotes }: QuoteApiParts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();
  api.post(QUOTE_VIEWS.quote, async (c) => {
    const asked = quoteRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!asked.success) {
      const issue = asked.error.issues[0];
      return errorAnswer(400, 'BAD_REQUEST', `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'cannot be read'}`);
    }
    if (await doorway.mayBeConfined(c.env.incoming.socket)) return errorAnswer(403, 'ENDPOINT_NOT_ALLOWED', 'a quote would ask the seller from outside of the sandbox, so it was not asked; ask for it outside, in a terminal');
    const { session, cwd, agent, body, send, ...request } = asked.data;
    const chosen = chooseSession(readForest(parts), new URLSearchParams(session === undefined ? { cwd } : { session }));
    if (!chosen.ok && session !== undefined) return errorAnswer(chosen.code === 'NOT_FOUND' ? 404 : 400, chosen.code, chosen.problem);
    const quoted = await quotes.of({ request: { ...request, body: body === null ? null : Buffer.from(body) }, session: chosen.ok ? chosen.session : null, cwd, agent, send });
    if (!quoted.ok) return errorAnswer(quoted.code === 'NOT_FOUND' ? 404 : 400, quoted.code, quoted.problem);
    const { outcome, mode } = quoted.quote;
    return c.json(c.req.query('format') === 'text' ? ({ text: quoteText(quoted.quote, parts.clock()), outcome, mode } satisfies QuoteTextAnswer) : quoted.quote);
  });
  return api;
}
