import type { ApprovalView } from './approval-views.ts';

import type { Mode } from '../core/mode.ts';
import type { ScopeWord } from './report-words.ts';

/**
 * What `pag0 budget`, `report`, `sessions` and the verbs that change a limit ask of the daemon, and the answers: plain types,
 * ready for JSON. Amounts are µ$ as decimal strings, times are milliseconds since the epoch.
 * Every `GET` takes `format=text` and then answers `{ text }`, the page as a person reads it.
 */
export const VIEWS = {
  /** `?session=ID` (or its beginning), `?cwd=FOLDER`, or nothing for the latest session. */
  budget: '/v1/budget',
  /** `?scope=session|run|project|today|all` of the session chosen as above, or `?run=ID`. */
  report: '/v1/report',
  /** `?limit=N` */
  sessions: '/v1/sessions',
  orders: '/v1/orders',
  /** The same question with nothing done: what would come of it, so that nobody is asked to confirm what is refused anyway. */
  orderCheck: '/v1/orders/check',
} as const;

export interface TextAnswer {
  text: string;
}

/** Where an agent is: its session, and its id in it. */
export interface Place {
  session: string;
  agent: string;
}

export interface Spending {
  /** Known to be spent. */
  spent: string;
  /** Set aside for calls in flight. */
  reserved: string;
  /** Outcome unknown; counts as spent until proof. */
  held: string;
  limit: string | null;
  /** What may still be spent; null without a limit. */
  remaining: string | null;
  /** Spent, reserved and held as a share of the limit; above 1 when an answer cost more than was set aside. */
  utilizationRate: number | null;
}

export interface ScopeView extends Spending {
  scope: 'session' | 'run' | 'project' | 'day' | 'agent';
  /** `this session`, `the session that started this one`, an agent's name. */
  label: string;
}

export interface StopView {
  code: string;
  reason: string;
  /** Iterations of a loop, else the calls that were refused. */
  attempts: number;
  at: number;
}

/** Spending is the agent's together with that of everything below it; `own` is the part it caused itself. */
export interface AgentView extends Spending {
  /** `researcher-1`; in a nested session `researcher-1/claude-1/executor-1`. */
  agentId: string;
  id: string;
  session: string;
  role: string;
  type: string;
  /** `turn`: the work that one slash command set off, where it has a budget of its own. */
  kind: 'main' | 'subagent' | 'turn' | 'loop';
  own: string;
  state: 'working' | 'ended' | 'stopped';
  /** The kill switch is on for it, or for a scope it is charged to. */
  killed: boolean;
  /** Why pag0 ended it, until a person lets it go on. */
  stopped: StopView | null;
  iterations: number;
  children: AgentView[];
}

export interface BudgetView {
  session: string;
  /** `shadow`: nothing is refused or paid. */
  mode: Mode;
  cwd: string;
  at: number;
  /** Of the session's own budget. */
  utilizationRate: number | null;
  scopes: ScopeView[];
  /** The broadest account for which paid calls are stopped, and what `resume` has to name; null: they are not. */
  killSwitch: { label: string; lift: string } | null;
  /** Answers from the cache in this session and all it started, and what they would have cost. */
  cacheHits: number;
  cacheSavings: string;
  /** `main`, and below it everyone it started. */
  tree: AgentView;
  /** Payments of this session, and of all it started, about which a person is asked. */
  approvals: ApprovalView[];
  /** What is wrong with the configuration, a sentence each. */
  problems: string[];
}

export type ReportScope = ScopeWord;

/** `requests` are those that were answered: paid, free, or `hits` of the cache; `refused` ones are not among them. */
export interface Counts {
  cost: string;
  /** Outcome unknown; not part of `cost`. */
  held: string;
  requests: number;
  free: number;
  /** Answered from the cache, and what their first asker had paid for each. */
  hits: number;
  saved: string;
  refused: number;
  /** In shadow: requests that went out and would have been refused, or asked about. */
  shadowed: number;
}

export interface AgentRow extends Counts {
  agentId: string;
  id: string;
  session: string;
  role: string;
  type: string;
  /** `turn`: the work that one slash command set off, where it has a budget of its own. */
  kind: 'main' | 'subagent' | 'turn' | 'loop';
  parent: Place | null;
  /** `cost` with that of everything below, as far as this report reaches. */
  total: string;
  /** Of the agent's own budget; null when it has none. */
  budgetUtilization: number | null;
  iterations: number;
  stopped: StopView | null;
}

export interface ToolRow extends Counts {
  tool: string;
}

export interface EndpointRow extends Counts {
  endpoint: string;
}

export interface SessionCounts extends Counts {
  session: string;
  cwd: string | null;
  startedAt: number | null;
}

export interface ReportStop extends StopView {
  agentId: string;
  id: string;
  session: string;
}

export interface Report {
  scope: ReportScope;
  /** The session, run or project it is about; null for a day and for everything. */
  session: string | null;
  run: string | null;
  project: string | null;
  from: number | null;
  to: number;
  totalCost: string;
  /** Requests that were answered, free ones and hits of the cache included. */
  totalRequests: number;
  free: number;
  cacheHitRate: number;
  cacheSavings: string;
  held: string;
  reserved: string;
  /** The total by the kind of money; they are told apart, never added up silently. */
  kinds: { settled: string; billed: string; estimated: string };
  refused: { total: number; byCode: Record<string, number> };
  /** `shadow`: nothing is refused or paid now. Of a session its own, else the user's. */
  mode: Mode;
  /** What shadow mode let pass and left unpaid. `byCode` counts questions by `APPROVAL_REQUIRED`, and loops that would have ended. */
  shadow: { refused: number; byCode: Record<string, number>; payments: number; unpaid: string };
  byAgent: AgentRow[];
  byTool: ToolRow[];
  byEndpoint: EndpointRow[];
  bySession: SessionCounts[];
  /** Oldest first. */
  stops: ReportStop[];
}

export interface SessionRow extends Spending {
  id: string;
  cwd: string;
  project: string;
  run: string;
  parent: Place | null;
  attended: boolean;
  startedAt: number;
  endedAt: number | null;
  agents: number;
}

export interface SessionsView {
  /** Newest first. */
  sessions: SessionRow[];
}

/** Whose limit, or who is stopped. An agent by its name or id; a session or a run without an id is that of the session asked in. */
export type Target = { kind: 'project' | 'day' | 'all' } | { kind: 'session' | 'run'; id?: string | undefined } | { kind: 'agent'; name: string };

export type OrderVerb = 'raise' | 'lower' | 'kill' | 'resume';

export interface OrderRequest {
  verb: OrderVerb;
  /** The session it is given in, or the beginning of its id; null: the latest one in this folder, one at work first. */
  session: string | null;
  cwd: string;
  target: Target;
  /** As typed, "$10"; the daemon reads it. */
  amount?: string;
  /** What the caller says of itself. A claim: the daemon looks for itself who is behind the connection. */
  by: { tty: boolean; pid: number };
}

/** When it was carried out; else an `ErrorAnswer`. */
export interface OrderAnswer {
  sentence: string;
}

/** What would be done, when it may be. */
export interface OrderCheckAnswer extends OrderAnswer {
  /** Whose it would be; null for everything. */
  session: string | null;
  cwd: string | null;
}
