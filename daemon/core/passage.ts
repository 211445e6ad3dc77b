import type { Endpoint } from './endpoint.ts';
import { coversAllPaths, hostMatches, hostnameMatches } from './endpoint-pattern.ts';
import type { Policy } from './policy.ts';

/** How somebody came to the gateway: with a ticket, by the session's environment, or by the client's own proxy setting. */
export type WayIn = 'ticket' | 'environment' | 'sandbox';

/**
 * Whether a connection to this host is looked into, or passed on as bytes. Only its host is known when that is decided,
 * so a pattern with a path counts by the host in it.
 *
 * One recognised command is looked into wherever it goes. All else that a session starts is looked into only where a
 * rule has something to say about the host: so whatever fetches packages or sources is tunnelled, and no list of such
 * hosts is kept. A developer's own machine is left alone unless a rule names it.
 */
export function looksAt(by: WayIn, endpoint: Endpoint, policy: Policy | null): boolean {
  const isNamed = policy !== null && namingPatterns(policy).some((pattern) => hostMatches(pattern, endpoint));
  if (isNamed || endpoint.local) return isNamed;
  return by === 'ticket' || (policy !== null && policy.strict && !allowsAll(policy, endpoint));
}

/**
 * Whether a command that goes there should carry a ticket. `null` is a destination that nobody can know: the gateway
 * will.
 */
export function deservesTicket(endpoint: Endpoint | null, policy: Policy | null): boolean {
  return endpoint === null || looksAt('ticket', endpoint, policy);
}

/**
 * What a session's own programs reach without the gateway, so that they do not depend on it: this machine and the
 * model's API, each unless a rule names it.
 */
export function directHosts(policy: Policy | null): string[] {
  const patterns = policy === null ? [] : namingPatterns(policy);
  return DIRECT.filter((host) => !patterns.some((pattern) => hostnameMatches(pattern, host.includes(':') ? `[${host}]` : host)));
}

const DIRECT = ['localhost', '127.0.0.1', '::1', 'api.anthropic.com'];

/** Everything in a policy that can change what becomes of a request to an endpoint. */
export function namingPatterns({ prices, cache, blockedEndpoints, agents }: Policy): string[] {
  const priced = [...prices, ...cache.reuse].flatMap(({ endpoint }) => (endpoint === null ? [] : [endpoint]));
  return [...priced, ...blockedEndpoints, ...agents.flatMap((rule) => rule.blockedEndpoints)];
}

/** Under `strict` a free call needs a place on every list; where each of them names the whole host, there is nothing to look for. */
function allowsAll({ allowedEndpoints, agents }: Policy, endpoint: Endpoint): boolean {
  const lists = [...allowedEndpoints, ...agents.flatMap((rule) => (rule.allowedEndpoints === null ? [] : [rule.allowedEndpoints]))];
  return lists.every((list) => list.some((pattern) => coversAllPaths(pattern) && hostMatches(pattern, endpoint)));
}
