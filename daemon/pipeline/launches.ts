import type { Link } from '../core/tree.ts';
import { bare, type Live, type Registration } from './sessions.ts';

/** A command of an agent's that handed work to a program outside the client's process tree. */
export interface Launch {
  agent: string;
  /** Without quotes and blanks. */
  text: string;
  at: number;
}

/**
 * Programs that run what they are told somewhere else: a terminal multiplexer's server, a service manager, a scheduler.
 * What they start is not below the client, and does not have its environment.
 */
const LAUNCHER = /(?:^|[\s;&|(`/'"])(?:tmux|screen|zellij|dtach|abduco|tmate|at|batch|systemd-run|launchctl|crontab|daemonize)\s/;

const MAX_LAUNCHES = 16;
const MAX_TEXT = 16_384;
/** What was handed over longer ago is not looked for. */
const REMEMBERED_MS = 60 * 60_000;
/** Letters that a client's arguments must have to be told from any other's. */
const MIN_ARGUMENTS = 8;

export function noteLaunch(live: Live, agent: string, command: string, at: number): void {
  if (!LAUNCHER.test(command)) return;
  live.launches.push({ agent, text: bare(command).slice(0, MAX_TEXT), at });
  if (live.launches.length > MAX_LAUNCHES) live.launches.shift();
}

/**
 * Whose command started a client that is below nobody's, as far as the text tells: its arguments stand in the command.
 * What a variable or a file held does not stand there, and such a client is nobody's.
 */
export function launcherOf(sessions: readonly Live[], { id, clientPid, ancestors }: Registration, now: number): Link | null {
  const client = ancestors.find(({ pid }) => pid === clientPid)?.command ?? '';
  const given = bare(client.slice(client.search(/\s-/) + 1));
  if (!/\s-/.test(client) || given.length < MIN_ARGUMENTS) return null;
  for (const { session, launches } of sessions) {
    if (session.id === id) continue;
    const launch = launches.findLast(({ text, at }) => at > now - REMEMBERED_MS && text.includes(given));
    if (launch !== undefined) return { session: session.id, agent: launch.agent };
  }
  return null;
}
