import { isDeepStrictEqual } from 'node:util';
import { processesAbove } from '../lifecycle/peer.ts';
import { clientRuns, clientsAmong } from './client-process.ts';
import type { Registration, Sessions } from './sessions.ts';

/** Whether a process is the one that registers, or above it. False where that cannot be told. */
export type StartedBy = (pid: number) => Promise<boolean>;

/**
 * What is believed of a registration. Whose process a session's client is decides who may speak for its person, so the system is
 * asked: it is above the hook that it started. A session that is known goes over to another client once its own has gone, or works
 * at another one; until then, and for the same process, nothing makes it attended that was not. Everything else that is told of a
 * known session counts when its client, or a process below that, tells it.
 */
export async function credible(sessions: Sessions, told: Registration, startedBy: StartedBy): Promise<Registration> {
  const known = sessions.get(told.id);
  if (known === undefined) return atFirst(sessions, told, startedBy);
  const { session } = known;
  const asKnown: Registration = { ...told, attended: session.attended, clientPid: session.clientPid, options: session.options, transcript: session.transcript ?? told.transcript, ownProxy: known.ownProxy };
  if (saysNothingNew(told, asKnown) || told.clientPid === null || !(await startedBy(told.clientPid))) return asKnown;
  if (told.clientPid === session.clientPid) return { ...told, attended: session.attended };
  const isNested = (await clientsAbove(sessions, told.clientPid))?.length !== 0;
  const isFree = !(await clientRuns(session)) || (session.endedAt !== null && !isNested);
  return isFree ? { ...told, attended: told.attended && !isNested } : asKnown;
}

/** It may leave out that it runs below an agent's client; that the system shows. */
async function atFirst(sessions: Sessions, told: Registration, startedBy: StartedBy): Promise<Registration> {
  if (told.clientPid === null || !(await startedBy(told.clientPid))) return { ...told, clientPid: null };
  const above = await clientsAbove(sessions, told.clientPid);
  const untold = (above ?? []).filter((pid) => !told.ancestors.some((one) => one.pid === pid)).map((pid) => ({ pid, command: '' }));
  return { ...told, attended: told.attended && above?.length === 0, ancestors: [...told.ancestors, ...untold] };
}

/** Also of sessions that have ended: that they have is only told. null: what is above it cannot be seen. */
async function clientsAbove(sessions: Sessions, pid: number): Promise<number[] | null> {
  const above = await processesAbove(pid);
  return above === null ? null : clientsAmong(above.map((one) => one.pid).filter((one) => one !== pid), sessions.recalled().map(({ session }) => session));
}

/** Most prompts: then nothing needs a look. */
function saysNothingNew(told: Registration, known: Registration): boolean {
  return told.clientPid === known.clientPid && told.transcript === known.transcript && told.ownProxy === known.ownProxy && isDeepStrictEqual(told.options, known.options);
}
