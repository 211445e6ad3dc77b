import type { ApprovalsView, ApprovalView } from '../contract/approval-views.ts';
import type { Approval } from '../pipeline/approvals.ts';
import type { Parts } from '../pipeline/parts.ts';
import { readForest, type Forest } from './forest.ts';
import { count, dollars, wrap } from './page.ts';

/** Every payment that waits for a person, in whichever session it was asked for. */
export function approvalsView(parts: Parts): ApprovalsView {
  const waiting = parts.approvals.list();
  const forest = waiting.length === 0 ? null : readForest(parts);
  return { at: parts.clock(), approvals: forest === null ? [] : waiting.map((one) => approvalView(forest, one)) };
}

export function approvalView(forest: Forest, { id, session, agent, label, code, why, amount, network, asset, payTo, expiresAt, approved }: Approval): ApprovalView {
  const there = forest.session(session);
  const agentId = forest.nameOf(there, forest.shownId(there, agent));
  return { id, session, agentId, endpoint: label, code, why, amount: amount.toString(), network, asset, payTo, expiresAt, approved };
}

/** `command`: what answers them from where this is read. */
export function approvalsText({ at, approvals }: ApprovalsView, command: string): string {
  if (approvals.length === 0) return "No payment waits for a person's yes.";
  const lines = approvals.flatMap((one) => approvalLines(one, at, '  '));
  return [`${count(approvals.length, 'payment')} asked about:`, ...lines, ...wrap(`${command} ID allows one, once; ${command} ${command.startsWith('/') ? 'no' : '--no'} ID declines it.`, '')].join('\n');
}

/** "k3m9x: api.example.com/report costs $0.30, above what needs a person's yes ($0.30 to 0x…, asked by researcher-1, 12 minutes left)" */
export function approvalLines({ id, endpoint, why, amount, payTo, agentId, expiresAt, approved }: ApprovalView, at: number, indent: string): string[] {
  const left = count(Math.max(1, Math.ceil((expiresAt - at) / 60_000)), 'minute');
  const state = approved ? ', allowed and not used yet' : '';
  return wrap(`${id}: ${endpoint} ${why} (${dollars(amount)} to ${payTo}, asked by ${agentId}, ${left} left${state})`, indent, 12);
}
