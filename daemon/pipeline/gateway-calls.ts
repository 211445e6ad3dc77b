import { goesDirect } from '../contract/direct-command.ts';
import type { Call } from '../core/call.ts';
import { callsBy, callsFrom } from '../core/classify.ts';
import { endpointOf, type Endpoint } from '../core/endpoint.ts';
import { requestsOf, type Request } from '../core/network-client.ts';
import { looksAt } from '../core/passage.ts';
import { pastGateway, type ConfiguredProgram } from '../core/past-gateway.ts';
import type { Policy } from '../core/policy.ts';
import { exitOf, letsOut } from '../core/sandbox.ts';
import type { Parts, ToolCall } from './parts.ts';
import type { Live } from './sessions.ts';

/** What leads a session's programs to the gateway. */
export interface GatewayWays {
  /** Whether the session's shells are told of it. */
  isTold(live: Live): boolean;
  /** Programs that the person's own configuration files send another way. */
  ownConfig(): ReadonlySet<ConfiguredProgram>;
}

/** The requests of a Bash call by who charges them. */
export interface Split {
  /** Of these the gateway will not know, or not enough to charge them. */
  atHook: readonly Call[];
  /** Some are charged at the gateway, one by one. */
  someAtGateway: boolean;
}

/** null: none comes to the gateway, and the hook charges what it can read of all. */
export function splitCalls(parts: Parts, live: Live, call: ToolCall, policy: Policy): Split | null {
  if (call.tool !== 'Bash' || !comesToGateway(parts, live, call, policy)) return null;
  const command = String(call.input['command']);
  if (goesDirect(command)) return null;
  const reading = parts.readShell(command);
  if (reading.unreadable) return { atHook: [], someAtGateway: true };
  const past = pastGateway(reading, parts.gateway!.ownConfig());
  const hasWallet = parts.wallet() !== '';
  const looked = ({ program, url }: Request): boolean => url === null || isLooked(program, endpointOf(url), policy, hasWallet);
  const coming = reading.invocations.filter((invocation) => !past.has(invocation)).flatMap(requestsOf);
  const bytes = coming.filter((request) => !looked(request) && leaves(parts, live, call, request));
  return { atHook: [...callsBy([...past.keys()]), ...callsFrom(bytes)], someAtGateway: coming.some(looked) };
}

/** Past us nothing counts: the person's own proxy, a sandbox that leads elsewhere, a session that is told of no way. */
function comesToGateway(parts: Parts, live: Live, call: ToolCall, policy: Policy): boolean {
  if (parts.gateway === null || live.ownProxy || !policy.environment) return false;
  return exitOf(parts.sandboxOf(live), call.input) !== 'other' && parts.gateway.isTold(live);
}

/** What the sandbox keeps in is no request. */
function leaves(parts: Parts, live: Live, call: ToolCall, { url }: Request): boolean {
  const sandbox = parts.sandboxOf(live);
  if (url === null || exitOf(sandbox, call.input) !== 'pag0') return true;
  const endpoint = endpointOf(url);
  if (endpoint === null) return true;
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(endpoint.host)!;
  return letsOut(sandbox, { host: host!, port: Number(port ?? (/^http:/i.test(url) ? 80 : 443)) }, live.permissionMode) === 'yes';
}

/** Where the host is not known the gateway will know it. */
function isLooked(program: string, endpoint: Endpoint | null, policy: Policy, hasWallet: boolean): boolean {
  if (endpoint === null) return true;
  const looked = looksAt(endpoint, policy, hasWallet);
  return looked === 'yes' || (looked === 'if-client' && PAYING.has(program));
}

/** Programs that read a demand for payment: what others send to a host that no rule names is not looked at. */
export const PAYING: ReadonlySet<string> = new Set(['curl', 'wget']);
