import { cell, cellRight, bar, dollars, NO_BAR, percent } from '../../daemon/report/page.ts';
import type { AgentView, BudgetView, Spending } from '../../daemon/contract/views.ts';
import type { Paint } from './paint.ts';

const NAME = 16;
const MONEY = 14;

/** The session's agents with what they have spent: one line each, as the daemon tells it. `doing`: by agent id, what it is at. */
export function treeLines(view: BudgetView, paint: Paint, doing: ReadonlyMap<string, string> = new Map()): string[] {
  const session = view.scopes.find((scope) => scope.scope === 'session') ?? view.tree;
  return [line('session', session, '', paint), ...below(view.tree, '', paint, doing)];
}

function below(parent: AgentView, indent: string, paint: Paint, doing: ReadonlyMap<string, string>): string[] {
  return parent.children.flatMap((agent, index) => {
    const last = index === parent.children.length - 1;
    const name = `${indent}${last ? '└─' : '├─'} ${agent.agentId.slice(agent.agentId.lastIndexOf('/') + 1)}`;
    return [line(name, agent, stateOf(agent, paint, doing.get(agent.id)), paint), ...below(agent, `${indent}${last ? '   ' : '│  '}`, paint, doing)];
  });
}

function line(name: string, money: Spending, state: string, paint: Paint): string {
  const share = money.utilizationRate;
  const counted = dollars((BigInt(money.spent) + BigInt(money.reserved) + BigInt(money.held)).toString());
  const amount = money.limit === null ? counted : `${counted} of ${dollars(money.limit)}`;
  const gauge = share === null ? NO_BAR : paint(share >= 1 ? 'red' : share >= 0.7 ? 'yellow' : 'green', bar(share));
  return `  ${cell(name, NAME)} ${gauge}  ${cell(amount, MONEY)}  ${cellRight(share === null ? '' : percent(share), 5)}  ${state}`.trimEnd();
}

function stateOf(agent: AgentView, paint: Paint, doing: string | undefined): string {
  const rounds = agent.kind === 'loop' ? `, attempt ${agent.iterations}` : '';
  if (agent.stopped !== null) return paint('red', `ended by pag0${rounds}`);
  if (agent.state === 'ended') return paint('dim', `done${rounds}`);
  return agent.kind === 'loop' ? `attempt ${agent.iterations}` : (doing ?? 'working');
}
