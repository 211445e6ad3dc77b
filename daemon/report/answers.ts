import { basename, dirname, sep } from 'node:path';
import type { BudgetView, Report, SessionsView, TextAnswer } from '../contract/views.ts';
import type { Session } from '../core/tree.ts';
import type { Parts } from '../pipeline/parts.ts';
import { budgetText } from './budget-text.ts';
import { budgetView } from './budget.ts';
import { readForest, type Forest } from './forest.ts';
import { reportText } from './report-text.ts';
import { isReportScope, reportOf, type ReportFilter } from './report.ts';
import { sessionsText, sessionsView } from './sessions.ts';

/** The answers to the questions of `contract/views.ts`, ready to be sent. */
export type Answered<T> = { ok: true; body: T | TextAnswer } | { ok: false; code: 'BAD_REQUEST' | 'NOT_FOUND'; problem: string };

type Chosen = { ok: true; session: Session } | { ok: false; code: 'BAD_REQUEST' | 'NOT_FOUND'; problem: string };

export async function budgetAnswer(parts: Parts, query: URLSearchParams): Promise<Answered<BudgetView>> {
  const forest = readForest(parts);
  const chosen = chooseSession(forest, query);
  if (!chosen.ok) return chosen;
  const view = await budgetView(parts, chosen, forest);
  return { ok: true, body: asText(query) ? { text: budgetText(view) } : view };
}

export async function reportAnswer(parts: Parts, query: URLSearchParams): Promise<Answered<Report>> {
  const forest = readForest(parts);
  const filter = filterFrom(forest, query);
  if ('ok' in filter) return filter;
  const report = await reportOf(parts, filter, forest);
  return { ok: true, body: asText(query) ? { text: reportText(report, parts.policies.timeZone()) } : report };
}

const MAX_SESSIONS = 500;

export async function sessionsAnswer(parts: Parts, query: URLSearchParams): Promise<Answered<SessionsView>> {
  const asked = query.get('limit') ?? '20';
  const limit = Number(asked);
  if (!/^\d+$/.test(asked) || limit < 1 || limit > MAX_SESSIONS) return { ok: false, code: 'BAD_REQUEST', problem: `limit must be a whole number from 1 to ${MAX_SESSIONS}` };
  const view = await sessionsView(parts, limit);
  return { ok: true, body: asText(query) ? { text: sessionsText(view, parts.policies.timeZone()) } : view };
}

function asText(query: URLSearchParams): boolean {
  return query.get('format') === 'text';
}

function filterFrom(forest: Forest, query: URLSearchParams): ReportFilter | Extract<Chosen, { ok: false }> {
  const run = query.get('run');
  if (run !== null) return { scope: 'run', run };
  const scope = query.get('scope') ?? 'session';
  if (!isReportScope(scope)) return { ok: false, code: 'BAD_REQUEST', problem: 'scope must be session, run, project, today or all' };
  if (scope === 'today' || scope === 'all') return { scope };
  const chosen = chooseSession(forest, query);
  if (!chosen.ok) return chosen;
  const { session } = chosen;
  if (scope === 'run') return { scope, run: session.run };
  return scope === 'project' ? { scope, project: session.project } : { scope, session };
}

/** The session that is named; else the latest at work in this folder or above it; else the latest. */
export function chooseSession(forest: Forest, query: URLSearchParams): Chosen {
  const named = query.get('session');
  if (named !== null && named !== 'latest') return sessionNamed(forest, named);
  const cwd = query.get('cwd');
  const latest = forest.newest.slice(0, LOOK_BACK).map(forest.session).filter((one) => one !== undefined);
  // A nested session is part of the one that started it, and that is what a person asks about.
  const own = latest.filter((one) => one.parent === null);
  const session = (cwd === null ? undefined : own.find((one) => worksIn(one, cwd))) ?? own[0] ?? latest[0];
  return session === undefined ? { ok: false, code: 'NOT_FOUND', problem: 'pag0 has seen no session yet' } : { ok: true, session };
}

const LOOK_BACK = 200;
const SHORTEST_PREFIX = 4;

function sessionNamed(forest: Forest, named: string): Chosen {
  const exact = forest.session(named);
  if (exact !== undefined) return { ok: true, session: exact };
  const starting = named.length < SHORTEST_PREFIX ? [] : forest.newest.filter((id) => id.startsWith(named));
  if (starting.length > 1) return { ok: false, code: 'BAD_REQUEST', problem: `${starting.length} sessions begin with ${JSON.stringify(named)}; write more of the id` };
  const session = starting.length === 0 ? undefined : forest.session(starting[0]!);
  return session === undefined ? { ok: false, code: 'NOT_FOUND', problem: `pag0 does not know the session ${JSON.stringify(named)}; \`pag0 sessions\` lists those it knows` } : { ok: true, session };
}

function worksIn(session: Session, cwd: string): boolean {
  const project = basename(session.project) === '.git' ? dirname(session.project) : session.project;
  return contains(session.cwd, cwd) || contains(project, cwd);
}

function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
