import type { Endpoint } from './endpoint.ts';
import { coversAllPaths, hostMatches, hostnameMatches } from './endpoint-pattern.ts';
import type { Policy } from './policy.ts';

/** `if-client`: only what a program sends of which the system says that it is one that reads a demand for payment, as curl does. */
export type Looked = 'yes' | 'no' | 'if-client';

/**
 * Whether a connection to this host is looked into, or passed on as bytes. Only its host is known when that is decided,
 * so a pattern with a path counts by the host in it.
 *
 * What no rule names is none of our business: whatever fetches packages or sources is tunnelled, and no list of such hosts
 * is kept. With a wallet there is one exception: a seller whom nobody named may demand to be paid, and the answer to that is
 * given here. A developer's own machine is left alone unless a rule names it.
 */
export function looksAt(endpoint: Endpoint, policy: Policy | null, hasWallet: boolean): Looked {
  if (policy === null) return 'no';
  if (namingPatterns(policy).some((pattern) => hostMatches(pattern, endpoint))) return 'yes';
  if (endpoint.local) return 'no';
  if (policy.strict && !allowsAll(policy, endpoint)) return 'yes';
  return hasWallet ? 'if-client' : 'no';
}

/** Whether there is any host at all that would be looked at: where there is none, nobody's processes need to be told apart. */
export function looksAtAnything(policy: Policy | null, hasWallet: boolean): boolean {
  return policy !== null && (hasWallet || policy.strict || namingPatterns(policy).length > 0);
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
