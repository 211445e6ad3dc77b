import type { ServerResponse } from 'node:http';
import { fieldValue } from '../core/fields.ts';
import { refusedAnswer, type AskedCall, type ToolAnswer } from '../core/tool-call.ts';
import type { Fields, WebAnswer } from '../ports.ts';
import { eventWith } from './events.ts';

/** The answer to one tool call as it goes to the client: a JSON message, or a stream that has begun. */
export interface Reply {
  /** Begins a stream with the head of this answer, unless it has begun. */
  stream(head: WebAnswer): void;
  /** Resolves when more may come. */
  write(raw: Buffer): Promise<void>;
  /** The answer to the call, in whichever way it goes; `event`: in whose place, in a stream. */
  answer(text: string, head: WebAnswer, event?: { raw: Buffer }): Promise<void>;
  /** The same for one that is too long to be held. It breaks off where `chunks` do. */
  long(chunks: AsyncIterable<Buffer>, head: WebAnswer): Promise<void>;
  refuse(call: AskedCall, sentence: string, head: WebAnswer, to: Pick<ToolAnswer, 'typed'>): Promise<void>;
  end(): void;
}

/** What belongs to a body that another takes the place of. */
const OF_THE_BODY = ['content-length', 'content-encoding', 'content-type', 'etag', 'last-modified', 'digest', 'content-digest', 'repr-digest'];
const PLAIN_EVENT = { raw: Buffer.from('event: message\n') };

export function createReply(outgoing: ServerResponse): Reply {
  let isStream = false;

  async function write(raw: Buffer): Promise<void> {
    if (outgoing.destroyed || outgoing.write(raw)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        outgoing.off('drain', done).off('close', done);
        resolve();
      };
      outgoing.on('drain', done).on('close', done);
    });
  }

  async function answer(text: string, head: WebAnswer, event = PLAIN_EVENT): Promise<void> {
    if (isStream) return write(eventWith(event, text));
    if (outgoing.destroyed || outgoing.headersSent) return;
    outgoing.writeHead(200, { ...withoutBody(head.fields), 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    outgoing.end(text);
  }

  async function long(chunks: AsyncIterable<Buffer>, head: WebAnswer): Promise<void> {
    const isEvent = isStream;
    if (isEvent) await write(Buffer.from('event: message\ndata: '));
    else if (!outgoing.destroyed) outgoing.writeHead(200, { ...withoutBody(head.fields), 'content-type': 'application/json' });
    try {
      for await (const chunk of chunks) await write(isEvent ? onOneLine(chunk) : chunk);
    } catch (error) {
      // Half of an answer must not look like all of it.
      outgoing.destroy();
      throw error;
    }
    if (isEvent) await write(Buffer.from('\n\n'));
    else outgoing.end();
  }

  return {
    stream(head) {
      if (isStream || outgoing.destroyed) return;
      isStream = true;
      const type = fieldValue(head.fields, 'content-type') ?? '';
      outgoing.writeHead(200, { ...withoutBody(head.fields), 'content-type': /^text\/event-stream\b/i.test(type) ? type : 'text/event-stream' });
      outgoing.flushHeaders();
    },
    write,
    answer,
    long,
    refuse: (call, sentence, head, to) => answer(refusedAnswer(call.id, sentence, to), head),
    end: () => (outgoing.writableEnded ? undefined : void outgoing.end()),
  };
}

/** A line's end within JSON is never of a text, and in an event it would begin the next line. */
function onOneLine(chunk: Buffer): Buffer {
  return chunk.includes(10) || chunk.includes(13) ? Buffer.from(chunk.map((byte) => (byte === 10 || byte === 13 ? 32 : byte))) : chunk;
}

function withoutBody(fields: Fields): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headOf(fields)).filter(([name]) => !OF_THE_BODY.includes(name)));
}

export function headOf(fields: Fields): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]));
}
