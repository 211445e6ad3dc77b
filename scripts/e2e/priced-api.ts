import type { IncomingHttpHeaders } from 'node:http';
import { listenOnLoopback, type LoopbackServer, readBody, sendJson } from './loopback.ts';

export interface PricedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PricedApi extends LoopbackServer {
  readonly requests: PricedRequest[];
  /** Requests that reached the seller: the number a cache or a budget must keep down. */
  count(path?: string): number;
}

/** The tokens every completion says it used, so that a test can work out the price. */
export const USAGE = { input: 100, output: 20 } as const;

/** A seller on loopback whose answers depend on the request alone. Any other path answers 200; `/status/500` answers 500. */
export async function startPricedApi(host?: string): Promise<PricedApi> {
  const requests: PricedRequest[] = [];
  const server = await listenOnLoopback(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://loopback');
    const method = request.method ?? 'GET';
    const body = await readBody(request);
    requests.push({ method, path: url.pathname, query: url.search, headers: request.headers, body });
    const status = Number(/^\/status\/(\d{3})$/.exec(url.pathname)?.[1] ?? 200);
    if (url.pathname === '/page.html') return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
    const answer = ANSWERS[url.pathname] ?? echo;
    sendJson(response, answer({ method, url, body }), status);
  }, host);
  return {
    ...server,
    requests,
    count: (path) => (path === undefined ? requests.length : requests.filter((request) => request.path === path).length),
  };
}

const PAGE = '<!doctype html><title>Prices</title><h1>The price list</h1><p>One <b>search</b> costs <a href="/two">two cents</a>.</p>';

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

const ANSWERS: Readonly<Record<string, (asked: Asked) => unknown>> = {
  '/search': ({ url, body }) => ({
    query: url.searchParams.get('q') ?? body,
    results: [{ title: 'A result', url: 'https://example.com/a', score: 1 }],
  }),
  '/v1/chat/completions': ({ body }) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: modelIn(body),
    choices: [{ index: 0, message: { role: 'assistant', content: 'An answer.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: USAGE.input + USAGE.output },
  }),
  '/v1/messages': ({ body }) => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: modelIn(body),
    content: [{ type: 'text', text: 'An answer.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: USAGE.input, output_tokens: USAGE.output },
  }),
};

function echo({ method, url }: Asked): unknown {
  return { ok: true, method, path: url.pathname };
}

function modelIn(body: string): string {
  try {
    const { model } = JSON.parse(body) as { model?: unknown };
    return typeof model === 'string' ? model : 'scripted';
  } catch {
    return 'scripted';
  }
}
