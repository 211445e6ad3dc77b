import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { digestOf, type CalledTool } from '../contract/tool-payment.ts';
import { endpointOf } from '../core/endpoint.ts';
import { Pag0Error } from '../core/errors.ts';
import { fieldValue } from '../core/fields.ts';
import { answerTo, cancelledIn, cancelling, paidCall, refusedAnswer, settlementWithin, toolAnswerIn, toolCallIn, type AskedCall, type ToolAnswer } from '../core/tool-call.ts';
import { writeAnswer } from '../gateway/answer.ts';
import { requestFields } from '../gateway/fields.ts';
import { headProblem } from '../gateway/head.ts';
import { GATEWAY_LIMITS } from '../gateway/limits.ts';
import { badRequest, expectedProblem, UNEXPECTED, writeProblem, type GatewayProblem } from '../gateway/problem-answer.ts';
import { readRequestBody } from '../gateway/request-body.ts';
import type { GatewayLog } from '../gateway/serve.ts';
import type { Doorway } from '../pipeline/doorway.ts';
import type { PaidToolCalls, ToolAsker, ToolBought, ToolDelivery } from '../pipeline/paid-tool-call.ts';
import type { Upstream, WebAnswer, WebRequest } from '../ports.ts';
import { challengesFor, isMetadata, metadataFor } from './authorization.ts';
import { createEventSession, type EventSession } from './event-session.ts';
import { eventsIn, eventWith, type StreamEvent } from './events.ts';
import { createReaddressing } from './readdressing.ts';
import { createRepeats, ownId } from './repeats.ts';
import { createReply, headOf, type Reply } from './reply.ts';
import { isForProxy, relocated, targetOf, within, type McpTarget } from './target.ts';

/**
 * MCP servers that are reached over HTTP ("Streamable HTTP", and "HTTP with SSE" before it), behind an address of the daemon's
 * own. All passes as it comes, but for addresses of the server's own, which are led here; of the answer to a tool call it is looked
 * whether it demands a payment, and then the call is made once more with one.
 */
export interface McpProxy {
  /** False: it is not for the proxy. */
  request(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
}

export interface McpProxyParts {
  /** The daemon's own. */
  port: number;
  upstream: Pick<Upstream, 'send'>;
  doorway: Pick<Doorway, 'caller'>;
  calls: PaidToolCalls;
  log: GatewayLog;
  /** How long a client may take to register, in ms. */
  patienceMs?: number;
}

/** Bytes of an answer that are looked at; what demands has some hundreds. */
const MAX_LOOKED_AT = 256 * 1024;
/** Of one that was paid for. A longer one passes as it comes, and what else it says of its payment is not heard. */
const MAX_PAID = 1024 * 1024;
/** As long as the plugin's hook waits for a daemon that starts. */
const PATIENCE_MS = 5_000;

interface Asked {
  asker: ToolAsker;
  call: AskedCall;
  request: WebRequest;
  reply: Reply;
  /** Tells this client and server from others. */
  place: string;
}

/** Of an answer: what is looked at of it, and the body as if nobody had. */
interface Looked {
  /** Coded it is not read: we asked for no coding. */
  text: string | null;
  /** The text is all of it. */
  isWhole: boolean;
  body: Buffer | Readable;
}

export function createMcpProxy({ port, upstream, doorway, calls, log, patienceMs = PATIENCE_MS }: McpProxyParts): McpProxy {
  const repeats = createRepeats();
  /** Sessions of the older transport that are open, by the client's session and the address that calls are posted to. */
  const eventSessions = new Map<string, EventSession>();

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController();
    outgoing.once('close', () => outgoing.writableFinished || gone.abort(new Error('the client went away')));
    // What nobody reads of a request is dropped, else the client might never see the answer.
    outgoing.once('finish', () => incoming.resume());
    try {
      const wrong = headProblem(incoming, GATEWAY_LIMITS.headerFields);
      if (wrong !== null) return writeProblem(outgoing, badRequest(wrong));
      const target = targetOf(incoming.url ?? '', port);
      if ('problem' in target) return writeProblem(outgoing, target.problem);
      const who = await doorway.caller(incoming.socket, patienceMs);
      if (who === null || who.confined) return writeProblem(outgoing, who === null ? NOBODY : CONFINED);
      await exchange(incoming, outgoing, target, who.session, gone.signal);
    } catch (error) {
      if (gone.signal.aborted || incoming.errored !== null) return void outgoing.destroy();
      const problem = expectedProblem(error);
      if (problem === null) log.error('an MCP request could not be passed on', error);
      // A stream that breaks off must not look as if it had ended.
      if (outgoing.headersSent) outgoing.destroy();
      else writeProblem(outgoing, problem ?? UNEXPECTED);
    }
  }

  async function exchange(incoming: IncomingMessage, outgoing: ServerResponse, target: McpTarget, session: string, signal: AbortSignal): Promise<void> {
    const method = (incoming.method ?? 'GET').toUpperCase();
    const asking = await readRequestBody(incoming, GATEWAY_LIMITS.bufferedBodyBytes, GATEWAY_LIMITS.bodyIdleMs);
    if ('stalled' in asking) return writeProblem(outgoing, badRequest('its body stalled', 408));
    const { body } = asking;
    const origin = `http://${incoming.headers.host ?? `127.0.0.1:${port}`}`;
    const came = { method, url: target.url, fields: requestFields(incoming.rawHeaders), body };
    const place = JSON.stringify([session, target.url, fieldValue(came.fields, 'mcp-session-id')]);
    const request = { ...came, body: readdressed(place, body) };
    const call = method === 'POST' && Buffer.isBuffer(body) ? toolCallIn(body.toString('utf8')) : null;
    if (call === null) return passed(outgoing, request, target, origin, session, signal);
    const eventSession = eventSessions.get(sessionKey(session, target.url));
    if (eventSession !== undefined) {
      eventSession.posted(place, { asker: { session, called: calledBy(call, target), endpoint: endpointOf(target.url) }, call, request });
      return writeAnswer(outgoing, method, led(await upstream.send(request, signal), target, origin));
    }
    // A coded answer could not be looked at without being changed.
    const plain = { ...request, fields: { ...request.fields, 'accept-encoding': 'identity' } };
    const asker: ToolAsker = { session, called: calledBy(call, target), endpoint: endpointOf(target.url), gone: signal };
    const asked: Asked = { asker, call, request: plain, reply: createReply(outgoing), place };
    const answer = led(await upstream.send(plain, signal), target, origin);
    if (isStream(answer)) await passEvents(asked, answer);
    else await passMessage(asked, answer, outgoing);
  }

  /** What takes back a call that is being paid for means the one that the server is at work on. */
  function readdressed(place: string, body: WebRequest['body']): WebRequest['body'] {
    const text = Buffer.isBuffer(body) ? body.toString('utf8') : '';
    const id = cancelledIn(text);
    const repeat = id === null ? null : repeats.cancel(place, id);
    return repeat === null || repeat.id === null ? body : Buffer.from(cancelling(repeat.id, text));
  }

  /** No call of a tool. */
  async function passed(outgoing: ServerResponse, request: WebRequest, target: McpTarget, origin: string, session: string, signal: AbortSignal): Promise<void> {
    const { method } = request;
    if (method !== 'GET') return writeAnswer(outgoing, method, led(await upstream.send(request, signal), target, origin));
    const metadata = isMetadata(target);
    const asked = metadata ? { ...request, fields: { ...request.fields, 'accept-encoding': 'identity' } } : request;
    const answer = led(await upstream.send(asked, signal), target, origin);
    if (isStream(answer) && answer.status === 200) return passStream(outgoing, answer, target, session, signal);
    if (!metadata || answer.status !== 200) return writeAnswer(outgoing, method, answer);
    const { text, isWhole, body } = await lookedAt(answer, MAX_LOOKED_AT);
    if (text === null || !isWhole) return writeAnswer(outgoing, method, { ...answer, body });
    writeAnswer(outgoing, method, { ...answer, body: Buffer.from(metadataFor(text, target, origin)) });
  }

  /** A stream of the server's own, which may be silent for as long as it likes. */
  async function passStream(outgoing: ServerResponse, answer: WebAnswer, target: McpTarget, session: string, signal: AbortSignal): Promise<void> {
    const reply = createReply(outgoing);
    outgoing.writeHead(200, headOf(answer.fields));
    outgoing.flushHeaders();
    let opened: { key: string; events: EventSession } | null = null;
    try {
      for await (const event of eventsIn(answer.body, MAX_PAID)) {
        const at = event.name === 'endpoint' && event.data !== null ? within(event.data.trim(), target) : null;
        if (opened !== null) {
          await opened.events.said(event);
        } else if (at === null) {
          await reply.write(event.raw);
        } else {
          opened = openSession(reply, sessionKey(session, at.url), signal);
          await reply.write(eventWith(event, at.path));
        }
      }
    } finally {
      if (opened !== null) {
        if (eventSessions.get(opened.key) === opened.events) eventSessions.delete(opened.key);
        await opened.events.over();
      }
    }
    reply.end();
  }

  function openSession(reply: Reply, key: string, gone: AbortSignal): { key: string; events: EventSession } {
    const meet: PaidToolCalls['meet'] = (asker, demand, deliver) => calls.meet({ ...asker, gone }, demand, deliver);
    // Not cut off when the client goes away: what was paid for is wanted.
    const events = createEventSession({ calls: { meet }, send: (request) => upstream.send(request, new AbortController().signal), repeats, write: reply.write });
    eventSessions.set(key, events);
    return { key, events };
  }

  async function passMessage(asked: Asked, answer: WebAnswer, outgoing: ServerResponse): Promise<void> {
    const { asker, call, request, reply } = asked;
    const { text, isWhole, body } = await lookedAt(answer, MAX_LOOKED_AT);
    const said = text !== null && isWhole ? demandFor(call, text) : null;
    if (said !== null) {
      const bought = await pay(asked, said);
      if (bought.outcome === 'bought') return finish(asked, bought.value);
      if (bought.outcome === 'refused') {
        await reply.refuse(call, bought.refusal.sentence, answer, said);
        return reply.end();
      }
    }
    const met = answer.status === 402 ? await calls.meetHttp(asker, request, { ...answer, body }) : ({ outcome: 'passed', answer: { ...answer, body } } as const);
    if (met.outcome === 'refused') {
      discard({ ...answer, body });
      return reply.refuse(call, met.refusal.sentence, answer, UNTYPED);
    }
    const reached = met.outcome === 'passed' ? met.answer : met.value;
    if (outgoing.destroyed) discard(reached);
    else writeAnswer(outgoing, 'POST', reached);
  }

  async function passEvents(asked: Asked, answer: WebAnswer): Promise<void> {
    const { call, reply } = asked;
    /** Who demands again, under the id of a call that has its answer, is not listened to. */
    let isAnswered = false;
    reply.stream(answer);
    for await (const event of eventsIn(answer.body, MAX_LOOKED_AT)) {
      const said: Demanding | null = isAnswered || event.data === null ? null : demandFor(call, event.data);
      isAnswered ||= said !== null;
      const bought = said === null ? PASSED : await pay(asked, said);
      if (bought.outcome === 'bought') await finish(asked, bought.value, false);
      else if (bought.outcome === 'refused') await reply.write(eventWith(event, refusedAnswer(call.id, bought.refusal.sentence, said!)));
      else await reply.write(event.raw);
    }
    reply.end();
  }

  async function pay(asked: Asked, { demand }: Demanding): Promise<ToolBought<Paid>> {
    let answer: WebAnswer | null = null;
    const repeat = repeats.begin(asked.place, asked.call.id);
    const bought = await calls.meet(asked.asker, demand, async (payload) => {
      // Nothing has left yet, and nobody waits for it.
      if (repeat.isCancelled) throw Object.assign(new Pag0Error('UPSTREAM_FAILED', 'the call was cancelled'), { sent: false });
      const id = ownId();
      repeat.id = id;
      // Not cut off when the client goes away: what was paid for is wanted.
      answer = await upstream.send({ ...asked.request, body: Buffer.from(paidCall(asked.call, id, payload)) }, new AbortController().signal);
      return read(asked, id, answer);
    }).finally(() => repeat.end());
    if (bought.outcome !== 'bought' && answer !== null) discard(answer);
    return bought;
  }

  /** What came of the call with its payment, up to the answer; a stream may go on after it. */
  async function read(asked: Asked, id: string, answer: WebAnswer): Promise<ToolDelivery<Paid>> {
    if (answer.status >= 300) return unread(answer, answer.status < 400 ? `sent us elsewhere (${answer.status})` : `answered ${answer.status}`);
    if (isStream(answer)) return readEvents(asked, id, answer);
    const { text, isWhole, body } = await lookedAt(answer, MAX_PAID);
    if (text === null) return unread(answer, 'answered in a coding that was not asked for');
    if (!isWhole) return passLong(asked, id, { ...answer, body }, text);
    const said = toolAnswerIn(text);
    return said === null || said.id !== id ? unread(answer, NO_ANSWER) : deliveryOf(said, { head: answer, text: answerTo(asked.call.id, text), event: undefined, rest: null });
  }

  async function readEvents({ call, reply }: Asked, id: string, answer: WebAnswer): Promise<ToolDelivery<Paid>> {
    const rest = eventsIn(answer.body, MAX_PAID);
    reply.stream(answer);
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      const event = next.value;
      if (event.part === true) {
        const long = await passLongEvent(id, call, reply, event, rest);
        if (long === null) continue;
        return deliveryOf(long, { head: answer, text: null, event: undefined, rest });
      }
      const said = event.data === null ? null : toolAnswerIn(event.data);
      if (said !== null && said.id === id) return deliveryOf(said, { head: answer, text: answerTo(call.id, event.data!), event, rest });
      await reply.write(event.raw);
    }
    throw new Error('ended its stream before the answer');
  }

  /** Until the last of it has passed the payment is on its way. */
  async function passLong({ call, reply }: Asked, id: string, answer: WebAnswer, beginning: string): Promise<ToolDelivery<Paid>> {
    const readdressing = createReaddressing(id, call.id);
    await reply.long(readdressed(), answer);
    return readdressing.found ? deliveryOf(longAnswer(beginning), { head: answer, text: null, event: undefined, rest: null }) : unread(answer, NO_ANSWER);

    async function* readdressed(): AsyncGenerator<Buffer> {
      for await (const chunk of chunksOf(answer)) yield readdressing.push(chunk);
      yield readdressing.end();
    }
  }

  /** null: it is not the answer. */
  async function passLongEvent(id: string, call: AskedCall, reply: Reply, first: StreamEvent, rest: AsyncGenerator<StreamEvent>): Promise<ToolAnswerAbout | null> {
    const readdressing = createReaddressing(id, call.id);
    await reply.write(readdressing.push(first.raw));
    try {
      for (let isPart = true; isPart; ) {
        const next = await rest.next();
        if (next.done === true) throw new Error('ended its stream before the answer');
        isPart = next.value.part === true;
        await reply.write(readdressing.push(next.value.raw));
      }
    } catch (error) {
      // What is said of it begins an event of its own.
      await reply.write(Buffer.from('\n\n'));
      throw error;
    }
    await reply.write(readdressing.end());
    return readdressing.found ? longAnswer(first.raw.toString('utf8')) : null;
  }

  /** What was bought, and what its stream still says afterwards. */
  async function finish({ reply }: Asked, { head, text, event, rest }: Paid, isLast = true): Promise<void> {
    if (text !== null) await reply.answer(text, head, event);
    if (rest !== null) for await (const { raw } of rest) await reply.write(raw);
    if (isLast && rest !== null) reply.end();
  }

  return {
    request(incoming, outgoing) {
      if (!isForProxy(incoming.url ?? '')) return false;
      void serve(incoming, outgoing);
      return true;
    },
  };
}

interface Paid {
  head: WebAnswer;
  /** The message, under the id that the client knows; null: it has passed already. */
  text: string | null;
  event: { raw: Buffer } | undefined;
  rest: ReturnType<typeof eventsIn> | null;
}

type Demanding = ToolAnswer & { demand: string };

type ToolAnswerAbout = Pick<ToolAnswer, 'demand' | 'settlement' | 'failed'>;

const PASSED = { outcome: 'passed' } as const;
const NO_ANSWER = 'gave no answer to the call';
const UNTYPED = { typed: false };

const NOBODY: GatewayProblem = {
  status: 403,
  code: 'FORBIDDEN',
  message: 'pag0 FORBIDDEN: MCP servers are reached through pag0 by a Claude Code client that has it enabled and by what that client started, and this connection comes from neither, so nothing was sent; start the session again.',
};
const CONFINED: GatewayProblem = { status: 403, code: 'FORBIDDEN', message: "pag0 FORBIDDEN: what runs in the client's sandbox may not leave it through pag0's MCP proxy, so nothing was sent; use the client's own MCP tools." };

/** Whether this is the answer to the call, and demands a payment. */
function demandFor(call: AskedCall, text: string): Demanding | null {
  // All that demands says so, and most answers need not be read for that.
  const answer = text.includes('x402Version') ? toolAnswerIn(text) : null;
  return answer !== null && answer.id === call.id && answer.demand !== null ? { ...answer, demand: answer.demand } : null;
}

/** Too long to demand anything; and what failed says so in fewer words. */
function longAnswer(beginning: string): ToolAnswerAbout {
  return { demand: null, settlement: settlementWithin(beginning), failed: false };
}

function unread(head: WebAnswer, how: string): ToolDelivery<Paid> {
  return { answer: null, how, value: { head, text: '', event: undefined, rest: null } };
}

function deliveryOf(answer: ToolAnswerAbout, value: Paid): ToolDelivery<Paid> {
  return { answer, how: answer.failed ? 'answered with an error' : 'answered', value };
}

function calledBy(call: AskedCall, target: McpTarget): CalledTool {
  return { server: target.url, name: target.host, tool: call.tool, arguments: digestOf(call.arguments), toolUseId: call.toolUseId };
}

function isStream({ fields }: WebAnswer): boolean {
  return /^text\/event-stream\b/i.test(fieldValue(fields, 'content-type') ?? '') && !isCoded(fields);
}

function isCoded(fields: WebAnswer['fields']): boolean {
  return (fieldValue(fields, 'content-encoding') ?? 'identity').toLowerCase() !== 'identity';
}

/** Addresses of the server's own, in what it says to the client, lead here again. */
function led(answer: WebAnswer, target: McpTarget, origin: string): WebAnswer {
  const fields = challengesFor(answer.fields, target, origin);
  const location = fieldValue(fields, 'location');
  return { ...answer, fields: location === null ? fields : { ...fields, location: relocated(location, target) } };
}

function sessionKey(session: string, url: string): string {
  return JSON.stringify([session, url]);
}

/** No more than `limit` bytes are waited for. */
async function lookedAt({ fields, body }: WebAnswer, limit: number): Promise<Looked> {
  if (isCoded(fields)) return { text: null, isWhole: false, body };
  if (Buffer.isBuffer(body)) return { text: body.toString('utf8', 0, limit), isWhole: body.length <= limit, body };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size <= limit) continue;
    const beginning = Buffer.concat(chunks);
    body.unshift(beginning);
    return { text: beginning.toString('utf8'), isWhole: false, body };
  }
  const whole = Buffer.concat(chunks);
  return { text: whole.toString('utf8'), isWhole: true, body: whole };
}

function chunksOf({ body }: WebAnswer): AsyncIterable<Buffer> | Buffer[] {
  return Buffer.isBuffer(body) ? [body] : body;
}

function discard({ body }: WebAnswer): void {
  if (!Buffer.isBuffer(body)) body.on('error', () => {}).destroy();
}
