import type { z } from 'zod';
import type { sessionRegistration } from '../contract/events.ts';
import type { SessionAnswer } from '../contract/routes.ts';
import { enforces, ruled } from '../core/mode.ts';
import { MAIN, type Session } from '../core/tree.ts';
import { lifeOf } from '../lifecycle/peer.ts';
import { credible, type StartedBy } from './credible.ts';
import { killedSentence, sessionKilled } from './kill-switch.ts';
import { settleLeftovers } from './leftovers.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';
import { endedOutside } from './outside-loops.ts';
import { wake } from './schedules.ts';
import { stillDriven } from './state-file.ts';
import { modeOf, notePrompt, noteUnnamedPrompt, stoppedLoopOf, type Author } from './turns.ts';

/** A command hook speaks for its session: at its start, and with every prompt. So can any other program that reads the home's token. */
type Told = z.infer<typeof sessionRegistration>;
type Optional = 'sealed' | 'promptDigest' | 'command';

export async function registerSession(parts: Parts, told: Omit<Told, Optional> & Partial<Pick<Told, Optional>>, startedBy: StartedBy = async () => false): Promise<SessionAnswer> {
  const registration = {
    id: told.session_id,
    cwd: told.cwd,
    project: told.project,
    ownProxy: told.ownProxy,
    transcript: told.transcript_path,
    attended: told.attended,
    clientPid: told.clientPid,
    options: told.options,
    run: told.run,
    parentSession: told.parent.session,
    ancestors: told.ancestors,
  };
  const believed = await credible(parts.sessions, registration, startedBy);
  const live = parts.sessions.register({ ...believed, clientLife: await lifeIn(parts.sessions.get(told.session_id)?.session, believed.clientPid) });
  if (told.event === 'user-prompt-submit') {
    const stop = await beginPrompt(parts, live, { id: told.prompt_id, author: told.author, digest: told.promptDigest ?? null, command: told.command ?? null });
    if (stop !== null) return { stop };
  }
  const sentences = [
    ...parts.policies.problems(live.session).map(({ says, stays }) => `pag0 CONFIG_INVALID: ${says}; ${stays}.`),
    ...(told.event === 'session-start' ? parts.policies.remarks(live.session).map((text) => `pag0: ${text}.`) : []),
    ...(told.event === 'session-start' && !enforces(modeOf(parts, live)) ? [SHADOW] : []),
    ...(told.event === 'session-start' ? killedNotice(parts, live) : []),
    ...live.notices.splice(0),
  ];
  const gateway = await parts.access(live);
  return { ...(gateway === undefined ? {} : { gateway }), ...(sentences.length === 0 ? {} : { notice: sentences.join('\n') }) };
}

/** Asked once of each process: most prompts come from the one that is known. */
async function lifeIn(known: Session | undefined, pid: number | null): Promise<string | null> {
  if (pid === null) return null;
  return known?.clientPid === pid && known.endedAt === null && known.clientLife != null ? known.clientLife : lifeOf(pid);
}

/** Who stopped a project yesterday wonders today why nothing goes. */
function killedNotice(parts: Parts, live: Live): string[] {
  const killed = sessionKilled(parts, live.session);
  return killed === null ? [] : [`pag0: ${killedSentence(killed)}`];
}

const SHADOW = 'pag0: shadow mode: nothing is refused or paid; /pag0-report shows what would have been.';

interface Prompt {
  /** null: a client that names none. */
  id: string | null;
  author: Author;
  digest: string | null;
  command: string | null;
}

/**
 * A prompt of the client's own does not wake a loop that was ended: the sentence is what it gets. At a person's prompt
 * the main thread listens again, so none of its earlier calls is still in flight.
 */
async function beginPrompt(parts: Parts, live: Live, { id, author, digest, command }: Prompt): Promise<string | null> {
  const { turn } = live;
  const schedule = digest === null ? undefined : live.schedules.get(digest);
  if (author !== 'person' || schedule !== undefined) {
    const own = schedule === undefined ? turn : schedule.turn;
    const ended = own === null ? null : ruled(modeOf(parts, live), stoppedLoopOf(parts, live, own)).stands;
    if (ended !== null) return `pag0 LOOP_STOPPED: ${ended.name} was ended because ${ended.stopped!.reason}, so nothing that reports back starts it again; a prompt of yours goes on from here.`;
  } else {
    await settleLeftovers(parts, live, MAIN);
    if (turn !== null) await settleLeftovers(parts, live, turn.agent);
    const stop = (await endedOutside(parts, live, digest)) ?? (command === null ? stillDriven(parts, live) : null);
    if (stop !== null) return stop;
  }
  if (schedule !== undefined) wake(parts, live, schedule, id);
  else if (id === null) noteUnnamedPrompt(parts, live, author, command);
  else notePrompt(parts, live, id, author);
  return null;
}
