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
import { modeOf, notePrompt, stoppedLoopOf, type Author } from './turns.ts';

/** A command hook speaks for its session: at its start, and with every prompt. So can any other program that reads the home's token. */
export async function registerSession(parts: Parts, told: Omit<z.infer<typeof sessionRegistration>, 'sealed'>, startedBy: StartedBy = async () => false): Promise<SessionAnswer> {
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
  if (told.event === 'user-prompt-submit' && told.prompt_id !== null) {
    const stop = await beginPrompt(parts, live, told.prompt_id, told.author);
    if (stop !== null) return { stop };
  }
  const sentences = [...parts.policies.problems(live.session).map((text) => `pag0 CONFIG_INVALID: ${text}; the last good configuration stays in force.`), ...(told.event === 'session-start' && !enforces(modeOf(parts, live)) ? [SHADOW] : []), ...(told.event === 'session-start' ? killedNotice(parts, live) : []), ...live.notices.splice(0)];
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

/**
 * A prompt of the client's own does not wake a loop that was ended: the sentence is what it gets. At a person's prompt
 * the main thread listens again, so none of its earlier calls is still in flight.
 */
async function beginPrompt(parts: Parts, live: Live, promptId: string, author: Author): Promise<string | null> {
  const { turn } = live;
  if (author !== 'person') {
    const ended = turn === null ? null : ruled(modeOf(parts, live), stoppedLoopOf(parts, live, turn)).stands;
    if (ended !== null) return `pag0 LOOP_STOPPED: ${ended.name} was ended because ${ended.stopped!.reason}, so nothing that reports back starts it again; a prompt of yours goes on from here.`;
  } else {
    await settleLeftovers(parts, live, MAIN);
    if (turn !== null) await settleLeftovers(parts, live, turn.agent);
  }
  notePrompt(parts, live, promptId, author);
  return null;
}
