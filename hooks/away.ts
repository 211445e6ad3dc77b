import { request } from 'node:http';
import { ensureDaemon } from '../daemon/contract/ensure.ts';
import { portFrom } from '../daemon/contract/home.ts';
import { problem, type Problem } from '../daemon/contract/problem.ts';
import { ROUTES, SECOND_HEADER } from '../daemon/contract/routes.ts';
import { callLabel } from '../daemon/core/call.ts';
import { classify } from '../daemon/core/classify.ts';
import { readShell } from '../daemon/shell/syntax.ts';
import { parsePayload } from './payload.ts';
import { ensureOptions, register, sendThrough, WAITS, type HookInput } from './run.ts';

/** What the client reads from a PreToolUse hook's stdout, a command's as well as an http hook's. */
export type HookVerdict = Record<string, unknown>;

/** As long as the daemon may take for a command: the http hook's own timeout in hooks.json. */
const ANSWER_MS = 5_000;

/** A page that is served in a call's place may be long. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Before a call that found no daemon: starts one, and lets it decide as it would have. The http hook beside this one has failed by
 * then, which the client passes over for a command, so the verdict given here is the only one. A WebFetch, a search and an
 * MCP tool were refused with that failure (`onFailure: "block"`), and nothing is set aside for them: the next attempt is.
 *
 * Where no daemon can be had, only what could cost is refused.
 */
export async function verdictAway(input: HookInput): Promise<HookVerdict> {
  const call = toolCallIn(input.stdin);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Decided>((resolve) => (timer = setTimeout(() => resolve({ problem: LATE }), WAITS.away.fetchWaitMs + 2_000)));
  const failed = (error: unknown): Decided => ({ problem: problem('START_FAILED', `its hook failed (${error instanceof Error ? error.message : String(error)}).`) });
  const came = await Promise.race([decided(input, call).catch(failed), late]).finally(() => clearTimeout(timer));
  return 'problem' in came ? refuseCostly(call, came.problem) : came.verdict;
}

/** A problem: nobody decided. */
type Decided = { verdict: HookVerdict } | { problem: Problem };

const LATE = problem('DAEMON_SLOW', 'its daemon did not come in time.');

async function decided(input: HookInput, call: ToolCall | null): Promise<Decided> {
  const ensured = await ensureDaemon(ensureOptions(input));
  if (!ensured.ok) return ensured.stranger ? { verdict: ended(ensured.problem) } : { problem: ensured.problem };
  try {
    const payload = parsePayload(input.stdin, input.cwd);
    if (payload === null || call === null) return { verdict: {} };
    const told = await register(input, payload, ensured);
    sendThrough(input, payload, told.gateway);
    if (told.stop !== undefined) return { verdict: ended({ code: 'PORT_TAKEN', sentence: told.stop }) };
    const said = told.notice === undefined ? {} : { systemMessage: told.notice };
    if (call.tool !== 'Bash') return { verdict: { ...said, ...next(BACK_AGAIN) } };
    const answer = await eventAnswer(portFrom(input.env), input.stdin, !ensured.started);
    if (answer === null) return { problem: problem('DAEMON_SILENT', 'its daemon was started again and did not answer.') };
    const message = [said.systemMessage, answer['systemMessage']].filter((text) => typeof text === 'string').join('\n');
    return { verdict: { ...answer, ...(message === '' ? {} : { systemMessage: message }) } };
  } finally {
    ensured.client.close();
  }
}

const BACK_AGAIN = 'pag0 was not running when this call was made and has been started again. If the call was refused for that, make it once more.';

interface ToolCall {
  tool: string;
  input: Record<string, unknown>;
}

/** null: no call of a tool, so there is nothing to decide. */
function toolCallIn(stdin: string): ToolCall | null {
  try {
    const { tool_name: tool, tool_input: input } = JSON.parse(stdin) as { tool_name?: unknown; tool_input?: unknown };
    return typeof tool === 'string' ? { tool, input: typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {} } : null;
  } catch {
    return null;
  }
}

/**
 * Which requests a call will make is read as the daemon reads it. What each costs only its rules could say, so that counts as costly
 * which leaves this machine and its network, and what goes nobody knows where.
 */
export function refuseCostly(call: ToolCall | null, { sentence }: Problem): HookVerdict {
  const costly = call === null ? [] : classify(call.tool, call.input, readShell).filter(({ endpoint }) => endpoint?.local !== true);
  if (costly.length === 0) return {};
  const what = [...new Set(costly.map(callLabel))].slice(0, 3).join(', ');
  return deny(`pag0 DAEMON_AWAY: ${what} was not run, because nobody could say what it may cost: ${sentence.replace(/^pag0: /, '')} Go on without it; the next call tries to start pag0 again.`);
}

function deny(reason: string): HookVerdict {
  return { hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: reason }, systemMessage: reason };
}

/** What holds the port was asked by the http hook as if it were ours: nothing of this session is to go on behind it. */
function ended({ sentence }: Problem): HookVerdict {
  return { ...deny(sentence), continue: false, stopReason: sentence };
}

function next(additionalContext: string): HookVerdict {
  return { hookSpecificOutput: { hookEventName: 'PreToolUse', additionalContext } };
}

/** The same event once more. `second`: the client's own hook may have been heard, and its verdict is the one. null: no verdict came of it. */
function eventAnswer(port: number, event: string, second: boolean): Promise<HookVerdict | null> {
  return new Promise((resolve) => {
    const done = (verdict: HookVerdict | null): void => {
      clearTimeout(limit);
      outgoing.destroy();
      resolve(verdict);
    };
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(event), ...(second ? { [SECOND_HEADER]: '1' } : {}) };
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST', path: ROUTES.hook, headers, agent: false });
    const limit = setTimeout(() => done(null), ANSWER_MS);
    outgoing.on('error', () => done(null));
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) done(null);
      });
      incoming.on('error', () => done(null)).on('end', () => done(incoming.statusCode === 200 ? objectIn(text) : null));
    });
    outgoing.end(event);
  });
}

function objectIn(text: string): HookVerdict | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as HookVerdict) : null;
  } catch {
    return null;
  }
}
