import { Pag0Error } from '../core/errors.ts';

export type UpstreamCode = 'UPSTREAM_FAILED' | 'UPSTREAM_UNTRUSTED' | 'UPSTREAM_TIMEOUT';

/** No answer, or none to its end. */
export class UpstreamError extends Pag0Error {
  override readonly code: UpstreamCode;
  /** False only where it is certain that not one byte of the request left: then nobody can have been paid for it. */
  readonly sent: boolean;

  constructor(code: UpstreamCode, message: string, options: { sent: boolean; cause?: unknown }) {
    super(code, message, { cause: options.cause });
    this.name = 'UpstreamError';
    this.code = code;
    this.sent = options.sent;
  }
}

/** From what undici, the sockets or OpenSSL threw. Whom it concerns is said in the message, for a person; programs read the code. */
export function upstreamError(error: unknown, origin: string, sent: boolean): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = codeOf(error);
  if (UNTRUSTED.test(code)) return new UpstreamError('UPSTREAM_UNTRUSTED', `The certificate of ${origin} cannot be trusted (${code}).`, { sent, cause: error });
  if (TIMED_OUT.has(code)) return new UpstreamError('UPSTREAM_TIMEOUT', `${origin} did not answer in time (${code}).`, { sent, cause: error });
  const why = code === '' ? (error instanceof Error ? error.message : String(error)) : code;
  return new UpstreamError('UPSTREAM_FAILED', `The exchange with ${origin} failed (${why}).`, { sent, cause: error });
}

/** The server refused every protocol we named (RFC 7301, section 3.2). */
export function speaksNoHttp1(error: unknown): boolean {
  return codeOf(error) === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';
}

/** OpenSSL's names of what a verification found, and Node's own for a name that does not match. */
const UNTRUSTED =
  /^(CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_|ERROR_IN_CERT_|EE_KEY_|CA_MD_|CA_KEY_)/;
const TIMED_OUT = new Set(['CONNECT_TIMEOUT', 'ANSWER_TIMEOUT', 'BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** The innermost cause says most: undici wraps some errors of the socket, a `connect` to several addresses collects them. */
function codeOf(error: unknown): string {
  let found = '';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') found = code;
  }
  return found;
}
