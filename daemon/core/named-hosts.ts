import { namingPatterns } from './passage.ts';
import type { Policy } from './policy.ts';

/** The hosts in a policy's patterns, each once: `api.exa.ai`, `*.tavily.com`, `127.0.0.1:8080`. */
export function namedHosts(policy: Policy | null): string[] {
  const patterns = policy === null ? [] : namingPatterns(policy);
  return [...new Set(patterns.map((pattern) => pattern.replace(/^https?:\/\//i, '').replace(/[/?].*$/s, '').toLowerCase()))];
}
