import type { Message, ToolResult } from './conversation.ts';
import { currentPrompt, toolResultsIn } from './conversation.ts';

export interface ToolUse {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A text ends the turn; tool calls make the client run them and come back. */
export type Reply = string | readonly ToolUse[];

export interface Turn {
  readonly script: string;
  /** Assistant turns since the prompt that holds the marker. */
  readonly step: number;
  /** How often this script's marker was given so far in this conversation: 1, then 2 when a Stop hook feeds it again. */
  readonly iteration: number;
  readonly prompt: string;
  /** Every tool result the model has seen in this conversation, oldest first. */
  readonly toolResults: readonly ToolResult[];
}

export type Step = Reply | ((turn: Turn) => Reply | Promise<Reply>);
export type Script = readonly Step[];
export type Scripts = Readonly<Record<string, Script>>;

export const END_OF_SCRIPT = 'Done.';

/** `[[script:NAME]]`, to be put into a prompt. */
export function marker(name: string): string {
  return `[[script:${name}]]`;
}

/** What the scripted model says next in this conversation. */
export async function nextReply(scripts: Scripts, messages: readonly Message[]): Promise<Reply> {
  const prompt = currentPrompt(messages);
  if (prompt === undefined) return END_OF_SCRIPT;
  const script = scripts[prompt.script];
  if (script === undefined) return `No script is named "${prompt.script}".`;
  const step = script[prompt.step];
  if (typeof step !== 'function') return step ?? END_OF_SCRIPT;
  return step({ ...prompt, toolResults: toolResultsIn(messages) });
}
