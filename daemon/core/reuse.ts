import type { CacheRules, ReuseRule } from './cache-rules.ts';
import { endpointOf } from './endpoint.ts';
import { endpointMatches } from './endpoint-pattern.ts';
import { globMatches } from './glob.ts';

const TOOL = 'tool:';

/** The URL under which a tool's results are kept: the call itself goes nowhere that has one. Its arguments are the body. */
export function toolUrl(tool: string): string {
  return `${TOOL}${encodeURIComponent(tool)}`;
}

/**
 * The method under which is kept what the client read of a page for a prompt, the prompt being the body. No request over
 * HTTP comes with it: theirs are upper-case.
 */
export const WEB_FETCH = 'WebFetch';

/** Whether the call only reads: by the rules, or because the client's WebFetch can do nothing else. */
export function isDeclaredRead(rules: CacheRules, request: { method: string; url: string }): boolean {
  return request.method === WEB_FETCH || isReused(rules, request);
}

/** Whether a `reuse` entry names the call: then its answer is kept though it says nothing of how long it lasts. */
export function isReused(rules: CacheRules, request: { method: string; url: string }): boolean {
  const named = (list: readonly ReuseRule[]): boolean => list.some((rule) => names(rule, request));
  return named(rules.reuse) && rules.limits.every((limit) => limit.reuse === null || named(limit.reuse));
}

/** What a rule without a method means: a DELETE, a PUT or a HEAD has to be named before an answer stands in its place. */
const READING = ['GET', 'POST'];

function names(rule: ReuseRule, request: { method: string; url: string }): boolean {
  if (request.url.startsWith(TOOL)) return rule.tool !== null && globMatches(rule.tool, decodeURIComponent(request.url.slice(TOOL.length)));
  if (rule.endpoint === null || !(rule.method === null ? READING : [rule.method]).includes(request.method === WEB_FETCH ? 'GET' : request.method)) return false;
  const endpoint = endpointOf(request.url);
  return endpoint !== null && endpointMatches(rule.endpoint, endpoint);
}
