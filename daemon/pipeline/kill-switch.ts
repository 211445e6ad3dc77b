import { DEFAULT_POLICY } from '../core/policy.ts';
import type { Scope } from '../core/transfer.ts';
import { MAIN, type Session } from '../core/tree.ts';
import { ALL, type Directives } from './directives.ts';
import type { Parts } from './parts.ts';
import { standingOf } from './scopes.ts';

/** Paid calls are stopped for one of the accounts that an agent's calls are charged to, or for everything. */
export interface Killed {
  /** `this project`, `everything` */
  label: string;
  /** What `resume` has to name to lift it, in a session of that account. */
  lift: string;
}

/** The broadest account that is stopped: while that is, lifting a narrower one lets nothing go on. */
export function killedBy(directives: Pick<Directives, 'killed' | 'isKilled'>, scopes: readonly Scope[]): Killed | null {
  if (directives.isKilled(ALL)) return { label: 'everything', lift: ALL };
  const scope = scopes.findLast(({ key }) => directives.isKilled(key));
  return scope === undefined ? null : { label: scope.label, lift: liftOf(scope, scopes) };
}

/** Of several sessions, one that started the other, the own one needs no name. */
function liftOf({ kind, key, label }: Scope, scopes: readonly Scope[]): string {
  if (kind === 'agent') return `agent ${label}`;
  const own = scopes.find((scope) => scope.kind === 'session');
  return kind === 'session' && key !== own?.key ? `session ${key.slice(key.indexOf(':') + 1)}` : kind;
}

/** "Paid calls are stopped for this project; /pag0-resume project lifts that." */
export function killedSentence({ label, lift }: Killed): string {
  return `Paid calls are stopped for ${label}; /pag0-resume ${lift} lifts that.`;
}

/** Of a session, by everything its main thread is charged to. */
export function sessionKilled(parts: Pick<Parts, 'policies' | 'directives' | 'sessions' | 'clock' | 'dayOf'>, session: Session): Killed | null {
  const accounts = standingOf(session, MAIN, (one) => parts.policies.of(one)?.policy ?? DEFAULT_POLICY, parts.dayOf(parts.clock()), parts.directives, (id) => parts.sessions.get(id)?.session);
  return killedBy(parts.directives, accounts.scopes);
}
