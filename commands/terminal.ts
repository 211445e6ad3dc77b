import type { Client } from '../daemon/contract/client.ts';
import type { Home } from '../daemon/contract/home.ts';

/** What a command is given, so that it can be tried without a process. */
export interface Terminal {
  env: Record<string, string | undefined>;
  cwd: string;
  pid: number;
  /** A person may be typing: stdin is a terminal. */
  interactive: boolean;
  home: Home;
  port: number;
  client: Client;
  out(text: string): void;
  err(text: string): void;
  /** Shows the question and reads a line. */
  ask(question: string): Promise<string>;
  /** The same without showing what is typed, and at the terminal also when stdin is none; null: there is no terminal. */
  askSecret(question: string): Promise<string | null>;
  /** What was sent to stdin. */
  readInput(): Promise<string>;
}

/** How a command ends, as its process does: 2 is for what was typed wrongly. A program that is run for somebody ends as it likes. */
export const DONE = 0;
export const FAILED = 1;
export const MISUSED = 2;
export type Exit = number;
