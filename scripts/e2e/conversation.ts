/** Reading a Messages API conversation the way the client of the pinned version writes it. */

export interface Block {
  readonly type: string;
  readonly text?: string;
  readonly tool_use_id?: string;
  readonly is_error?: boolean;
  readonly content?: string | readonly Block[];
}

export interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: string | readonly Block[];
}

export interface ToolResult {
  readonly id: string;
  readonly text: string;
  readonly isError: boolean;
}

export interface Prompt {
  readonly script: string;
  readonly step: number;
  readonly iteration: number;
  readonly prompt: string;
}

const MARKER = /\[\[script:([\w.-]+)\]\]/;

/** Finds the last prompt that names a script, and how far the model is into it. */
export function currentPrompt(messages: readonly Message[]): Prompt | undefined {
  const given = new Map<string, number>();
  let current: Prompt | undefined;
  for (const message of messages) {
    if (message.role === 'assistant') {
      if (current) current = { ...current, step: current.step + 1 };
      continue;
    }
    const text = promptText(message);
    const script = MARKER.exec(text)?.[1];
    if (script === undefined) continue;
    // A slash command arrives as two messages with the same marker (its name, then its text); they are one prompt.
    const again = current?.script === script && current.step === 0;
    const iteration = (given.get(script) ?? 0) + (again ? 0 : 1);
    given.set(script, iteration);
    current = { script, step: 0, iteration, prompt: text };
  }
  return current;
}

export function toolResultsIn(messages: readonly Message[]): ToolResult[] {
  return messages.flatMap((message) => blocksOf(message).filter(isToolResult).map(toolResult));
}

export function textOf(content: string | readonly Block[] | undefined): string {
  if (content === undefined) return '';
  if (typeof content === 'string') return content;
  return content.map((block) => block.text ?? '').join('\n');
}

/**
 * What a person, a parent agent or a Stop hook said. The client's own reminders and background reports are left out:
 * they may quote a marker without meaning it. A Stop hook's reason comes as a user message, "Stop hook feedback:\n<reason>",
 * which newer clients put into a reminder.
 */
function promptText(message: Message): string {
  if (message.role !== 'user') return '';
  return blocksOf(message)
    .filter((block) => block.type === 'text')
    .map((block) => block.text ?? '')
    .filter((text) => !/^\s*<(system-reminder|task-notification)>/.test(text) || text.includes('\nStop hook feedback:\n'))
    .join('\n');
}

function blocksOf(message: Message): readonly Block[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}

function isToolResult(block: Block): block is Block & { readonly tool_use_id: string } {
  return block.type === 'tool_result' && block.tool_use_id !== undefined;
}

function toolResult(block: Block & { readonly tool_use_id: string }): ToolResult {
  return { id: block.tool_use_id, text: textOf(block.content), isError: block.is_error === true };
}
