import type { HookEvent } from '../contract/events.ts';
import type { Reply } from '../pipeline/reply.ts';

/** A reply in the words of the client's hook protocol. `{}` lets everything take its course. */
export function hookAnswer(event: HookEvent, reply: Reply): Record<string, unknown> {
  if (reply.block !== undefined) return { decision: 'block', reason: reply.block };
  const specific = specificOutput(event, reply);
  return {
    ...(reply.stop === undefined ? {} : { continue: false, stopReason: reply.stop }),
    ...(reply.message === undefined ? {} : { systemMessage: reply.message }),
    ...(specific === null ? {} : { hookSpecificOutput: specific }),
  };
}

function specificOutput(event: HookEvent, reply: Reply): Record<string, unknown> | null {
  const { verdict, context } = reply;
  const hookEventName = event.hook_event_name;
  if (verdict?.verdict === 'refuse') return { hookEventName, permissionDecision: 'deny', permissionDecisionReason: verdict.refusal.sentence };
  if (verdict?.verdict === 'serve') return { hookEventName, permissionDecision: 'deny', permissionDecisionReason: verdict.text };
  if (verdict?.verdict === 'ask') return { hookEventName, permissionDecision: 'ask', permissionDecisionReason: verdict.sentence };
  // Without a decision of ours the client's own permission flow goes on, and the call stays as the model wrote it.
  return context === undefined ? null : { hookEventName, additionalContext: context };
}
