import type { Policies } from '../config/policies.ts';
import type { ShellReading } from '../core/invocation.ts';
import type { Refusal } from '../core/errors.ts';
import type { Sandbox } from '../core/sandbox.ts';
import type { GatewayAccess } from '../contract/routes.ts';
import type { Clock, Ledger, Roster } from '../ports.ts';
import type { Approvals } from './approvals.ts';
import type { Directives } from './directives.ts';
import type { Recall } from './recall.ts';
import type { Live, Sessions } from './sessions.ts';
import type { GatewayWays } from './gateway-calls.ts';
import type { ShellCalls } from './shell-calls.ts';

/** What the steps of the pipeline are given. */
export interface Parts {
  ledger: Ledger;
  roster: Roster;
  sessions: Sessions;
  policies: Policies;
  directives: Directives;
  clock: Clock;
  /** The calendar day of an instant, in the user's zone. */
  dayOf: (at: number) => string;
  readShell: (command: string) => ShellReading;
  /** Reservations whose request the gateway has on its way: nobody else ends them. */
  underway: Set<string>;
  /** What a session's environment is told of the gateway; undefined: nothing new. */
  access(live: Live): Promise<GatewayAccess | null | undefined>;
  /** What the client's settings say of the sandbox that the session's commands run in. */
  sandboxOf(live: Live): Sandbox;
  /** null where no gateway runs: then the hook charges what it can read. */
  gateway: GatewayWays | null;
  /** null where the system tells nobody's processes apart. */
  shells: ShellCalls | null;
  /** null where there is no cache: then every call runs. */
  recall: Recall | null;
  /** Folders that no agent's tool may write to: pag0's own. */
  protectedPaths: readonly string[];
  /** Payments that wait for a person's yes. */
  approvals: Approvals;
  /** Whose money it is, lower-case; empty while there is no wallet. */
  wallet(): string;
  /** For the log, in shadow: what was not done. */
  watched(text: string, fields: Record<string, string>): void;
  /** The daemon's own address, as a command might name it. */
  ownAddress: RegExp;
}

/** A tool call as the client's hook tells it, already parsed. */
export interface ToolCall {
  id: string;
  tool: string;
  input: Record<string, unknown>;
  agentId: string | undefined;
  agentType: string | undefined;
  promptId: string | undefined;
  permissionMode: string | null;
}

/** What the client is to be told about a call that has not run yet. */
export type Verdict =
  | { verdict: 'pass' }
  /** It does not run: this is what it would have been told. */
  | { verdict: 'serve'; text: string }
  | { verdict: 'ask'; sentence: string }
  | { verdict: 'refuse'; refusal: Refusal };

export const PASS: Verdict = { verdict: 'pass' };
