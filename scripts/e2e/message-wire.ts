import type { ServerResponse } from 'node:http';
import { sendJson } from './loopback.ts';
import type { Reply } from './script.ts';

export interface WireMessage {
  readonly id: string;
  readonly model: string;
  readonly reply: Reply;
  readonly outputTokens?: number;
}

type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown };

/** Sends one assistant message as the Messages API would: whole, or as server-sent events. */
export function sendMessage(response: ServerResponse, message: WireMessage, stream: boolean): void {
  const content = contentOf(message);
  const stopReason = typeof message.reply === 'string' ? 'end_turn' : 'tool_use';
  const usage = { input_tokens: 10, output_tokens: message.outputTokens ?? 5 };
  const head = { id: message.id, type: 'message', role: 'assistant', model: message.model, stop_sequence: null, usage };
  if (!stream) {
    sendJson(response, { ...head, content, stop_reason: stopReason });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  send('message_start', { message: { ...head, content: [], stop_reason: null } });
  content.forEach((block, index) => {
    const [start, delta] = opened(block);
    send('content_block_start', { index, content_block: start });
    send('content_block_delta', { index, delta });
    send('content_block_stop', { index });
  });
  send('message_delta', { delta: { stop_reason: stopReason, stop_sequence: null }, usage });
  send('message_stop', {});
  response.end();
}

function contentOf(message: WireMessage): ContentBlock[] {
  if (typeof message.reply === 'string') return [{ type: 'text', text: message.reply }];
  return message.reply.map((use, index) => ({
    type: 'tool_use',
    id: `toolu_${message.id}_${index}`,
    name: use.name,
    input: use.input,
  }));
}

/** A streamed block starts empty and receives its content as one delta. */
function opened(block: ContentBlock): [start: object, delta: object] {
  if (block.type === 'text') return [{ type: 'text', text: '' }, { type: 'text_delta', text: block.text }];
  return [{ ...block, input: {} }, { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }];
}
