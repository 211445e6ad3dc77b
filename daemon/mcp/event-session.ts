import type { Readable } from 'node:stream';
import { Pag0Error } from '../core/errors.ts';
import {
  answerTo,
  paidCall,
  refusedAnswer,
  settlementWithin,
  toolAnswerIn,
  type AskedCall,
  type ToolAnswer,
} from '../core/tool-call.ts';
import type { PaidToolCalls, ToolAsker, ToolDelivery } from '../pipeline/paid-tool-call.ts';
import type { WebAnswer, WebRequest } from '../ports.ts';
import { eventWith, type StreamEvent } from './events.ts';
import { createReaddressing, type Readdressing } from './readdressing.ts';
import { ownId, type Repeats } from './repeats.ts';

/** A call that was posted, and how it is posted again. */
interface Posted {
  asker: ToolAsker;
  call: AskedCall;
  request: WebRequest;
}

export interface EventSessionParts {
  calls: Pick<PaidToolCalls, 'meet'>;
  send(request: WebRequest): Promise<WebAnswer>;
  repeats: Repeats;
  /** To the client. Resolves when more may come. */
  write(raw: Buffer): Promise<void>;
}

/** Calls whose answer is waited for; a server that leaves them open pushes out its own oldest. */
const MAX_CALLS = 1_000;

/**
 * A session of MCP's older transport (2024-11-05, "HTTP with SSE"): calls are posted to the address
 * that the server named in its `endpoint` event, and answered in the stream that it named it in.
 */
export interface EventSession {
  posted(place: string, posted: Posted): void;
  /** What the server says in its stream; all that is none of our business is written as it came. */
  said(event: StreamEvent): Promise<void>;
  /** The stream has ended. */
  over(): Promise<void>;
}

/** What the stream said under an id of ours; `text` null: it has passed already. */
interface Said {
  answer: Pick<ToolAnswer, 'demand' | 'settlement' | 'failed'>;
  event: StreamEvent | null;
}

export function createEventSession({
  calls,
  send,
  repeats,
  write,
}: EventSessionParts): EventSession {
  const waiting = new Map<string, Posted & { place: string }>();
  /** Calls with a payment, by their id. */
  const repeated = new Map<string, (said: Said | null) => void>();
  const paying = new Set<Promise<void>>();
  /** While a long event passes in parts, what is to be written besides waits. */
  let long: Readdressing[] | null = null;
  let beginning = '';
  const held: Buffer[] = [];
  let isOver = false;

  const put = async (raw: Buffer): Promise<void> =>
    long === null ? write(raw) : void held.push(raw);

  async function said(event: StreamEvent): Promise<void> {
    if (event.part === true || long !== null) return saidAtLength(event);
    const answer =
      event.data === null || waiting.size + repeated.size === 0 ? null : toolAnswerIn(event.data);
    if (answer === null) return write(event.raw);
    const paid = repeated.get(answer.id);
    if (paid !== undefined) return paid({ answer, event });
    const posted = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (posted === undefined || answer.demand === null) return write(event.raw);
    const work = pay(posted, answer, answer.demand, event).catch(() => put(event.raw));
    paying.add(work);
    void work.then(() => paying.delete(work));
  }

  /** Too long to demand anything. Which of our ids it answers shows when that comes by. */
  async function saidAtLength({ raw, part }: StreamEvent): Promise<void> {
    if (long === null) {
      beginning = raw.toString('utf8');
      long = [...repeated.keys()].map((id) => createReaddressing(id, clientIds.get(id)!));
    }
    await write(long.reduce((bytes, one) => one.push(bytes), raw));
    if (part === true) return;
    await write(
      long.reduce((bytes, one) => Buffer.concat([one.push(bytes), one.end()]), Buffer.alloc(0)),
    );
    const ids = [...repeated.keys()];
    const found = long.findIndex((one) => one.found);
    long = null;
    for (const bytes of held.splice(0)) await write(bytes);
    if (found >= 0)
      repeated.get(ids[found]!)?.({
        answer: { demand: null, settlement: settlementWithin(beginning), failed: false },
        event: null,
      });
  }

  const clientIds = new Map<string, string>();

  async function pay(
    { asker, call, request, place }: Posted & { place: string },
    answer: ToolAnswer,
    demand: string,
    event: StreamEvent,
  ): Promise<void> {
    const repeat = repeats.begin(place, call.id);
    try {
      const bought = await calls.meet<StreamEvent | null>(asker, demand, async (payload) => {
        // Nothing has left yet, and nobody waits for it.
        if (repeat.isCancelled || isOver)
          throw Object.assign(
            new Pag0Error(
              'UPSTREAM_FAILED',
              isOver ? 'its stream ended' : 'the call was cancelled',
            ),
            { sent: false },
          );
        const id = ownId();
        repeat.id = id;
        const answered = new Promise<Said | null>((resolve) => repeated.set(id, resolve));
        clientIds.set(id, call.id);
        try {
          return await delivered(
            await send({ ...request, body: Buffer.from(paidCall(call, id, payload)) }),
            answered,
          );
        } finally {
          repeated.delete(id);
          clientIds.delete(id);
        }
      });
      if (bought.outcome === 'passed') await put(event.raw);
      else if (bought.outcome === 'refused')
        await put(eventWith(event, refusedAnswer(call.id, bought.refusal.sentence, answer)));
      else if (bought.value !== null)
        await put(eventWith(bought.value, answerTo(call.id, bought.value.data!)));
    } finally {
      repeat.end();
    }
  }

  return {
    posted(place, posted) {
      if (waiting.size >= MAX_CALLS) waiting.delete(waiting.keys().next().value!);
      waiting.set(posted.call.id, { ...posted, place });
    },
    said,
    async over() {
      isOver = true;
      for (const lost of [...repeated.values()]) lost(null);
      await Promise.all(paying);
    },
  };
}

async function delivered(
  posted: WebAnswer,
  answered: Promise<Said | null>,
): Promise<ToolDelivery<StreamEvent | null>> {
  discard(posted.body);
  if (posted.status >= 300)
    return {
      answer: null,
      how:
        posted.status < 400 ? `sent us elsewhere (${posted.status})` : `answered ${posted.status}`,
      value: null,
    };
  const said = await answered;
  if (said === null) throw new Error('ended its stream before the answer');
  return {
    answer: said.answer,
    how: said.answer.failed ? 'answered with an error' : 'answered',
    value: said.event,
  };
}

function discard(body: Buffer | Readable): void {
  if (!Buffer.isBuffer(body)) body.on('error', () => {}).resume();
}
