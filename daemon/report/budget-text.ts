import type { AgentView, BudgetView, ScopeView, Spending } from '../contract/views.ts';
import { printable, shortened, widthOf } from '../contract/printable.ts';
import { killedSentence } from '../pipeline/kill-switch.ts';
import { approvalLines } from './approvals.ts';
import { bar, cell, cellRight, count, dollars, folder, NO_BAR, percent, SHADOW, shortId, WIDTH, wrap } from './page.ts';

/** Agents on one screen; the rest is summed up, dearest first. */
const MAX_AGENTS = 40;

/** The bars of `/pag0-budget`. */
export function budgetText(view: BudgetView): string {
  const head = `pag0 budget, session ${shortId(view.session)}, `;
  const nodes = flatten(view.tree);
  const idle = view.scopes.every((scope) => scope.scope !== 'session' || counted(scope) === 0n) && nodes.length === 1;
  return [
    head + folder(view.cwd, WIDTH - widthOf(head)),
    ...(view.mode === 'shadow' ? [SHADOW] : []),
    '',
    ...scopeLines(view.scopes),
    ...(view.cacheHits === 0 ? [] : [`  saved ${dollars(view.cacheSavings)} by ${count(view.cacheHits, 'answer')} from the cache`]),
    '',
    ...(idle ? ['Nothing has been spent in this session yet.'] : agentLines(nodes)),
    ...(view.killSwitch === null ? [] : ['', ...wrap(killedSentence(view.killSwitch), '')]),
    ...(view.approvals.length === 0 ? [] : ['', 'Payments asked about, which /pag0-approve answers:', ...view.approvals.flatMap((one) => approvalLines(one, view.at, '  '))]),
    ...view.problems.flatMap((problem) => ['', ...wrap(`Configuration: ${problem}`, '')]),
  ].join('\n');
}

const NAMES: Record<ScopeView['scope'], string> = { session: 'session', run: 'run', project: 'project', day: 'today', agent: 'agent' };

function scopeLines(scopes: readonly ScopeView[]): string[] {
  const sessions = scopes.filter((scope) => scope.scope === 'session');
  const nameOf = (scope: ScopeView): string => {
    if (scope.scope === 'agent') return scope.label;
    return scope.scope === 'session' && scope !== sessions[0] ? 'session above' : NAMES[scope.scope];
  };
  // People look for their session first.
  const order: ScopeView['scope'][] = ['session', 'run', 'project', 'day', 'agent'];
  const sorted = [...scopes].sort((a, b) => order.indexOf(a.scope) - order.indexOf(b.scope));
  const nameWidth = Math.min(20, Math.max(...sorted.map((scope) => widthOf(nameOf(scope)))));
  const moneyWidth = Math.max(...sorted.map((scope) => money(scope).length));
  return sorted.flatMap((scope) => [
    `  ${cell(nameOf(scope), nameWidth)}  ${barOf(scope)}  ${cell(money(scope), moneyWidth)}  ${cellRight(shareOf(scope), 5)}`.trimEnd(),
    ...pending(scope, ' '.repeat(nameWidth + 16)),
  ]);
}

function counted(spending: Spending): bigint {
  return BigInt(spending.spent) + BigInt(spending.reserved) + BigInt(spending.held);
}

function money(spending: Spending): string {
  const used = dollars(counted(spending).toString());
  return spending.limit === null ? `${used}, no limit` : `${used} of ${dollars(spending.limit)}`;
}

function barOf(spending: Spending): string {
  return spending.utilizationRate === null ? NO_BAR : bar(spending.utilizationRate);
}

function shareOf(spending: Spending): string {
  return spending.utilizationRate === null ? '' : percent(spending.utilizationRate);
}

/** What counts without being spent for certain is told apart. */
function pending(spending: Spending, indent: string): string[] {
  const parts = [spending.reserved === '0' ? '' : `${dollars(spending.reserved)} in flight`, spending.held === '0' ? '' : `${dollars(spending.held)} unconfirmed`].filter((part) => part !== '');
  return parts.length === 0 ? [] : [`${indent}of it ${parts.join(' and ')}`];
}

interface Node {
  agent: AgentView;
  depth: number;
}

function flatten(agent: AgentView, depth = 0): Node[] {
  return [{ agent, depth }, ...agent.children.flatMap((child) => flatten(child, depth + 1))];
}

function agentLines(nodes: readonly Node[]): string[] {
  const shown = pick(nodes);
  const moneyWidth = Math.max(...shown.map(({ agent }) => treeMoney(agent).length));
  const room = Math.max(8, WIDTH - '    ██████████    100 %  working'.length - moneyWidth);
  const nameWidth = Math.min(room, Math.max(...shown.map(({ agent, depth }) => Math.min(depth, 8) * 2 + widthOf(shortened(lastName(agent), room)))));
  const lines = shown.flatMap(({ agent, depth }) => {
    const name = cell(`${'  '.repeat(Math.min(depth, 8))}${lastName(agent)}`, nameWidth);
    const line = `  ${name}  ${barOf(agent)}  ${cell(treeMoney(agent), moneyWidth)}  ${cellRight(shareOf(agent), 5)}  ${agent.state}`;
    const indent = ' '.repeat(Math.min(depth, 8) * 2 + 4);
    return [printable(line, WIDTH), ...notes(agent).flatMap((note) => wrap(note, indent, 4))];
  });
  const left = nodes.length - shown.length;
  return left === 0 ? lines : [...lines, `  … and ${count(left, 'agent')} that spent less`];
}

function treeMoney(agent: AgentView): string {
  return agent.limit === null ? dollars(counted(agent).toString()) : money(agent);
}

/** The place in the tree says the rest; a nested client keeps the name of who started it. */
function lastName(agent: AgentView): string {
  return agent.kind === 'main' ? agent.agentId : agent.agentId.slice(agent.agentId.lastIndexOf('/') + 1);
}

function notes(agent: AgentView): string[] {
  const own = agent.children.length > 0 && agent.own !== agent.spent && agent.own !== '0' ? [`${dollars(agent.own)} of it its own`] : [];
  const rounds = agent.kind === 'loop' ? [count(agent.iterations, 'iteration')] : [];
  const facts = [...own, ...rounds].join(', ');
  const stop = agent.stopped === null ? [] : [`${agent.stopped.code} after ${count(agent.stopped.attempts, 'attempt')}: ${agent.stopped.reason}`];
  return [...(facts === '' ? [] : [facts]), ...stop];
}

/** All, when they fit on a screen; else those that spent most. Who is above them has spent at least as much. */
function pick(nodes: readonly Node[]): Node[] {
  if (nodes.length <= MAX_AGENTS) return [...nodes];
  const byMoney = nodes.map((node, index) => ({ node, index })).sort((a, b) => difference(counted(b.node.agent), counted(a.node.agent)) || a.index - b.index);
  const kept = new Set(byMoney.slice(0, MAX_AGENTS).map(({ index }) => index));
  return nodes.filter((_, index) => kept.has(index));
}

function difference(a: bigint, b: bigint): number {
  return a === b ? 0 : a > b ? 1 : -1;
}
