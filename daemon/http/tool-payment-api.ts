import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { TOOL_PAYMENT, type ToolPaymentAnswer, type ToolPaymentEnd } from '../contract/tool-payment.ts';
import type { Doorway } from '../pipeline/doorway.ts';
import type { ToolPayments } from '../pipeline/tool-payments.ts';
import { errorAnswer } from './error-answer.ts';

const name = z.string().max(512);
const paymentRequest = z.object({
  server: name,
  name,
  tool: name,
  arguments: name,
  toolUseId: z.string().min(1).max(256).nullable(),
  demand: z.string().max(64 * 1024),
  pid: z.number().int().positive(),
});
const paymentResult = z.union([
  z.object({ lost: z.string().max(512) }),
  z.object({ unsent: z.string().max(512) }),
  z.object({ demand: z.string().nullable(), settlement: z.custom<object>((value) => typeof value === 'object' && value !== null).nullable(), failed: z.boolean() }),
]);

/** Aborted when the connection ends before all of the answer has left. */
function goneFrom(outgoing: HttpBindings['outgoing']): AbortSignal {
  const gone = new AbortController();
  const look = (): void => {
    if (!outgoing.writableFinished) gone.abort();
  };
  if (outgoing.destroyed) look();
  outgoing.once('close', look);
  return gone.signal;
}

export interface ToolPaymentApiParts {
  payments: ToolPayments;
  doorway: Pick<Doorway, 'caller'>;
  /** The session of a tool call in flight, for systems where a connection does not tell. */
  sessionOf(toolUseId: string): string | null;
}

/** What `pag0 mcp wrap` asks. Whose call it is the connection tells: the wrapper's process is below a client's. */
export function toolPaymentRoutes({ payments, doorway, sessionOf }: ToolPaymentApiParts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();

  api.post(TOOL_PAYMENT, async (c) => {
    const asked = paymentRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!asked.success) return errorAnswer(400, 'BAD_REQUEST', 'the demand of a tool call must be told with server, tool, arguments and process');
    const { demand, pid, ...called } = asked.data;
    const who = await doorway.caller(c.env.incoming.socket, 0);
    if (who?.confined === true) return errorAnswer(403, 'FORBIDDEN', "what runs in the client's sandbox is given no payments, so nothing was paid; use the client's own MCP tools");
    const session = who?.session ?? (called.toolUseId === null ? null : sessionOf(called.toolUseId));
    return c.json<ToolPaymentAnswer>(await payments.begin(session ?? '', { called, demand, pid, gone: goneFrom(c.env.outgoing) }));
  });

  api.post(`${TOOL_PAYMENT}/:id`, async (c) => {
    const told = paymentResult.safeParse(await c.req.json().catch(() => undefined));
    if (!told.success) return errorAnswer(400, 'BAD_REQUEST', 'what came of a paid tool call cannot be read');
    const ended = await payments.end(c.req.param('id'), told.data);
    return ended === null ? errorAnswer(404, 'NOT_FOUND', 'no payment waits for this answer') : c.json<ToolPaymentEnd>(ended);
  });

  return api;
}
