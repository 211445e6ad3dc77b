import type { Policy } from '../core/policy.ts';
import type { CachePlace } from '../ports.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/** Whose answers a session shares. Nested clients share with the one that started them: they are the same work. */
export function placeOf(parts: Pick<Parts, 'sessions' | 'wallet'>, live: Live, { cache: rules }: Policy): CachePlace {
  let { session } = live;
  for (let steps = 0; session.parent !== null && steps < 16; steps += 1) {
    const above = parts.sessions.get(session.parent.session)?.session;
    if (above === undefined) break;
    session = above;
  }
  const scope = rules.scope === 'session' ? `session:${session.id}` : rules.scope === 'project' ? `project:${session.project}` : 'user';
  return { scope, wallet: parts.wallet(), rules };
}
