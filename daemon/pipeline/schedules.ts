import { promptDigest } from '../contract/prompt-digest.ts';
import type { Turn } from '../core/loop.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/** A prompt that the client gives itself, once or again and again (`/loop`, ScheduleWakeup, CronCreate). */
export interface Schedule {
  /** The work it belongs to; null until it first comes, where a person's prompt has only set it up. */
  turn: Turn | null;
}

const MAX_SCHEDULES = 64;

/** What a Stop tells of the session's schedules. Those that `/loop` has made go on with its own turn. */
export function noteSchedules(live: Live, crons: readonly unknown[]): void {
  for (const cron of crons.slice(0, MAX_SCHEDULES)) {
    const prompt = (cron as { prompt?: unknown } | null)?.prompt;
    if (typeof prompt !== 'string' || prompt === '') continue;
    const digest = promptDigest(prompt);
    if (live.schedules.has(digest)) continue;
    if (live.schedules.size >= MAX_SCHEDULES) live.schedules.delete(live.schedules.keys().next().value!);
    live.schedules.set(digest, { turn: isLoopCommand(live) ? live.turn : null });
  }
}

function isLoopCommand({ turn, session }: Live): boolean {
  return turn !== null && (turn.command === 'loop' || session.agents.get(turn.agent)?.kind === 'loop');
}

/** The prompt of a schedule has come: its work goes on, as a loop, whatever else was done in between. */
export function wake(parts: Parts, live: Live, schedule: Schedule, promptId: string | null): Turn {
  const turn = (schedule.turn ??= parts.sessions.beginTurn(live, promptId ?? `unnamed-${live.session.agents.size}`, null));
  parts.sessions.takeUp(live, turn);
  if (promptId !== null) turn.prompts.add(promptId);
  parts.sessions.recogniseLoop(live, turn);
  turn.resting = false;
  return turn;
}
