import type { Micros } from './core/amount.ts';
import type { Agent, Link, Session } from './core/tree.ts';
import type { Balance, Exceeded, Scope } from './core/transfer.ts';

/** The edges of the daemon, as the pipeline sees them. Each has a suite that every implementation passes. */

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** Money kinds, never added silently: `settled` by x402, `billed` by price table, `estimated` model tokens. */
export type MoneyKind = 'billed' | 'settled' | 'estimated';

/** Who a journal row belongs to. */
export interface Origin {
  session: string;
  agent: string;
  run: string;
  project: string;
}

/** One request (or several equal ones) inside a tool call. */
export interface Line {
  tool: string;
  endpoint: string;
  amount: Micros;
  requests: number;
}

export interface Reserve {
  /** The call's own id; the same key again is the same reservation, never a second one. */
  key: string;
  origin: Origin;
  lines: readonly Line[];
  /** Narrowest first. All of them are charged, or none. */
  scopes: readonly Scope[];
  kind: MoneyKind;
  at: number;
}

export type Reserved =
  | { outcome: 'reserved' }
  /** The key is known: nothing was charged again. `ended` tells whether it is over already. */
  | { outcome: 'duplicate'; ended: boolean }
  | { outcome: 'exceeded'; exceeded: Exceeded };

export interface OpenReservation {
  key: string;
  origin: Origin;
  amount: Micros;
  scopes: readonly string[];
  /** Its outcome is unknown, and it waits for proof. */
  held: boolean;
  at: number;
}

/** A row that moves no money: a free call, or one that was refused. */
export interface Note {
  what: 'free' | 'refused';
  origin: Origin;
  tool: string;
  endpoint: string;
  requests: number;
  at: number;
  code?: string;
}

/** Rows of the journal added up; a report is built of these and of balances, and only reads. */
export interface JournalSum {
  session: string;
  agent: string;
  tool: string;
  endpoint: string;
  what: 'posted' | 'held' | 'free' | 'refused';
  code: string | null;
  kind: MoneyKind;
  amount: Micros;
  requests: number;
}

/** `since` and `until` count by quarters of an hour; days begin on them in every time zone. */
export type JournalFilter = { session: string } | { run: string } | { project: string } | { since: number; until: number } | { all: true };

/**
 * The book of money: append-only, integers. Every promise is durable before it resolves. Rejects with
 * `LEDGER_UNAVAILABLE` when the store cannot be written; then nothing was charged.
 */
export interface Ledger {
  reserve(request: Reserve): Promise<Reserved>;
  /** Spent: by default what was reserved, else `actual`. False when the key is not open. */
  post(key: string, at: number, actual?: Micros): Promise<boolean>;
  /** Not spent. */
  void(key: string, at: number, reason: string): Promise<boolean>;
  /** Unknown: stays counted until a later post or void. */
  hold(key: string, at: number, reason: string): Promise<boolean>;
  /** Written behind: it moves no money, so nobody waits for it, and a crash may lose the last of them. */
  note(note: Note): void;
  balances(keys: readonly string[]): Promise<Balance[]>;
  open(filter: { session: string; agent?: string }): Promise<OpenReservation[]>;
  /** Sessions with open reservations, so that nobody has to read all of them to find whose they are. */
  openSessions(): Promise<string[]>;
  /** True the first time a mark is set, for things that happen once per scope. */
  mark(name: string, at: number): Promise<boolean>;
  sums(filter: JournalFilter): Promise<JournalSum[]>;
  close(): Promise<void>;
}

/** A person's word, or a model's that only lowers: kept for ever, newest wins. */
export interface Directive {
  kind: 'limit' | 'kill' | 'resume';
  /** The scope's key, or `all`. */
  scope: string;
  limit: Micros | null;
  by: 'person' | 'agent';
  at: number;
}

/** What must outlive the daemon besides money: the tree and what people ordered. Written behind, read at start. */
export interface Roster {
  saveSession(session: Session): void;
  saveAgent(sessionId: string, agent: Agent): void;
  session(id: string): Session | undefined;
  /** Newest first. */
  recent(limit: number): { id: string; startedAt: number; parent: Link | null }[];
  saveDirective(directive: Directive): Promise<void>;
  directives(): Directive[];
}
