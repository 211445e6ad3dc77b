import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchanged, WebAnswer, WebRequest } from '../ports.ts';
import { writeAnswer } from './answer.ts';
import { originOf, type Destination } from './authority.ts';
import { requestFields, type Pseudonym } from './fields.ts';
import type { GatewayLimits } from './limits.ts';
import { badRequest, expectedProblem, refused, UNEXPECTED, writeProblem } from './problem-answer.ts';
import { readRequestBody } from './request-body.ts';

export interface GatewayLog {
  info(text: string, fields?: Record<string, string | number>): void;
  error(text: string, error?: unknown, fields?: Record<string, string | number>): void;
}

export interface ServeParts {
  limits: GatewayLimits;
  pseudonym: Pseudonym;
  log: GatewayLog;
}

/** Who makes the answer: the governor for a request that is looked at, the upstream for one that only passes. */
export type Exchange = (request: WebRequest, signal: AbortSignal) => Promise<Exchanged>;

/** One request to its end: read, exchanged, answered; given up as soon as the client is gone. */
export async function serve(parts: ServeParts, incoming: IncomingMessage, outgoing: ServerResponse, to: Destination, exchange: Exchange): Promise<void> {
  const { limits, pseudonym, log } = parts;
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort(new Error('the client went away')));
  // The same for a body that nobody began to read.
  outgoing.once('finish', () => incoming.resume());
  const method = (incoming.method ?? 'GET').toUpperCase();
  try {
    const read = await readRequestBody(incoming, limits.bufferedBodyBytes, limits.bodyIdleMs);
    if ('stalled' in read) {
      outgoing.setHeader('connection', 'close');
      return writeProblem(outgoing, badRequest('its body stalled', 408));
    }
    const request = { method, url: originOf(to.authority) + to.path, fields: pseudonym.sign(requestFields(incoming.rawHeaders)), body: read.body };
    const exchanged = await exchange(request, gone.signal);
    if ('refusal' in exchanged) return writeProblem(outgoing, refused(exchanged.refusal));
    const { answer } = exchanged;
    if (outgoing.destroyed) return discard(answer);
    try {
      writeAnswer(outgoing, method, { ...answer, fields: pseudonym.sign(answer.fields) });
    } catch (error) {
      discard(answer);
      throw error;
    }
  } catch (error) {
    if (gone.signal.aborted || incoming.errored !== null) return void outgoing.destroy();
    const problem = expectedProblem(error);
    if (problem === null) log.error('a request could not be passed on', error, { host: to.authority.host });
    if (outgoing.headersSent) outgoing.destroy();
    else writeProblem(outgoing, problem ?? UNEXPECTED);
  }
}

function discard({ body }: WebAnswer): void {
  if (!Buffer.isBuffer(body)) body.on('error', () => {}).destroy();
}
