import type { Case, World } from './case.ts';
import type { Certificates } from './certificates.ts';
import type { Seen } from './recorder.ts';

/** Sessions played one after the other on one machine. */
export interface Job {
  readonly plan: string;
  /** null: the same without pag0. */
  readonly pag0: Setup | null;
  readonly certificates: Certificates;
}

export interface Setup {
  readonly world: World;
  /** The person's `config.json`; null: none. */
  readonly config: object | null;
  /** A wallet's key, as the plugin's settings hold it. */
  readonly walletKey?: string;
}

/** One session of the client: what it runs, and how the person started it. */
export interface Session {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: object;
  /** `skip`: permissions are skipped. */
  readonly mode: 'skip' | 'default' | 'acceptEdits' | 'dontAsk' | 'plan';
  readonly args?: readonly string[];
  /** Who stands on pag0's port before it can. */
  readonly stranger?: true;
}

/** What became of one case. Bytes are latin1. */
export interface Observation {
  readonly name: string;
  /** The call as the client tells of it. */
  readonly input: unknown;
  /** What the model reads. */
  readonly text: string;
  readonly isError: boolean;
  /** The tool's own result: standard output and error apart, and more. */
  readonly outcome: unknown;
  readonly requests: readonly Seen[];
  /** Programs that were started, each with its arguments. */
  readonly programs: readonly string[];
  /** Never compared: for who looks for what made a run slow. */
  readonly tookMs: number;
  /** What was written, changed or taken away, by path. */
  readonly files: Readonly<Record<string, string>>;
}

export interface PlayedSession {
  readonly name: string;
  readonly observations: readonly Observation[];
  readonly result: string | null;
  readonly denials: number;
  readonly exitCode: number | null;
  readonly stderr: string;
  /** What the model was told beside prompts and results. */
  readonly reminders: readonly string[];
  readonly durationMs: number;
}

export interface Played {
  readonly sessions: readonly PlayedSession[];
  /** What this machine does not have, and what it was for. */
  readonly missing: readonly string[];
}
