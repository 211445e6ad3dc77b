import type { IncomingMessage, ServerResponse } from 'node:http';
import { listenOnLoopback, type LoopbackServer, readBody } from '../e2e/loopback.ts';
import type { Facilitator } from './facilitator.ts';
import { createMcpSeller } from './mcp-seller.ts';

/** What arrived at an MCP server over HTTP. */
export interface HeardRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface McpHttpSeller extends LoopbackServer {
  readonly heard: readonly HeardRequest[];
}

const SESSION = 'session-of-the-shop';

/** Streamable HTTP: below `/events` a call is answered by a stream that tells of its progress first, elsewhere by one message. */
export async function startMcpHttp(facilitator: Facilitator): Promise<McpHttpSeller> {
  const seller = createMcpSeller(facilitator.url);
  const heard: HeardRequest[] = [];
  const server = await listenOnLoopback(async (request, response) => {
    const body = await readBody(request);
    heard.push({ method: request.method!, url: request.url!, headers: request.headers, body });
    response.setHeader('mcp-session-id', SESSION);
    if (request.method === 'GET') return listen(response);
    if (request.method === 'DELETE') return void response.writeHead(204).end();
    const message = JSON.parse(body) as Parameters<typeof seller>[0];
    const answer = await seller(message);
    if (answer === 'gone') return void request.socket.destroy();
    if (answer === null) return void response.writeHead(202).end();
    if (!request.url!.startsWith('/events')) return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`id: 1\nevent: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 7, progress: 1 } })}\n\n`);
    response.end(`id: 2\nevent: message\ndata: ${JSON.stringify(answer)}\n\n`);
  });
  return { ...server, heard };
}

/** What a server says unasked. It stays open. */
function listen(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })}\n\n`);
}
