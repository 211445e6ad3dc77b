import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { WebAnswer } from '../ports.ts';
import { answerFields } from './fields.ts';
import { UpstreamError, upstreamError } from './upstream-error.ts';

/** A request that undici would send by itself a second time: it may cost money twice. */
const SENT_TWICE = new Error('the connection was lost after the request had been sent');

/**
 * One request, one answer. undici's own `request` is not used, since it cannot tell whether anything was sent: here undici
 * calls `onRequestStart` right before it writes the first byte.
 */
export function exchange(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions, signal: AbortSignal): Promise<WebAnswer> {
  const origin = String(options.origin);
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null;
    let body: Readable | null = null;
    let ended = false;

    const fail = (error: unknown): void => {
      ended = true;
      signal.removeEventListener('abort', abort);
      const failure = upstreamError(error, origin, controller !== null);
      if (body === null) reject(failure);
      else body.destroy(failure);
    };
    const abort = (): void => {
      const gone = new UpstreamError('UPSTREAM_FAILED', `The exchange with ${origin} was given up.`, { sent: controller !== null, cause: signal.reason });
      // Not yet started: undici learns of it when it comes to this request.
      if (controller === null) fail(gone);
      else controller.abort(gone);
    };

    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    dispatcher.dispatch(options, {
      onRequestStart(started) {
        if (ended) return started.abort(new Error('given up'));
        if (controller !== null) return started.abort(SENT_TWICE);
        controller = started;
      },
      onResponseStart(current, status) {
        // RFC 9110, section 15.2: interim answers may be discarded.
        if (status < 200) return;
        body = bodyOf(current, () => ended);
        resolve({ status, fields: answerFields((current.rawHeaders ?? []) as Buffer[]), body });
      },
      onResponseData(current, chunk) {
        if (body?.push(chunk) === false) current.pause();
      },
      onResponseEnd() {
        ended = true;
        signal.removeEventListener('abort', abort);
        body?.push(null);
      },
      onResponseError(_current, error) {
        fail(error);
      },
    });
  });
}

/** Read no faster than it is wanted. Destroying it before its end ends the exchange. */
function bodyOf(controller: Dispatcher.DispatchController, ended: () => boolean): Readable {
  return new Readable({
    highWaterMark: 64 * 1024,
    read: () => controller.resume(),
    destroy(error, done) {
      if (!ended()) controller.abort(error ?? new Error('the answer is not wanted any more'));
      done(error);
    },
  });
}
