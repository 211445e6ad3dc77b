import type { Verdict } from './parts.ts';

/** What the client is told, before it is put into the words of its protocol (`http/answer.ts`). */
export interface Reply {
  verdict?: Verdict;
  /** Ends the agent or the loop, with this sentence. */
  stop?: string;
  /** For the model. */
  context?: string;
  /** For the person. */
  message?: string;
  /** Answers a slash command on the screen, without a model call. */
  block?: string;
}

/** Who sent an event. It says so of itself, so the system is asked, and only when something hangs on it. */
export interface Sender {
  /** It tells of an event that the client may have told of itself. */
  second?: boolean;
  /** The session's client itself, and no program that it started. */
  isClient(): Promise<boolean>;
  /** That, and a person sits at it. */
  isPerson(): Promise<boolean>;
}
