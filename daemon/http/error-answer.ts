import type { Code } from '../core/errors.ts';

/** What every route says when it cannot do what was asked: a code to branch on, a sentence to read. */
export function errorAnswer(status: 400 | 403 | 404 | 409 | 413 | 500 | 503, code: Code, message: string): Response {
  return Response.json({ error: { code, message } }, { status });
}
