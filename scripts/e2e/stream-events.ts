import { type Block, textOf } from './conversation.ts';

/** One line of `--output-format stream-json`. Only what the tests read is typed. */
export interface ClientEvent {
  readonly type: string;
  readonly subtype?: string;
  readonly parent_tool_use_id?: string | null;
  readonly message?: { readonly content: string | readonly StreamBlock[] };
  readonly [field: string]: unknown;
}

interface StreamBlock extends Block {
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  /** The `Agent` call of the subagent that made this call; `null` on the main thread. */
  readonly parent: string | null;
  /** What the model read; absent while the call has no result. */
  readonly result?: string;
  readonly isError: boolean;
}

export interface HookEvent {
  readonly hook_event: string;
  readonly hook_name: string;
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit_code?: number;
  readonly outcome: string;
}

export interface ResultEvent {
  readonly subtype: string;
  readonly is_error: boolean;
  readonly num_turns: number;
  readonly result?: string;
  readonly terminal_reason?: string;
  readonly session_id: string;
  readonly permission_denials: readonly unknown[];
}

/** Tool calls in the order the model made them, each with its result. */
export function toolCallsIn(events: readonly ClientEvent[]): ToolCall[] {
  const calls = new Map<string, ToolCall>();
  for (const event of events) {
    for (const block of blocksOf(event)) {
      if (block.type === 'tool_use' && block.id !== undefined) {
        calls.set(block.id, { id: block.id, name: block.name ?? '', input: block.input, parent: event.parent_tool_use_id ?? null, isError: false });
      }
      const call = block.type === 'tool_result' ? calls.get(block.tool_use_id ?? '') : undefined;
      if (call) calls.set(call.id, { ...call, result: textOf(block.content), isError: block.is_error === true });
    }
  }
  return [...calls.values()];
}

export function hookEventsIn(events: readonly ClientEvent[]): HookEvent[] {
  return events.filter((event) => event.subtype === 'hook_response') as unknown as HookEvent[];
}

export function resultIn(events: readonly ClientEvent[]): ResultEvent | undefined {
  return events.findLast((event) => event.type === 'result') as unknown as ResultEvent | undefined;
}

function blocksOf(event: ClientEvent): readonly StreamBlock[] {
  const content = event.message?.content;
  return content === undefined || typeof content === 'string' ? [] : content;
}
