import { z } from 'zod';

/**
 * The client's hook payloads, as far as pag0 reads them. Unknown fields and events pass: clients differ by version, and
 * what this one does not know does it no harm. Sizes are bounded because an agent writes much of what is in here.
 */
const id = z.string().min(1).max(256);
/** A tool's input is passed on as it is; its fields are looked at where they are used. Copying it would cost more than the decision. */
const record = z.custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), { error: 'expected an object' });

const common = {
  session_id: id,
  transcript_path: z.string().max(4_096).optional(),
  cwd: z.string().max(4_096).optional(),
  prompt_id: id.optional(),
  permission_mode: z.string().max(64).optional(),
  agent_id: id.optional(),
  agent_type: z.string().max(256).optional(),
};

const tool = { ...common, tool_name: z.string().min(1).max(512), tool_input: record.optional(), tool_use_id: id };

export const hookEvent = z.discriminatedUnion('hook_event_name', [
  z.object({ hook_event_name: z.literal('PreToolUse'), ...tool }),
  z.object({ hook_event_name: z.literal('PostToolUse'), ...tool, tool_response: z.unknown() }),
  z.object({ hook_event_name: z.literal('PostToolUseFailure'), ...tool, error: z.string().optional(), is_interrupt: z.boolean().optional() }),
  z.object({ hook_event_name: z.literal('SubagentStart'), ...common }),
  z.object({ hook_event_name: z.literal('SubagentStop'), ...common, stop_hook_active: z.boolean().optional(), last_assistant_message: z.string().optional() }),
  z.object({
    hook_event_name: z.literal('Stop'),
    ...common,
    stop_hook_active: z.boolean().optional(),
    last_assistant_message: z.string().optional(),
    background_tasks: z.array(z.unknown()).optional(),
    session_crons: z.array(z.unknown()).optional(),
  }),
  z.object({ hook_event_name: z.literal('UserPromptExpansion'), ...common, command_name: z.string().max(512), command_args: z.string().max(10_000).optional() }),
  z.object({ hook_event_name: z.literal('SessionEnd'), ...common, reason: z.string().max(64).optional() }),
]);

export type HookEvent = z.infer<typeof hookEvent>;
export type EventOf<N extends HookEvent['hook_event_name']> = Extract<HookEvent, { hook_event_name: N }>;

export const KNOWN_EVENTS: ReadonlySet<string> = new Set<HookEvent['hook_event_name']>([
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'SubagentStart',
  'SubagentStop',
  'Stop',
  'UserPromptExpansion',
  'SessionEnd',
]);

/** `POST /v1/session`, from our own command hooks. */
export const sessionRegistration = z.object({
  event: z.enum(['session-start', 'user-prompt-submit', 'ensure']),
  session_id: id,
  transcript_path: z.string().max(4_096).nullable(),
  cwd: z.string().max(4_096),
  source: z.string().max(64).nullable(),
  prompt_id: id.nullable(),
  author: z.enum(['person', 'report', 'wakeup']).default('person'),
  promptDigest: z.string().max(64).nullable().default(null),
  command: z.string().max(256).nullable().default(null),
  attended: z.boolean(),
  options: z.record(z.string(), z.string().max(1_000)),
  clientPid: z.number().int().positive().nullable(),
  parent: z.object({ session: id.nullable() }),
  ancestors: z.array(z.object({ pid: z.number().int(), command: z.string().max(200_000) })).max(64),
  project: z.string().max(4_096),
  ownProxy: z.boolean().default(false),
  run: z.string().max(256).nullable(),
  // Whatever a person pasted there: what is wrong with it is said of the wallet, and costs no session.
  sealed: z.string().max(1_000_000).optional(),
});

const target = z.union([
  z.object({ kind: z.enum(['project', 'day', 'all']) }),
  z.object({ kind: z.enum(['session', 'run']), id: id.optional() }),
  z.object({ kind: z.literal('agent'), name: z.string().min(1).max(256) }),
]);

/** `POST /v1/orders`, from the CLI. */
export const orderRequest = z.object({
  verb: z.enum(['raise', 'lower', 'kill', 'resume']),
  session: id.nullable(),
  cwd: z.string().max(4_096),
  target,
  amount: z.string().max(40).optional(),
  /** The process that asks; the daemon looks at it itself before it believes that a person is behind it. */
  by: z.object({ pid: z.number().int().positive(), tty: z.boolean() }),
});
