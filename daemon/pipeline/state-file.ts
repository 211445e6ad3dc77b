import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { enforces } from '../core/mode.ts';
import type { Agent } from '../core/tree.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';
import { isStopped, modeOf } from './turns.ts';

/** Folders below the project's where plugins keep what a loop is at. */
const FOLDERS = ['.claude', '.omc/state', '.ralph'];
/** What a loop writes beside its state is none of it. */
const STATE = /(?:\.local\.md|\.state\.json|-state\.json|\.state)$/;

/**
 * The file by which a loop that was ended goes on driving its session: plugins that refuse to be stopped keep one, and
 * look for it at every Stop. Known by the loop's name where it has one, else by saying that it is a loop's. null: none
 * is found, which does not mean that there is none.
 */
export function stateFileOf(cwd: string, loop: Agent): string | null {
  const words = loop.type === 'loop' ? ['loop', 'ralph'] : [loop.type, loop.type.replace(/-loop$/, '')];
  for (const folder of FOLDERS) {
    const name = namesIn(join(cwd, folder)).find((one) => STATE.test(one) && words.some((word) => one.includes(word)));
    if (name !== undefined) return `${folder}/${name}`;
  }
  return null;
}

/** The loop of this session that was ended and that its hook may drive on. */
export function endedLoopIn(parts: Parts, live: Live): Agent | null {
  return [...live.session.agents.values()].findLast((agent) => agent.kind === 'loop' && isStopped(parts, live, agent)) ?? null;
}

/** How it ends for good, for the person. */
export function howToEnd(cwd: string, loop: Agent): string {
  const file = stateFileOf(cwd, loop);
  const command = loop.type.startsWith('ralph') ? ' (for ralph-loop /cancel-ralph)' : '';
  if (file !== null) return `remove ${file}, or use its own command to cancel it${command}, to end it for good`;
  return `its own hook${loop.driver === undefined ? '' : ` (${loop.driver})`} drives every prompt on as long as its state file is there; use its own command to cancel it${command} to end it for good`;
}

/**
 * Where nobody sits at the session, an answer after which another plugin's hook wants to go on is printed nowhere, so the
 * model is not asked for one while the file is there. On the screen the answer stands above, and `stop.ts` keeps it so.
 */
export function stillDriven(parts: Parts, live: Live): string | null {
  if (live.session.attended || !enforces(modeOf(parts, live))) return null;
  const loop = endedLoopIn(parts, live);
  if (loop === null || stateFileOf(live.session.cwd, loop) === null) return null;
  return `pag0 LOOP_STOPPED: ${loop.name} was ended because ${loop.stopped!.reason}, and its state file still drives every prompt of this session, so this one was not sent to the model and its answer is not lost; ${howToEnd(live.session.cwd, loop)}, then ask again.`;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, 1_000);
  } catch {
    return [];
  }
}
