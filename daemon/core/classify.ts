import type { Call } from './call.ts';
import { endpointOf } from './endpoint.ts';
import type { Invocation, ShellReading } from './invocation.ts';
import { mentionedClient, requestsOf, type Request } from './network-client.ts';

/**
 * The requests that a tool call will make, as far as its input tells. Tools that reach no network give none; so does a
 * command that may reach it unseen (python, git): the gateway sees those.
 *
 *     classify('Bash', { command: 'for q in a b; do curl "https://api.exa.ai/search?q=$q"; done' }, readShell)
 *     // one Call: GET api.exa.ai/search, times 2
 */
export function classify(
  tool: string,
  input: Readonly<Record<string, unknown>>,
  readShell: (command: string) => ShellReading,
): readonly Call[] {
  if (tool === 'Bash') return typeof input['command'] === 'string' ? bashCalls(input['command'], readShell) : [];
  if (tool === 'WebFetch') return [webFetch(tool, input['url'])];
  if (tool === 'WebSearch' || tool.startsWith('mcp__')) return [{ tool, method: 'CALL', endpoint: null, known: true, times: 1 }];
  return [];
}

/** The client upgrades http to https before it fetches, so both are one endpoint. */
function webFetch(tool: string, url: unknown): Call {
  const endpoint = typeof url === 'string' ? endpointOf(url.trim().replace(/^http:/i, 'https:')) : null;
  return { tool, method: 'GET', endpoint, known: endpoint !== null, times: 1 };
}

/** A reading that was seen before gives the same calls; whoever reads a command once for many need not look at it again. */
const known = new WeakMap<ShellReading, readonly Call[]>();

function bashCalls(command: string, readShell: (command: string) => ShellReading): readonly Call[] {
  const reading = readShell(command);
  let calls = known.get(reading);
  if (calls === undefined) known.set(reading, (calls = callsOf(reading, command)));
  return calls;
}

function callsOf(reading: ShellReading, command: string): Call[] {
  if (reading.unreadable) {
    const program = mentionedClient(command);
    return program === null ? [] : [{ tool: 'Bash', program, method: '*', endpoint: null, known: false, times: 1 }];
  }
  return callsBy(reading.invocations);
}

/** The requests of these commands alone. */
export function callsBy(invocations: readonly Invocation[]): Call[] {
  return callsFrom(invocations.flatMap(requestsOf));
}

export function callsFrom(requests: readonly Request[]): Call[] {
  const calls = new Map<string, Call>();
  for (const { program, method, url, times, known } of requests) {
    const endpoint = url === null ? null : endpointOf(url);
    const call: Call = { tool: 'Bash', program, method, endpoint, known: known && endpoint !== null, times };
    // Equal requests are one Call that runs several times, so that a loop over queries reads as one line.
    const key = JSON.stringify([program, method, endpoint?.name, call.known]);
    const same = calls.get(key);
    if (same === undefined) calls.set(key, call);
    else same.times += times;
  }
  return [...calls.values()];
}
