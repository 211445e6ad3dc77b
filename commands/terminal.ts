import type { Client } from '../daemon/contract/client.ts';
import type { Home } from '../daemon/contract/home.ts';
import type { Problem } from '../daemon/contract/problem.ts';
import type { HelloAnswer } from '../daemon/contract/routes.ts';

export type Started = { ok: true; started: boolean; hello: HelloAnswer } | { ok: false; problem: Problem };

/** What a command is given, so that it can be tried without a process. */
export interface Terminal {
  env: Record<string, string | undefined>;
  cwd: string;
  pid: number;
  /** A person may be typing: stdin is a terminal. */
  interactive: boolean;
  /** Columns of the terminal, for sentences that a person reads there; null: a program reads, and gets each in one line. */
  columns: number | null;
  /** `--json`: stdout is one JSON document, whatever happens. */
  json: boolean;
  home: Home;
  port: number;
  client: Client;
  /** Starts the daemon, or finds it running. */
  start(): Promise<Started>;
  out(text: string): void;
  err(text: string): void;
  /** Shows the question and reads a line. */
  ask(question: string): Promise<string>;
  /** The same without showing what is typed, and at the terminal also when stdin is none; null: there is no terminal. */
  askSecret(question: string): Promise<string | null>;
  /** What was sent to stdin. */
  readInput(): Promise<string>;
}

/**
 * How a command ends, as its process does. A program that is run for somebody ends as it likes. 64 is `EX_USAGE` of sysexits.h: what
 * was typed cannot be meant.
 */
export const DONE = 0;
export const FAILED = 1;
/** A person said no, or nothing, when asked. */
export const CANCELLED = 2;
/** A limit or a rule refuses it. */
export const REFUSED = 3;
/** A person has to say yes first. */
export const APPROVAL_NEEDED = 4;
export const UNREACHABLE = 5;
export const MISUSED = 64;
export type Exit = number;

/** Pages are made for a terminal of this width. */
export const WIDTH = 80;
