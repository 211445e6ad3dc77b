import { REPORT_SCOPES, type ScopeWord } from '../contract/report-words.ts';
import type { BudgetView, Report, SessionsView, TextAnswer } from '../contract/views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { budgetText } from './budget-text.ts';
import { budgetView } from './budget.ts';
import { readForest, type Forest } from './forest.ts';
import { reportText } from './report-text.ts';
import { reportOf, type ReportFilter } from './report.ts';
import { chooseSession, runNamed, type NotChosen } from './session-choice.ts';
import { sessionsText, sessionsView } from './sessions.ts';

/** The answers to the questions of `contract/views.ts`, ready to be sent. */
export type Answered<T> = { ok: true; body: T | TextAnswer } | { ok: false; code: 'BAD_REQUEST' | 'NOT_FOUND'; problem: string };

export async function budgetAnswer(parts: Parts, query: URLSearchParams): Promise<Answered<BudgetView>> {
  const forest = readForest(parts);
  const chosen = chooseSession(forest, query);
  if (!chosen.ok) return chosen;
  const view = await budgetView(parts, chosen, forest);
  return { ok: true, body: asText(query) ? { text: budgetText(view) } : view };
}

export async function reportAnswer(parts: Parts, query: URLSearchParams): Promise<Answered<Report>> {
  const forest = readForest(parts);
  const filter = await filterFrom(parts, forest, query);
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

async function filterFrom(parts: Parts, forest: Forest, query: URLSearchParams): Promise<ReportFilter | NotChosen> {
  const named = query.get('run');
  if (named !== null) {
    const found = runNamed(forest, named);
    if (found.ok) return { scope: 'run', run: found.run };
    // Its sessions may be further back than is looked.
    return (await parts.ledger.sums({ run: named })).length > 0 ? { scope: 'run', run: named } : found;
  }
  const scope = query.get('scope') ?? 'session';
  if (!isScope(scope)) return { ok: false, code: 'BAD_REQUEST', problem: 'scope must be session, run, project, today or all' };
  if (scope === 'today' || scope === 'all') return { scope };
  const chosen = chooseSession(forest, query);
  if (!chosen.ok) return chosen;
  const { session } = chosen;
  if (scope === 'run') return { scope, run: session.run };
  return scope === 'project' ? { scope, project: session.project } : { scope, session };
}

function isScope(text: string): text is ScopeWord {
  return REPORT_SCOPES.some((scope) => scope === text);
}
