import { open } from 'node:fs/promises';
import { MAIN, type Session } from '../core/tree.ts';
import { transcriptsOf } from './subagent-files.ts';

/** How much of a transcript's end is read: what is looked for is among the last things that happened. */
const TAIL_BYTES = 1_048_576;

/** The last lines of an agent's transcript, newest first, that hold this text. */
export async function linesWith(session: Session, agent: string, text: string): Promise<string[]> {
  for (const file of filesOf(session, agent)) {
    const tail = await readTail(file);
    if (tail !== null) return tail.split('\n').reverse().filter((line) => line.includes(text));
  }
  return [];
}

/**
 * Whether the model asked for both calls at once, that is before it read what came of either. The client writes its
 * message down before it asks us. False where that cannot be seen.
 */
export async function askedTogether(session: Session, agent: string, one: string, other: string): Promise<boolean> {
  const message = messageIn(await linesWith(session, agent, one), one);
  return message !== null && message === messageIn(await linesWith(session, agent, other), other);
}

function messageIn(lines: readonly string[], toolUseId: string): string | null {
  for (const line of lines) {
    try {
      const { message } = JSON.parse(line) as { message?: { id?: unknown; content?: unknown } };
      const blocks = Array.isArray(message?.content) ? (message.content as { type?: unknown; id?: unknown }[]) : [];
      if (typeof message?.id === 'string' && blocks.some((block) => block?.type === 'tool_use' && block.id === toolUseId)) return message.id;
    } catch {
      // Half a line, at the beginning of what was read.
    }
  }
  return null;
}

function filesOf(session: Session, agent: string): string[] {
  if (session.transcript === null) return [];
  const kind = session.agents.get(agent)?.kind ?? (agent === MAIN ? 'main' : 'subagent');
  return kind === 'subagent' ? transcriptsOf(session, agent) : [session.transcript];
}

async function readTail(file: string): Promise<string | null> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}
