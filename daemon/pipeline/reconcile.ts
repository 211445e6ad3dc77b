import { clientRuns } from './client-process.ts';
import { endSession } from './hook.ts';
import { withoutPayments } from './leftovers.ts';
import type { Parts } from './parts.ts';

/**
 * Puts in order what a crash left behind, of this daemon at its start, of a client at any time: a reservation whose
 * client is gone gets its end, one whose client still works waits for its answer as before.
 */
export async function reconcile(parts: Parts): Promise<void> {
  const withMoney = await parts.ledger.openSessions();
  const ids = new Set([...withMoney, ...parts.sessions.all().map((live) => live.session.id)]);
  for (const id of ids) {
    const live = parts.sessions.get(id);
    if (live === undefined) await settleUnknown(parts, id);
    // Without a process to look at a session is taken to live; its open reservations end with its next prompt.
    else if (live.session.endedAt === null && live.session.clientPid !== null && !(await clientRuns(live.session))) await endSession(parts, live);
    // Its client waits for calls, not for payments that a daemon began and was killed over.
    else if (withMoney.includes(id)) await withoutPayments(parts, await parts.ledger.open({ session: id, kind: 'settled' }));
  }
}

/** A session that is not in the roster can never speak again; what it may have spent counts. */
async function settleUnknown(parts: Parts, session: string): Promise<void> {
  for (const { key } of await withoutPayments(parts, await parts.ledger.open({ session }))) await parts.ledger.post(key, parts.clock());
}
