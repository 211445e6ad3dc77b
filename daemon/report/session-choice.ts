import { basename, dirname, sep } from 'node:path';
import type { Session } from '../core/tree.ts';
import type { Forest } from './forest.ts';

/** Which session or run somebody means. */
export type NotChosen = { ok: false; code: 'BAD_REQUEST' | 'NOT_FOUND'; problem: string };
export type ChosenSession = { ok: true; session: Session } | NotChosen;
export type ChosenRun = { ok: true; run: string } | NotChosen;

/** How far back a folder's sessions are looked for. */
const LOOK_BACK = 200;
const SHORTEST_PREFIX = 4;

/**
 * The session that is named; else the latest in this folder or above it; else the latest. `atWork`: whoever gives an order means one
 * that has not ended, if there is any.
 */
export function chooseSession(forest: Forest, query: URLSearchParams, prefer: 'latest' | 'atWork' = 'latest'): ChosenSession {
  const named = query.get('session');
  if (named !== null && named !== 'latest') return sessionNamed(forest, named);
  const cwd = query.get('cwd');
  const latest = forest.newest.slice(0, LOOK_BACK).map(forest.session).filter((one) => one !== undefined);
  // A nested session is part of the one that started it, and that is what a person asks about.
  const own = latest.filter((one) => one.parent === null);
  const here = cwd === null ? [] : own.filter((one) => worksIn(one, cwd));
  const first = (sessions: readonly Session[]): Session | undefined => (prefer === 'atWork' ? sessions.find((one) => one.endedAt === null) : undefined) ?? sessions[0];
  const session = first(here) ?? first(own) ?? latest[0];
  return session === undefined ? { ok: false, code: 'NOT_FOUND', problem: 'pag0 has seen no session yet' } : { ok: true, session };
}

export function sessionNamed(forest: Forest, named: string): ChosenSession {
  const exact = forest.session(named);
  if (exact !== undefined) return { ok: true, session: exact };
  const found = beginningWith(forest.newest, named, 'session');
  const session = found.ok ? forest.session(found.id) : undefined;
  return session !== undefined ? { ok: true, session } : found.ok ? unknown(named, 'session') : found;
}

/** A run is named by `PAG0_RUN`, else after the session that began it. */
export function runNamed(forest: Forest, named: string): ChosenRun {
  const runs = [...new Set(forest.newest.map((id) => forest.runOf(id)))];
  if (runs.includes(named)) return { ok: true, run: named };
  const found = beginningWith(runs, named, 'run');
  return found.ok ? { ok: true, run: found.id } : found;
}

function beginningWith(ids: readonly string[], named: string, noun: 'session' | 'run'): { ok: true; id: string } | NotChosen {
  const starting = named.length < SHORTEST_PREFIX ? [] : ids.filter((id) => id.startsWith(named));
  if (starting.length > 1) return { ok: false, code: 'BAD_REQUEST', problem: `${starting.length} ${noun}s begin with ${JSON.stringify(named)}; write more of the id` };
  return starting.length === 1 ? { ok: true, id: starting[0]! } : unknown(named, noun);
}

function unknown(named: string, noun: 'session' | 'run'): NotChosen {
  return { ok: false, code: 'NOT_FOUND', problem: `pag0 does not know the ${noun} ${JSON.stringify(named)}; \`pag0 sessions\` lists those it knows` };
}

function worksIn(session: Session, cwd: string): boolean {
  const project = basename(session.project) === '.git' ? dirname(session.project) : session.project;
  return contains(session.cwd, cwd) || contains(project, cwd);
}

function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
