import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { badRequest, endWithProblem } from './problem-answer.ts';

/**
 * What Node's parser would not read. `last` is the last answer begun on this connection: where part of it is on its way,
 * or it was to be the last, nothing may be written after it.
 */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket, last: ServerResponse | undefined): void {
  const code = error.code ?? '';
  if (last?.headersSent === true && (!last.writableFinished || !last.req.complete || !last.shouldKeepAlive)) {
    return last.writableEnded ? socket.destroySoon() : void socket.destroy();
  }
  if (code === 'HPE_HEADER_OVERFLOW') return endWithProblem(socket, badRequest('its header fields are too large', 431));
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return endWithProblem(socket, badRequest('its head stalled', 408));
  if (code.startsWith('HPE_')) return endWithProblem(socket, badRequest(`it is not well-formed HTTP (${code})`));
  socket.destroy();
}
