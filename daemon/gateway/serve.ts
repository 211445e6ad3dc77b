import type { RequestHead } from '../http1/head.ts';
import { FramingError } from '../http1/body-scanner.ts';
import type { Framing } from '../http1/framing.ts';
import type { Exchanged, WebAnswer, WebRequest } from '../ports.ts';
import { writeAnswer } from './answer-writer.ts';
import { originOf } from './authority.ts';
import { BrokenBody, ClientBody, type ReadBody } from './client-body.ts';
import type { Client } from './client.ts';
import { breakOff, codeOf, fail, reasonOf } from './failure.ts';
import { serverFields } from './fields.ts';
import { otherHost, wantsContinue, type Destination } from './head.ts';
import type { GatewayLimits } from './limits.ts';
import { badRequest, expectedProblem, refused, UNEXPECTED, writeProblemTo } from './problem-answer.ts';

export interface GatewayLog {
  info(text: string, fields?: Record<string, string | number>): void;
  error(text: string, error?: unknown, fields?: Record<string, string | number>): void;
}

export interface ServeParts {
  limits: GatewayLimits;
  log: GatewayLog;
  /** Nobody answered: told to whoever asked, who sees no more than that. */
  failed(why: string): void;
}

/** Who makes the answer. */
export type Exchange = (request: WebRequest, signal: AbortSignal) => Promise<Exchanged>;

/** One request that is looked at, to its end: read, exchanged, answered; given up as soon as the client is gone. False: nothing comes after it. */
export async function serve(parts: ServeParts, client: Client, head: RequestHead, framing: Framing, to: Destination, exchange: Exchange): Promise<boolean> {
  const { limits, log } = parts;
  const { socket } = client;
  const gone = new AbortController();
  const leave = (): void => gone.abort(new Error('the client went away'));
  socket.once('close', leave).once('end', leave);
  const body = new ClientBody(client.source, framing, limits.bodyIdleMs);
  let begun = false;
  try {
    const waits = body.expected && wantsContinue(head) && client.source.waiting === 0;
    if (waits) await client.write('HTTP/1.1 100 Continue\r\n\r\n');
    const request = requestOf(client, head, to, await body.read(limits.bufferedBodyBytes), waits, () => begun);
    const exchanged = await exchange(request, gone.signal);
    if ('refusal' in exchanged) return (await writeProblemTo(client, head, refused(exchanged.refusal))) && (await rest(client, body));
    const { answer } = exchanged;
    if (socket.destroyed) return discard(answer);
    begun = true;
    const goesOn = await writeAnswer(client, head, answer).catch((error: unknown) => {
      if (error instanceof TypeError) begun = false;
      discard(answer);
      throw error;
    });
    return goesOn ? await rest(client, body) : (client.end(), false);
  } catch (error) {
    if (gone.signal.aborted) return void socket.destroy(), false;
    if (begun) return breakOff(client, error), false;
    if (error instanceof BrokenBody) return error.late ? writeProblemTo(client, head, badRequest('its body stalled', 408), true) : (socket.destroy(), false);
    if (error instanceof FramingError) return writeProblemTo(client, head, badRequest(`its body is malformed: ${error.message}`), true);
    return unanswered(parts, client, head, to, error);
  } finally {
    socket.off('close', leave).off('end', leave);
  }

  async function unanswered({ failed }: ServeParts, client: Client, head: RequestHead, to: Destination, error: unknown): Promise<boolean> {
    const { host, port } = to.authority;
    const { sent } = error as { sent?: unknown };
    if (typeof sent !== 'boolean') {
      const problem = expectedProblem(error);
      if (problem === null) log.error('a request could not be passed on', error, { host });
      return (await writeProblemTo(client, head, problem ?? UNEXPECTED)) && (await rest(client, body));
    }
    log.info('no answer', { host, port, reason: reasonOf(error), code: codeOf(error) });
    failed(`pag0: ${host}:${port} gave no answer (${reasonOf(error)}); pag0 passes that on as a connection that ended.`);
    await fail(client, head, { error, connected: sent });
    return false;
  }
}

/** The rest of a body that nobody wanted. */
async function rest(client: Client, body: ClientBody): Promise<boolean> {
  try {
    await body.drain();
    return true;
  } catch {
    client.end();
    return false;
  }
}

/** `waited`: the client has been told to go on, so the server's word of it is one too many. */
function requestOf(client: Client, head: RequestHead, to: Destination, { body, framed }: ReadBody, waited: boolean, begun: () => boolean): WebRequest {
  const { method, lines, version } = head;
  const foreign = otherHost(head, to.authority);
  // Then it is part of what is asked for, and tells this answer from the one for the URL.
  const fields = foreign === null ? serverFields(lines) : { ...serverFields(lines), host: foreign.host };
  let expected = waited;
  return {
    method,
    url: originOf(to.authority) + to.path,
    fields,
    body,
    written: {
      version,
      lines,
      fields,
      target: to.target,
      framedBody: framed,
      connection: client.connection,
      interim: (bytes) => {
        const isContinue = bytes.subarray(0, 12).toString('latin1').endsWith('100');
        if (isContinue && expected) expected = false;
        else if (!begun() && version === '1.1') void client.write(bytes);
      },
    },
  };
}

function discard({ body }: WebAnswer): false {
  if (!Buffer.isBuffer(body)) body.on('error', () => {}).destroy();
  return false;
}
