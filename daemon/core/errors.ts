import { formatDollars, type Micros } from './amount.ts';

/** The closed list of reasons pag0 gives for not letting something happen. Programs branch on these, never on text. */
export const CODES = [
  'REQUEST_LIMIT_EXCEEDED',
  'AGENT_BUDGET_EXCEEDED',
  'SESSION_BUDGET_EXCEEDED',
  'RUN_BUDGET_EXCEEDED',
  'PROJECT_BUDGET_EXCEEDED',
  'DAILY_BUDGET_EXCEEDED',
  'ENDPOINT_NOT_ALLOWED',
  'APPROVAL_REQUIRED',
  'KILL_SWITCH',
  'LOOP_STOPPED',
  'AGENT_LIMIT_EXCEEDED',
  'PROTECTED_FILE',
  'PERSON_REQUIRED',
  'CONFIG_INVALID',
  'LEDGER_UNAVAILABLE',
  'SESSION_UNKNOWN',
  'BAD_REQUEST',
  'NOT_FOUND',
  'FORBIDDEN',
  'DRAINING',
  'UPSTREAM_FAILED',
  'UPSTREAM_UNTRUSTED',
  'UPSTREAM_TIMEOUT',
  'CACHE_UNAVAILABLE',
  'PROXY_CREDENTIALS_INVALID',
  'GATEWAY_LOOP',
  'REQUEST_TOO_LARGE',
  'PRICE_CHANGED',
  'PAYEE_CHANGED',
  'ASSET_NOT_ALLOWED',
  'INSUFFICIENT_FUNDS',
  'PAYMENT_UNKNOWN',
  'PAYMENT_FAILED',
] as const;

export type Code = (typeof CODES)[number];

export type ScopeKind = 'request' | 'agent' | 'session' | 'run' | 'project' | 'day';

export const SCOPE_CODE: Record<ScopeKind, Code> = {
  request: 'REQUEST_LIMIT_EXCEEDED',
  agent: 'AGENT_BUDGET_EXCEEDED',
  session: 'SESSION_BUDGET_EXCEEDED',
  run: 'RUN_BUDGET_EXCEEDED',
  project: 'PROJECT_BUDGET_EXCEEDED',
  day: 'DAILY_BUDGET_EXCEEDED',
};

export interface RefusalDetails {
  scope: string;
  /** µ$, decimal string: what the scope has spent, open reservations included. */
  spent?: string;
  limit?: string;
  /** What this call would have cost. */
  price?: string;
  /** What a person approves it by. */
  approval?: string;
}

/**
 * An expected outcome, not a thrown error: the call does not happen. `sentence` is the only text the model reads; it
 * says what happened, the numbers, and what to do instead, and never invites a retry.
 */
export interface Refusal {
  code: Code;
  sentence: string;
  details: RefusalDetails;
  /**
   * Set where the agent cannot go on with paid work, so that it is ended and does not ask for ever: why, in a few words
   * for the report and the person, "researcher-1 has spent $1.50 of $1.50".
   */
  ends: string | null;
}

export function refusal(code: Code, text: string, details: RefusalDetails, ends: string | null = null): Refusal {
  return { code, sentence: `pag0 ${code}: ${isMoneyLimit(code) ? MONEY_LIMIT : ''}${text}`, details, ends };
}

/**
 * Said first. Wrappers that run a client in a loop read its output for the limits of the client's own plan or of the API, wait until those
 * are over and go on; a budget that is spent does not come back by waiting.
 */
export const MONEY_LIMIT = 'money limit set by the user in pag0: ';

export function isMoneyLimit(code: string): boolean {
  return Object.values<string>(SCOPE_CODE).includes(code);
}

/** A broken part, as opposed to a refused call. Carries a code and, where there is one, the repair. */
export class Pag0Error extends Error {
  readonly code: Code;
  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'Pag0Error';
    this.code = code;
  }
}

/** "$1.45 of $1.50" */
export function spentOf(spent: Micros, limit: Micros): string {
  return `${formatDollars(spent)} of ${formatDollars(limit)}`;
}
