import type { Session } from '../core/tree.ts';
import type { OpenReservation } from '../ports.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';
import { linesWith } from './transcript.ts';

/**
 * Reservations whose call never got an end. The client tells nobody when a person answers "No" to its question or
 * presses Esc, and a killed client tells nothing at all; money must not stay locked for that, nor be given back on a
 * guess. The transcript knows: a call that was turned down was not sent, anything else counts as spent.
 */
export async function settleLeftovers(parts: Parts, live: Live, agent?: string): Promise<void> {
  endCommands(live, agent);
  const open = await parts.ledger.open({ session: live.session.id, ...(agent === undefined ? {} : { agent }) });
  for (const reservation of await withoutPayments(parts, open)) await settleLeftover(parts, live, reservation);
  parts.recall?.abandon(live, agent);
}

/** What such a call opened is closed: the host it was charged for. */
function endCommands(live: Live, agent?: string): void {
  for (const [toolUseId, running] of live.running) {
    if (agent === undefined || running.agent === agent) live.running.delete(toolUseId);
  }
  for (const [toolUseId, calling] of live.calling) if (agent === undefined || calling.agent === agent) live.calling.delete(toolUseId);
}

/**
 * Those of a book just read that nobody has on its way, and that are no payments: these end by other rules. While the outcome
 * of one is unknown it waits for proof (`pipeline/cheques.ts`), and what was never signed was never spent.
 */
export async function withoutPayments(parts: Pick<Parts, 'ledger' | 'clock' | 'underway'>, open: readonly OpenReservation[]): Promise<OpenReservation[]> {
  // All at once, before anything is waited for: later one of them may have been signed, sent and be over.
  const left = open.filter(({ key }) => !parts.underway.has(key));
  for (const { key, kind, signed } of left) if (kind === 'settled' && !signed) await parts.ledger.voidUnsigned(key, parts.clock(), 'it was never signed');
  return left.filter(({ kind, held }) => kind !== 'settled' && !held);
}

async function settleLeftover(parts: Parts, live: Live, reservation: OpenReservation): Promise<void> {
  const { session } = live;
  const at = parts.clock();
  const toolUseId = reservation.key.slice(session.id.length + 1);
  const told = await resultInTranscript(session, reservation.origin.agent, toolUseId);
  const turnedDown = told !== null && wasTurnedDown(told);
  if (turnedDown) await parts.ledger.void(reservation.key, at, 'turned down before it ran');
  else await parts.ledger.post(reservation.key, at);
  parts.recall?.end(live, toolUseId, turnedDown ? 'failed' : 'unknown');
}

/**
 * The client's words for a call that a person, a rule or another hook did not let run. An interrupted call reads
 * otherwise ("[Request interrupted by user for tool use]") and may have been sent.
 */
function wasTurnedDown(result: string): boolean {
  return /^(The user doesn't want to proceed with this tool use|Permission to use |Claude requested permissions? to |This command requires approval|PreToolUse:|Hook PreToolUse|pag0 [A-Z_]+:)/.test(result);
}

async function resultInTranscript(session: Session, agent: string, toolUseId: string): Promise<string | null> {
  // A line is parsed only when it names the call.
  for (const line of await linesWith(session, agent, toolUseId)) {
    if (!line.includes('tool_result')) continue;
    const result = toolResult(line, toolUseId);
    if (result !== null) return result;
  }
  return null;
}

function toolResult(line: string, toolUseId: string): string | null {
  try {
    const entry = JSON.parse(line) as { message?: { content?: unknown } };
    const content = entry.message?.content;
    if (!Array.isArray(content)) return null;
    for (const block of content as { type?: unknown; tool_use_id?: unknown; content?: unknown }[]) {
      if (block?.type !== 'tool_result' || block.tool_use_id !== toolUseId) continue;
      return typeof block.content === 'string' ? block.content : JSON.stringify(block.content ?? '');
    }
    return null;
  } catch {
    return null;
  }
}
