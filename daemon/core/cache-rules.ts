/** How long answers are kept, for whom, and which calls are reads though their method does not say so. */
export interface CacheRules {
  enabled: boolean;
  scope: 'session' | 'project' | 'user';
  /** Seconds; for an answer that says nothing of its freshness and that no rule below names. */
  defaultTtl: number;
  /** The first pattern (a regular expression over the URL) that matches says how many seconds. */
  ttlRules: readonly { pattern: RegExp; ttl: number }[];
  /** Calls that only read, so that the same body gets the same answer. */
  reuse: readonly ReuseRule[];
}

/** One of `endpoint` and `tool`, as in a price rule. */
export interface ReuseRule {
  endpoint: string | null;
  tool: string | null;
  /** Upper-case; null means any. */
  method: string | null;
}

/** The use case's defaults: half an hour, within the session. */
export const DEFAULT_CACHE: CacheRules = { enabled: true, scope: 'session', defaultTtl: 1_800, ttlRules: [], reuse: [] };
