/** How long answers are kept, for whom, and which calls are reads though their method does not say so. */
export interface CacheRules {
  enabled: boolean;
  scope: 'session' | 'project' | 'user';
  /** Seconds; for an answer that says nothing of its freshness, and that was paid for or that `reuse` names. */
  defaultTtl: number;
  /** The first pattern (a regular expression over the URL) that matches says how many seconds. */
  ttlRules: readonly TtlRule[];
  /** Calls that only read, so that the same body gets the same answer. */
  reuse: readonly ReuseRule[];
  /** What the files of projects add: they shorten and narrow, never the other way. */
  limits: readonly CacheLimits[];
}

export interface TtlRule {
  pattern: RegExp;
  ttl: number;
}

/** One of `endpoint` and `tool`, as in a price rule. */
export interface ReuseRule {
  endpoint: string | null;
  tool: string | null;
  /** Upper-case; null means GET and POST: whoever means a DELETE or a PUT says so. */
  method: string | null;
}

export interface CacheLimits {
  /** No longer than this, whatever else is said. */
  ttlRules: readonly TtlRule[];
  /** Only these of the calls that the user's file names; null: all of them. */
  reuse: readonly ReuseRule[] | null;
}

/** The use case's defaults: half an hour, within the session. */
export const DEFAULT_CACHE: CacheRules = { enabled: true, scope: 'session', defaultTtl: 1_800, ttlRules: [], reuse: [], limits: [] };

const SCOPES = ['session', 'project', 'user'] as const;

/**
 * The user's rules narrowed by a project's. A project's file can switch the cache off, keep answers for fewer and for
 * shorter, and leave calls out of `reuse`. It cannot add one: an answer served in place of a POST is a POST that was
 * never made, and which of them do nothing but read is for the user to say, not for the repository that was just cloned.
 */
export function tightenCache(user: CacheRules, project: Partial<CacheRules>): CacheRules {
  const narrows = project.ttlRules !== undefined || project.reuse !== undefined;
  return {
    enabled: user.enabled && (project.enabled ?? true),
    scope: SCOPES[Math.min(SCOPES.indexOf(user.scope), SCOPES.indexOf(project.scope ?? 'user'))]!,
    defaultTtl: Math.min(user.defaultTtl, project.defaultTtl ?? user.defaultTtl),
    ttlRules: user.ttlRules,
    reuse: user.reuse,
    limits: narrows ? [...user.limits, { ttlRules: project.ttlRules ?? [], reuse: project.reuse ?? null }] : user.limits,
  };
}
