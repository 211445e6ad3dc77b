import type { Endpoint } from './endpoint.ts';

/**
 * One request that a tool call will make, as far as it can be known before it runs. A Bash command can hold several,
 * a WebFetch, WebSearch or MCP call is one.
 */
export interface Call {
  /** The client's tool: `Bash`, `WebFetch`, `WebSearch`, `mcp__server__tool`. */
  tool: string;
  /** The program that will make the request, where it is a Bash command: `curl`, `wget`, `http`, `xh`. */
  program?: string;
  method: string;
  /** null: it goes to the network, but where cannot be known from the text. Tools without a URL have none either. */
  endpoint: Endpoint | null;
  /** False when the destination or the number of requests cannot be known statically (a variable, an unbounded loop). */
  known: boolean;
  /** How many times it runs: a loop over three literal words makes three. At least 1. */
  times: number;
}

/** What a report calls this request: its endpoint, else the tool. */
export function callLabel(call: Call): string {
  if (call.endpoint !== null) return call.endpoint.name;
  return call.tool === 'Bash' ? `${call.program ?? 'network'} (destination unknown)` : call.tool;
}
