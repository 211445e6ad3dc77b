import type { HookEvent } from '../contract/events.ts';
import type { Reply } from '../pipeline/hook.ts';

/** A reply in the words of the client's hook protocol. `{}` lets everything take its course. */
export function hookAnswer(event: HookEvent['hook_event_name'], reply: Reply): Record<string, unknown> {
  if (reply.block !== undefined) return { decision: 'block', reason: reply.block };
  const specific = specificOutput(event, reply);
  return {
    ...(reply.stop === undefined ? {} : { continue: false, stopReason: reply.stop }),
    ...(reply.message === undefined ? {} : { systemMessage: reply.message }),
    ...(specific === null ? {} : { hookSpecificOutput: specific }),
  };
}

function specificOutput(event: HookEvent['hook_event_name'], reply: Reply): Record<string, unknown> | null {
  const { verdict, context } = reply;
  if (verdict?.verdict === 'refuse') {
    return { hookEventName: event, permissionDecision: 'deny', permissionDecisionReason: verdict.refusal.sentence };
  }
  if (verdict?.verdict === 'ask') return { hookEventName: event, permissionDecision: 'ask', permissionDecisionReason: verdict.sentence };
  return context === undefined ? null : { hookEventName: event, additionalContext: context };
}
