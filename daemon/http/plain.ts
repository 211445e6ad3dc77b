import type { ServerResponse } from 'node:http';
import type { Code } from '../core/errors.ts';

/**
 * An answer that needs no web `Response`. On the path of every tool call, building one and taking it apart again costs
 * more than the decision it carries (`npm run bench -- decisions`).
 */
export interface PlainAnswer {
  status: number;
  text: string;
}

export type ProblemStatus = 400 | 403 | 404 | 409 | 413 | 500 | 503;

/** What every route says when it cannot do what was asked: a code to branch on, a sentence to read. */
export function problemAnswer(status: ProblemStatus, code: Code, message: string): PlainAnswer {
  return { status, text: JSON.stringify({ error: { code, message } }) };
}

export function writePlain(outgoing: ServerResponse, { status, text }: PlainAnswer): void {
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}
