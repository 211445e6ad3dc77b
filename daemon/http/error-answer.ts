import type { Code } from '../core/errors.ts';
import { problemAnswer, type PlainAnswer, type ProblemStatus } from './plain.ts';

/** A problem as the routes of `/v1` say it. */
export function errorAnswer(status: ProblemStatus, code: Code, message: string): Response {
  return asResponse(problemAnswer(status, code, message));
}

export function asResponse({ status, text }: PlainAnswer): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/json' } });
}
