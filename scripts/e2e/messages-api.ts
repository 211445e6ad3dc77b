import type { IncomingHttpHeaders } from 'node:http';
import { type Message, type ToolResult, toolResultsIn } from './conversation.ts';
import { listenOnLoopback, type LoopbackServer, readBody, sendJson } from './loopback.ts';
import { sendMessage } from './message-wire.ts';
import { nextReply, type Scripts } from './script.ts';

export interface MessagesRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly Message[];
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Absent for anything but `POST /v1/messages`. */
  readonly body?: MessagesRequest;
}

export interface MessagesApi extends LoopbackServer {
  readonly requests: readonly RecordedRequest[];
  /** Calls of the model, so without token counts and other side doors. */
  modelCalls(): number;
  /** Every tool result any agent's model has read, each once, in the order of first sight. */
  toolResults(): ToolResult[];
}

/** A Messages API on loopback whose model follows scripts; see `script.ts` for what a script is. */
export async function startMessagesApi(scripts: Scripts): Promise<MessagesApi> {
  const requests: RecordedRequest[] = [];
  const seen = new Map<string, ToolResult>();
  let calls = 0;

  const server = await listenOnLoopback(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://loopback');
    const text = await readBody(request);
    const recorded = { method: request.method ?? 'GET', path: pathname, headers: request.headers };
    if (recorded.method !== 'POST' || pathname !== '/v1/messages') {
      requests.push(recorded);
      sendJson(response, pathname.endsWith('/count_tokens') ? { input_tokens: 10 } : {});
      return;
    }
    const body = JSON.parse(text) as MessagesRequest;
    requests.push({ ...recorded, body });
    for (const result of toolResultsIn(body.messages)) if (!seen.has(result.id)) seen.set(result.id, result);
    calls += 1;
    const id = `msg_${String(calls).padStart(5, '0')}`;
    const reply = await nextReply(scripts, body.messages);
    sendMessage(response, { id, model: body.model, reply }, body.stream === true);
  });

  return { ...server, requests, modelCalls: () => calls, toolResults: () => [...seen.values()] };
}
