import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { refusal } from '../core/errors.ts';
import type { PaidToolCalls, ToolAsker, ToolDelivery } from '../pipeline/paid-tool-call.ts';
import type { Upstream } from '../ports.ts';
import { createUpstream } from '../upstream/upstream.ts';
import { createMcpProxy, type McpProxyParts } from './proxy.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listen(handler: RequestListener): Promise<number> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return (server.address() as AddressInfo).port;
}

type Met = { demand: string; asker: ToolAsker; delivery: ToolDelivery<unknown> | Error };

interface Stage {
  url: (path?: string) => string;
  port: number;
  heard: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  met: Met[];
}

/** The proxy before a server; payments are made by a stand-in that hands out one and lets `decide` say what became of it. */
async function stage(seller: (body: string, response: ServerResponse, incoming: IncomingMessage) => unknown, decide: (met: Met) => 'buy' | 'refuse' = () => 'buy', more: Partial<McpProxyParts> & { pays?: boolean; before?: Promise<void>; meetHttp?: PaidToolCalls['meetHttp'] } = {}): Promise<Stage> {
  const heard: Stage['heard'] = [];
  const met: Met[] = [];
  const server = await listen((incoming, response) => {
    void text(incoming).then((body) => {
      heard.push({ method: incoming.method!, url: incoming.url!, headers: incoming.headers, body });
      return seller(body, response, incoming);
    });
  });
  const upstream: Upstream = createUpstream();
  open.push(() => upstream.close());
  const calls: PaidToolCalls = {
    async meet(asker, demand, deliver) {
      if (more.pays === false) return { outcome: 'passed' };
      await more.before;
      const one: Met = { demand, asker, delivery: await deliver({ signed: true }).catch((error: Error) => error) };
      met.push(one);
      const said = decide(one);
      if (said === 'refuse' || one.delivery instanceof Error) return { outcome: 'refused', refusal: refusal('PAYMENT_UNKNOWN', 'held', { scope: 'request' }) };
      return { outcome: 'bought', value: one.delivery.value as never };
    },
    meetHttp: more.meetHttp ?? (async (_, __, answer) => ({ outcome: 'passed', answer })),
  };
  let own = 0;
  let made: ReturnType<typeof createMcpProxy> | null = null;
  const proxyPort = await listen((incoming, outgoing) => {
    const proxy = (made ??= createMcpProxy({ port: own, upstream, calls, doorway: { caller: async () => ({ session: 's1', confined: false }) }, log: { info() {}, error() {} }, ...more }));
    if (!proxy.request(incoming, outgoing)) outgoing.writeHead(404).end();
  });
  own = proxyPort;
  return { url: (path = '/mcp') => `/mcp/http/127.0.0.1:${server}${path}`, port: proxyPort, heard, met };
}

interface Asked {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  incoming: IncomingMessage;
}

function send(port: number, path: string, body: object | string | null, headers: Record<string, string> = {}, method = body === null ? 'GET' : 'POST'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

async function ask(port: number, path: string, body: object | string | null, headers: Record<string, string> = {}, method?: string): Promise<Asked> {
  const incoming = await send(port, path, body, headers, method);
  return { status: incoming.statusCode!, headers: incoming.headers, body: await text(incoming), incoming };
}

const CALL = { jsonrpc: '2.0', id: 4, method: 'tools/call', params: { name: 'search', arguments: { q: 1 } } };
const DEMAND = { x402Version: 2, accepts: [{ scheme: 'exact' }] };
const wants = (id: unknown = 4): string => JSON.stringify({ jsonrpc: '2.0', id, result: { isError: true, structuredContent: DEMAND } });
const gives = (id: unknown, more: object = {}): string => JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'found' }], _meta: { 'x402/payment-response': { success: true } }, ...more } });
const parsed = (body: string): { id: unknown; params?: { _meta?: Record<string, unknown> } } => JSON.parse(body) as never;
const isPaid = (body: string): boolean => parsed(body).params?._meta?.['x402/payment'] !== undefined;
const json = (response: ServerResponse, body: string): void => void response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'sess', etag: '"1"' }).end(body);
const event = (data: string, id = 1): string => `id: ${id}\nevent: message\ndata: ${data}\n\n`;
const PROGRESS = event('{"jsonrpc":"2.0","method":"notifications/progress"}');

describe('whoever asked', () => {
  it.each([['a body that comes at once', 0], ['one that takes its time', 30]])('is not gone when the answer has come to its end: %s', async (_, ms) => {
    const askers: ToolAsker[] = [];
    const meetHttp: PaidToolCalls['meetHttp'] = async (asker, _request, answer) => {
      askers.push(asker);
      return { outcome: 'passed', answer };
    };
    const { port, url } = await stage((_, response) => {
      response.writeHead(402, { 'content-type': 'text/plain' }).write('x'.repeat(200_000));
      setTimeout(() => response.end('end'), ms);
    }, undefined, { meetHttp });
    expect((await ask(port, url(), CALL)).body).toHaveLength(200_003);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(askers.map(({ gone }) => gone?.aborted)).toEqual([false]);
  });
});

describe('what passes the proxy', () => {
  it('passes as it came, both ways, with the fields of MCP', async () => {
    const { port, url, heard } = await stage((_, response) => void response.writeHead(202, { 'mcp-session-id': 'sess', 'x-own': ['a', 'b'] }).end());
    const fields = { authorization: 'Bearer t', 'mcp-session-id': 'sess', 'mcp-protocol-version': '2025-11-25', 'last-event-id': '7', 'accept-encoding': 'gzip' };
    const answer = await ask(port, url('/a%2Fb?x=1'), '{ "method": "notifications/initialized" }', fields);
    expect(answer).toMatchObject({ status: 202, headers: { 'mcp-session-id': 'sess', 'x-own': 'a, b' } });
    expect(heard).toMatchObject([{ method: 'POST', url: '/a%2Fb?x=1', headers: fields, body: '{ "method": "notifications/initialized" }' }]);
    expect((await ask(port, url(), null, fields, 'DELETE')).status).toBe(202);
    expect(heard[1]).toMatchObject({ method: 'DELETE', headers: fields });
  });

  it('passes as it happens: a stream of the server’s own, and the client that leaves it', async () => {
    let left = (): void => {};
    const gone = new Promise<void>((resolve) => (left = resolve));
    const { port, url } = await stage((_, response, incoming) => {
      incoming.socket.once('close', left);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(PROGRESS);
    });
    const incoming = await send(port, url(), null);
    expect(String((await incoming[Symbol.asyncIterator]().next()).value)).toBe(PROGRESS);
    incoming.destroy();
    await gone;
  });

  it('is not read faster than the client reads, and not kept', async () => {
    let sent = 0;
    const { port, url } = await stage((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (sent < 200_000_000 && response.write(`data: ${'x'.repeat(65_000)}\n`)) sent += 65_000;
      };
      response.on('drain', more).on('close', () => (sent = Math.max(sent, 0)));
      more();
    });
    for (const body of [null, CALL]) {
      sent = 0;
      const incoming = await send(port, url(), body);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(sent).toBeLessThan(30_000_000);
      incoming.destroy();
    }
  });

  it('follows no redirect; within the server the client is led through the proxy again', async () => {
    for (const [location, seen] of [['/mcp/', (at: string) => `${at}/`], ['https://elsewhere.example/', () => 'https://elsewhere.example/']] as const) {
      const { port, url, heard } = await stage((_, response) => void response.writeHead(307, { location }).end());
      expect(await ask(port, url(), CALL)).toMatchObject({ status: 307, headers: { location: seen(url()) } });
      expect(heard).toHaveLength(1);
    }
  });

  it('is told from what is not for the proxy', async () => {
    const { port, heard } = await stage(() => {});
    expect((await ask(port, '/mcpx', null)).status).toBe(404);
    for (const path of ['/mcp/', '/mcp/ftp/x/', '/mcp/http/169.254.169.254/latest']) expect(await ask(port, path, null)).toMatchObject({ status: 400, body: expect.stringContaining('BAD_REQUEST') as string });
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) expect(await ask(port, `/mcp/http/${host}:${port}/mcp/`, CALL)).toMatchObject({ status: 508, body: expect.stringContaining('GATEWAY_LOOP') as string });
    expect(heard).toEqual([]);
  });

  it('of a server that is not there says so', async () => {
    const { port } = await stage(() => {});
    expect(await ask(port, '/mcp/http/127.0.0.1:1/mcp', CALL)).toMatchObject({ status: 502, body: expect.stringContaining('UPSTREAM_FAILED') as string });
  });

  it.each([
    ['nobody of ours', null, /by a Claude Code client that has it enabled/],
    ['somebody in the sandbox', { session: 's1', confined: true }, /sandbox/],
  ])('is not %s: nothing is fetched', async (_, caller, sentence) => {
    const { port, url, heard } = await stage(() => {}, () => 'buy', { doorway: { caller: async () => caller } });
    expect(await ask(port, url(), CALL)).toMatchObject({ status: 403, body: expect.stringMatching(sentence) as string });
    expect(heard).toEqual([]);
  });
});

describe('a tool call that is sold', () => {
  it('by a message is made again with the payment, and answered under the client’s id', async () => {
    const { port, url, heard, met } = await stage((body, response) => json(response, isPaid(body) ? gives(parsed(body).id) : wants()));
    const answer = await ask(port, url(), CALL, { authorization: 'Bearer t' });
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json', 'mcp-session-id': 'sess' }, body: gives(4) });
    expect(answer.headers).not.toHaveProperty('etag');
    expect(heard).toHaveLength(2);
    expect(heard[1]).toMatchObject({ headers: { authorization: 'Bearer t', 'accept-encoding': 'identity' } });
    expect(parsed(heard[1]!.body)).toEqual({ ...CALL, id: expect.stringMatching(/^pag0-/) as string, params: { ...CALL.params, _meta: { 'x402/payment': { signed: true } } } });
    expect(met).toMatchObject([{ demand: JSON.stringify(DEMAND), asker: { session: 's1', called: { tool: 'search', name: '127.0.0.1' } }, delivery: { answer: { settlement: { success: true }, failed: false, demand: null } } }]);
  });

  it('by a stream has its events in their order, those of the paid call among them', async () => {
    const { port, url } = await stage((body, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(PROGRESS + event(isPaid(body) ? gives(parsed(body).id) : wants(), 2) + ': end\n\n'));
    expect((await ask(port, url(), CALL)).body).toBe(PROGRESS + PROGRESS + event(gives(4), 2).replace(/^data.*\n/m, '').trimEnd() + `\ndata: ${gives(4)}\n\n` + ': end\n\n' + ': end\n\n');
  });

  it.each([
    ['by a message, delivered by a stream', false],
    ['by a stream, delivered by a message', true],
  ])('%s reaches the client', async (_, first) => {
    const { port, url } = await stage((body, response) => {
      const message = isPaid(body) ? gives(parsed(body).id) : wants();
      if (isPaid(body) === first) json(response, message);
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(PROGRESS + event(message));
    });
    const answer = await ask(port, url(), CALL);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect([...answer.body.matchAll(/^data: (.*)$/gm)].at(-1)![1]).toBe(gives(4));
  });

  it('and refused has pag0’s sentence in its result, whichever way it was asked for', async () => {
    for (const isEvents of [false, true]) {
      const { port, url } = await stage((body, response) => (isEvents ? response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event(wants(isPaid(body) ? parsed(body).id : 4))) : json(response, wants(isPaid(body) ? parsed(body).id : 4))), () => 'refuse');
      const { body, status } = await ask(port, url(), CALL);
      expect(status).toBe(200);
      const [, data] = isEvents ? /^data: (.*)$/m.exec(body)! : ['', body];
      expect(JSON.parse(data!)).toEqual({ jsonrpc: '2.0', id: 4, result: { content: [{ type: 'text', text: 'pag0 PAYMENT_UNKNOWN: held' }], isError: true } });
    }
  });

  it.each([
    ['breaks the connection', (response: ServerResponse) => response.destroy(), null],
    ['sends us elsewhere', (response: ServerResponse) => response.writeHead(307, { location: 'https://thief.example/' }).end(), 'sent us elsewhere (307)'],
    ['answers with an error of HTTP', (response: ServerResponse) => response.writeHead(500).end('no'), 'answered 500'],
    ['answers with nothing', (response: ServerResponse) => response.writeHead(202).end(), 'gave no answer to the call'],
    ['answers another call', (response: ServerResponse) => json(response, gives(99)), 'gave no answer to the call'],
    ['ends its stream', (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(PROGRESS), null],
  ] as const)('and then %s is not asked again, and the client is told', async (_, then, how) => {
    const { port, url, heard, met } = await stage((body, response) => (isPaid(body) ? then(response) : json(response, wants())), () => 'refuse');
    const answer = await ask(port, url(), CALL);
    expect(answer.body).toContain('pag0 PAYMENT_UNKNOWN');
    expect(heard).toHaveLength(2);
    const { delivery } = met[0]!;
    if (how === null) expect(delivery).toBeInstanceOf(Error);
    else expect(delivery).toMatchObject({ answer: null, how });
  });

  it('and paid for is fetched to its end although the client went away', async () => {
    let finish = (): void => {};
    const { port, url, met } = await stage((body, response) => {
      if (!isPaid(body)) return json(response, wants());
      finish = () => json(response, gives(parsed(body).id));
    });
    const outgoing = httpRequest({ host: '127.0.0.1', port, path: url(), method: 'POST' });
    outgoing.on('error', () => {});
    outgoing.end(JSON.stringify(CALL));
    while (finish.toString() === (() => {}).toString()) await new Promise((resolve) => setTimeout(resolve, 5));
    outgoing.destroy();
    await new Promise((resolve) => setTimeout(resolve, 30));
    finish();
    while (met.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(met[0]!.delivery).toMatchObject({ answer: { settlement: { success: true } } });
  });

  it.each([
    ['bought', 'buy'],
    ['refused', 'refuse'],
  ] as const)('and demands once more in the same stream, after it was %s, is not listened to', async (_, decision) => {
    const { port, url, heard, met } = await stage((body, response) => (isPaid(body) ? json(response, gives(parsed(body).id)) : response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event(wants()).repeat(10))), () => decision);
    const { body } = await ask(port, url(), CALL);
    expect([met.length, heard.length]).toEqual([1, 2]);
    expect(/^data: (.*)$/m.exec(body)![1]).toBe(decision === 'buy' ? gives(4) : JSON.stringify({ jsonrpc: '2.0', id: 4, result: { content: [{ type: 'text', text: 'pag0 PAYMENT_UNKNOWN: held' }], isError: true } }));
  });

  it('and unpacks to more than anybody could read is not unpacked, and the daemon goes on', async () => {
    const packed = gzipSync(`{"jsonrpc":"2.0","id":4,"result":{"x402Version":2,"x":[${'{},'.repeat(10_000_000)}{}]}}`);
    let isBlocked = 0;
    for (const isFirst of [true, false]) {
      const { port, url, met, heard } = await stage((body, response) => (isPaid(body) === isFirst ? json(response, wants()) : response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(packed)), () => 'refuse');
      let last = performance.now();
      const beat = setInterval(() => {
        isBlocked = Math.max(isBlocked, performance.now() - last);
        last = performance.now();
      }, 5);
      const incoming = await send(port, url(), CALL);
      let size = 0;
      for await (const chunk of incoming) size += (chunk as Buffer).length;
      clearInterval(beat);
      if (isFirst) expect([size, met, heard.length]).toEqual([packed.length, [], 1]);
      else expect(met).toMatchObject([{ delivery: { answer: null, how: 'answered in a coding that was not asked for' } }]);
    }
    expect(isBlocked).toBeLessThan(1_000);
  }, 30_000);

  it.each([
    ['by a message', false, false],
    ['by a message, and then by a stream', false, true],
    ['by a stream, and then by a message', true, false],
    ['by a stream', true, true],
  ])('and answered at greater length than is looked at reaches the client as it comes, %s', async (_, asks, answers) => {
    const said = (id: unknown): string => `{\n"result": {"_meta": {"x402/payment-response": {"success": true}}, "text": "\\"pag0-${'x'.repeat(3_000_000)}"},\r\n"jsonrpc": "2.0", "id": ${JSON.stringify(id)}}`;
    const inEvent = (body: string): string => `event: message\n${body.split(/\r?\n/).map((line) => `data: ${line}\n`).join('')}\n`;
    const { port, url, met } = await stage((body, response) => {
      const message = isPaid(body) ? said(parsed(body).id) : wants();
      if (isPaid(body) ? answers : asks) response.writeHead(200, { 'content-type': 'text/event-stream' }).end(PROGRESS + inEvent(message) + PROGRESS);
      else json(response, message);
    });
    const { body, headers } = await ask(port, url(), CALL);
    expect(headers['content-type']).toBe(asks || answers ? 'text/event-stream' : 'application/json');
    const messages = asks || answers ? body.split('\n\n').map((one) => [...one.matchAll(/^data: (.*)$/gm)].map(([, data]) => data).join('\n')) : [body];
    expect(messages.filter((one) => one.length > 1_000_000).map((one) => JSON.parse(one) as unknown)).toEqual([JSON.parse(said(4))]);
    expect(met).toMatchObject([{ delivery: { answer: { settlement: { success: true }, failed: false, demand: null } } }]);
  });

  it('and breaks off in a long answer is told of, and half of it is not taken for all', async () => {
    for (const isEvents of [false, true]) {
      const { port, url, met } = await stage((body, response) => {
        if (!isPaid(body)) return json(response, wants());
        response.writeHead(200, { 'content-type': isEvents ? 'text/event-stream' : 'application/json' });
        response.write(`data: {"id":${JSON.stringify(parsed(body).id)},"text":"${'x'.repeat(3_000_000)}`, () => setTimeout(() => response.destroy(), 50));
      });
      const answer = await ask(port, url(), CALL).catch((error: NodeJS.ErrnoException) => error);
      expect(met[0]!.delivery).toBeInstanceOf(Error);
      if (isEvents) expect(/^data: (.*)$/m.exec((answer as Asked).body.split('\n\n')[1]!)![1]).toContain('pag0 PAYMENT_UNKNOWN');
      else expect(answer).toBeInstanceOf(Error);
    }
  });

  it('tells who pays for it when its client has gone', async () => {
    let gone: AbortSignal | undefined;
    const { port, url, met } = await stage((body, response) => (isPaid(body) ? setTimeout(() => json(response, gives(parsed(body).id)), 100) : json(response, wants())), ({ asker }) => ((gone = asker.gone), 'buy'));
    await ask(port, url(), CALL);
    const outgoing = httpRequest({ host: '127.0.0.1', port, path: url(), method: 'POST' });
    outgoing.on('error', () => {}).end(JSON.stringify(CALL));
    setTimeout(() => outgoing.destroy(), 50);
    while (met.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(gone?.aborted).toBe(true);
  });

  it('passes as it came where nothing in it is ours to pay', async () => {
    const { port, url, heard } = await stage((_, response) => json(response, ` ${wants()}\n`), () => 'buy', { pays: false });
    expect(await ask(port, url(), CALL)).toMatchObject({ body: ` ${wants()}\n`, headers: { etag: '"1"' } });
    expect(heard).toHaveLength(1);
  });

  it('is no other message, no batch, and no answer to another call', async () => {
    for (const [body, answer] of [[{ ...CALL, method: 'resources/read' }, wants()], [[CALL], wants()], [CALL, wants(5)], [CALL, `"x402Version"${'x'.repeat(600_000)}`]] as const) {
      const { port, url, met } = await stage((_, response) => json(response, answer));
      expect((await ask(port, url(), body)).body).toBe(answer);
      expect(met).toEqual([]);
    }
  });
});

describe('a call that is being paid for', () => {
  const PROGRESS_OF = (token: unknown, under: unknown): string => event(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, under } }));

  it('is taken back under the id that the server knows, and its progress is the client’s', async () => {
    const { port, url, heard } = await stage((body, response) => {
      if (body.includes('cancelled')) return response.writeHead(202).end();
      if (!isPaid(body)) return json(response, wants());
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(PROGRESS_OF(parsed(body).params?._meta?.['progressToken'], parsed(body).id));
    });
    const incoming = await send(port, url(), { ...CALL, params: { ...CALL.params, _meta: { progressToken: 7 } } }, { 'mcp-session-id': 'a' });
    const [first] = (await incoming[Symbol.asyncIterator]().next()).value.toString().split('\n\n') as [string];
    const { params } = JSON.parse(/^data: (.*)$/m.exec(first)![1]!) as { params: { progressToken: number; under: string } };
    expect(params).toEqual({ progressToken: 7, under: expect.stringMatching(/^pag0-/) as string });
    const cancel = (requestId: unknown) => `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${JSON.stringify(requestId)},  "reason":"no"}}`;
    for (const [id, session, seen] of [[4, 'a', params.under], ['4', 'a', '4'], [4, 'b', 4], [5, 'a', 5]] as const) {
      expect((await ask(port, url(), cancel(id), { 'mcp-session-id': session })).status).toBe(202);
      expect(heard.at(-1)!.body).toBe(cancel(seen));
    }
    incoming.destroy();
  });

  it('and taken back before it was made again is not made again', async () => {
    let go = (): void => {};
    const { port, url, heard, met } = await stage((body, response) => (body.includes('cancelled') ? response.writeHead(202).end() : json(response, wants())), () => 'refuse', { before: new Promise<void>((resolve) => (go = resolve)) });
    const answer = ask(port, url(), CALL);
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await ask(port, url(), '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4}}');
    go();
    await answer;
    expect(heard.filter(({ body }) => isPaid(body))).toEqual([]);
    expect(met[0]!.delivery).toMatchObject({ sent: false });
  });
});

/** A server of MCP's older transport: a stream, and an address to post to that it names there. */
async function sseStage(endpoint: (port: string) => string, answers: (body: string, say: (text: string) => void) => void, ...more: [((met: Met) => 'buy' | 'refuse')?]) {
  let stream: ServerResponse | null = null;
  const at = await stage((body, response, incoming) => {
    if (incoming.method === 'GET') {
      stream = response;
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-own': '1' }).write(`: hello\n\nevent: endpoint\ndata: ${endpoint(incoming.headers.host!)}\n\n`);
      return;
    }
    response.writeHead(202).end('Accepted');
    answers(body, (text) => stream!.write(text));
  }, ...more);
  const incoming = await send(at.port, at.url('/sse'), null);
  let text = '';
  incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('error', () => {});
  const until = async (part: string): Promise<string> => {
    for (let waits = 0; !text.includes(part) && waits < 400; waits += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(text).toContain(part);
    return text;
  };
  await until('endpoint');
  return { ...at, incoming, until, say: (raw: string) => stream!.write(raw), end: () => stream!.end(), endpointOf: () => /^data: (.*)$/m.exec(text)![1]! };
}

describe('the older transport', () => {
  it.each<[string, (host: string) => string, string]>([
    ['relative', () => '/messages?sessionId=a%20b', '/messages?sessionId=a%20b'],
    ['relative to its path', () => 'messages?s=1', '/messages?s=1'],
    ['absolute', (host) => `http://${host}/deep/messages?s=1`, '/deep/messages?s=1'],
  ])('is led through the proxy: an endpoint that is %s', async (_, endpoint, path) => {
    const one = await sseStage(endpoint, (body, say) => say(event(JSON.stringify({ jsonrpc: '2.0', id: parsed(body).id, result: { tools: [] } }))));
    const led = one.endpointOf();
    expect(led).toBe(one.url(path));
    expect(await one.until('endpoint')).toBe(`: hello\n\nevent: endpoint\ndata: ${led}\n\n`);
    expect(one.incoming.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'x-own': '1' });
    expect(await ask(one.port, led, { jsonrpc: '2.0', id: 9, method: 'tools/list' }, { authorization: 'Bearer t' })).toMatchObject({ status: 202, body: 'Accepted' });
    expect(one.heard.at(-1)).toMatchObject({ method: 'POST', url: path, headers: { authorization: 'Bearer t' } });
    await one.until('{"jsonrpc":"2.0","id":9,"result":{"tools":[]}}');
    one.incoming.destroy();
  });

  it('of an endpoint at another host is left alone, as its client is to see', async () => {
    const one = await sseStage(() => 'https://elsewhere.example/messages', () => {});
    expect(one.endpointOf()).toBe('https://elsewhere.example/messages');
    one.incoming.destroy();
  });

  it('passes all that it says to the byte', async () => {
    const one = await sseStage(() => '/m', () => {});
    const said = `: ping\r\n\r\nid: 7\r\nevent: message\r\ndata: {"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{"n":1.0}}\r\n\r\nretry: 5\n\n${event(`{"jsonrpc":"2.0","method":"notifications/message","params":"${'größe'.repeat(400_000)}"}`)}`;
    const bytes = Buffer.from(said);
    for (let at = 0; at < bytes.length; at += 65_537) one.say(bytes.subarray(at, at + 65_537) as never);
    await one.until('retry: 5\n\n');
    one.end();
    await new Promise((resolve) => one.incoming.once('end', resolve));
    expect((await one.until('endpoint')).split('\n\n').slice(2).join('\n\n') === said).toBe(true);
  });

  it('sells, too: the call is posted again with the payment, and answered in the stream under the client’s id', async () => {
    const one = await sseStage(() => '/m?s=1', (body, say) => say(PROGRESS + event(isPaid(body) ? gives(parsed(body).id) : wants())));
    expect((await ask(one.port, one.endpointOf(), CALL)).status).toBe(202);
    const text = await one.until('found');
    expect(text.split('\n\n').slice(2).join('\n\n')).toBe(PROGRESS + PROGRESS + event(gives(4)).replace(/^data.*\n/m, '').trimEnd() + `\ndata: ${gives(4)}\n\n`);
    expect(one.met).toMatchObject([{ demand: JSON.stringify(DEMAND), asker: { session: 's1', called: { tool: 'search' } }, delivery: { answer: { settlement: { success: true }, failed: false } } }]);
    expect(one.heard.filter(({ method }) => method === 'POST').map(({ url }) => url)).toEqual(['/m?s=1', '/m?s=1']);
    one.incoming.destroy();
  });

  it('that is refused says so in the stream', async () => {
    const one = await sseStage(() => '/m', (body, say) => say(event(wants(isPaid(body) ? parsed(body).id : 4))), () => 'refuse');
    await ask(one.port, one.endpointOf(), CALL);
    await one.until('pag0 PAYMENT_UNKNOWN: held');
    one.incoming.destroy();
  });

  it('delivers at any length what was paid for', async () => {
    const one = await sseStage(() => '/m', (body, say) => say(event(isPaid(body) ? JSON.stringify({ jsonrpc: '2.0', result: { _meta: { 'x402/payment-response': { success: true } }, text: 'x'.repeat(3_000_000) }, id: parsed(body).id }) : wants())));
    await ask(one.port, one.endpointOf(), CALL);
    const text = await one.until('"id":4}');
    expect(text).not.toContain('pag0-');
    while (one.met.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(one.met[0]!.delivery).toMatchObject({ answer: { settlement: { success: true } } });
    one.incoming.destroy();
  });

  it('whose stream ends before the answer leaves the payment in doubt', async () => {
    const one = await sseStage(() => '/m', (body, say) => (isPaid(body) ? one.end() : say(event(wants()))), () => 'refuse');
    await ask(one.port, one.endpointOf(), CALL);
    while (one.met.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(one.met[0]!.delivery).toBeInstanceOf(Error);
  });

  it('takes back under the id that the server knows', async () => {
    const one = await sseStage(() => '/m', (body, say) => (body.includes('cancelled') ? undefined : say(isPaid(body) ? PROGRESS : event(wants()))));
    await ask(one.port, one.endpointOf(), CALL);
    await one.until('progress');
    await ask(one.port, one.endpointOf(), '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4}}');
    expect(JSON.parse(one.heard.at(-1)!.body)).toMatchObject({ params: { requestId: expect.stringMatching(/^pag0-/) as string } });
    one.incoming.destroy();
  });
});

describe('a stream that is silent', () => {
  it('is not cut, and a comment that begins no event comes at once', async () => {
    let say = (_: string): void => {};
    const { port, url } = await stage((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(PROGRESS);
      say = (text) => void response.write(text);
    });
    const incoming = await send(port, url(), null);
    const chunks = incoming[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe(PROGRESS);
    await new Promise((resolve) => setTimeout(resolve, 300));
    say(': still here\n');
    expect(String((await chunks.next()).value)).toBe(': still here\n');
    incoming.destroy();
  });
});

describe('a server that wants a login', () => {
  it('says where its metadata are through the proxy, and they name the address that the client asks', async () => {
    const { port, url, heard } = await stage((_, response, incoming) => {
      const own = `http://${incoming.headers.host}`;
      if (incoming.url!.startsWith('/.well-known/oauth-protected-resource')) return json(response, `{ "resource": "${own}/mcp",\n "authorization_servers": ["https://login.example"], "x": 1.0 }`);
      if (incoming.url!.startsWith('/.well-known/')) return response.writeHead(404).end('none');
      response.writeHead(401, { 'www-authenticate': `Bearer error="invalid_token", resource_metadata="${own}/.well-known/oauth-protected-resource/mcp", scope="a b"` }).end();
    });
    const origin = `http://127.0.0.1:${port}`;
    const base = url('');
    const refused = await ask(port, url(), CALL);
    const led = `${origin}${base}/.well-known/oauth-protected-resource/mcp`;
    expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': `Bearer error="invalid_token", resource_metadata="${led}", scope="a b"` } });
    // By the address of the challenge, and by those that a client tries without one.
    for (const path of [led.slice(origin.length), `/.well-known/oauth-protected-resource${url()}`]) {
      expect((await ask(port, path, null)).body).toBe(`{ "resource": "${origin}${url()}",\n "authorization_servers": ["https://login.example"], "x": 1.0 }`);
      expect(heard.at(-1)!.url).toBe('/.well-known/oauth-protected-resource/mcp');
    }
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      expect(await ask(port, `/.well-known/${name}${url()}`, null)).toMatchObject({ status: 404, body: 'none' });
      expect(heard.at(-1)!.url).toBe(`/.well-known/${name}/mcp`);
    }
  });

  it.each([
    ['of another host', '{"resource":"https://elsewhere.example/mcp"}'],
    ['that are none', '{"resource":7}'],
    ['that are no JSON', 'hello'],
  ])('passes metadata %s as they came', async (_, text) => {
    const { port, url } = await stage((_, response) => json(response, text));
    expect((await ask(port, url('/.well-known/oauth-protected-resource'), null)).body).toBe(text);
  });

  it('leaves a challenge that leads elsewhere', async () => {
    const { port, url } = await stage((_, response) => void response.writeHead(401, { 'www-authenticate': ['Basic realm="x"', 'Bearer resource_metadata="https://elsewhere.example/m"'] }).end());
    expect((await ask(port, url(), null)).headers['www-authenticate']).toBe('Basic realm="x", Bearer resource_metadata="https://elsewhere.example/m"');
  });

  it('passes what a session needs: its id, its end, its resumption, and what is not allowed', async () => {
    const { port, url, heard } = await stage((_, response, incoming) => void response.writeHead(incoming.method === 'GET' ? 405 : 202, { allow: 'POST', 'mcp-session-id': 's' }).end());
    expect(await ask(port, url(), null, { 'mcp-session-id': 's', 'last-event-id': '9', accept: 'text/event-stream' })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(heard.at(-1)!.headers).toMatchObject({ 'last-event-id': '9', 'mcp-session-id': 's' });
    expect(await ask(port, url(), '[{"jsonrpc":"2.0","method":"notifications/x"}]')).toMatchObject({ status: 202, headers: { 'mcp-session-id': 's' } });
    expect((await ask(port, url(), null, { 'mcp-session-id': 's' }, 'DELETE')).status).toBe(202);
  });
});
