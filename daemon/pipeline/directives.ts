import type { Micros } from '../core/amount.ts';
import type { Directive, Roster } from '../ports.ts';

/** What people (and, downwards only, models) ordered at run time, newest word per scope. */
export interface Directives {
  /** undefined: nobody said anything; the policy's own limit counts. */
  limit(scope: string): Micros | undefined;
  killed(scopes: readonly string[]): boolean;
  /** This one itself, whatever else is stopped. */
  isKilled(scope: string): boolean;
  /** When a person last let a stopped scope go on; 0 when never. */
  resumedAt(scopes: readonly string[]): number;
  give(directive: Directive): Promise<void>;
  version(): number;
}

/** The scope that stands for everything. */
export const ALL = 'all';

export function createDirectives(roster: Roster): Directives {
  const limits = new Map<string, Micros>();
  const kills = new Set<string>();
  const resumes = new Map<string, number>();
  let version = 0;
  for (const directive of roster.directives()) apply(directive);

  function apply(directive: Directive): void {
    version += 1;
    if (directive.kind === 'kill') kills.add(directive.scope);
    else if (directive.kind === 'resume') {
      if (directive.scope === ALL) kills.clear();
      kills.delete(directive.scope);
      resumes.set(directive.scope, directive.at);
    } else if (directive.limit !== null) limits.set(directive.scope, directive.limit);
  }

  return {
    limit: (scope) => limits.get(scope),
    isKilled: (scope) => kills.has(scope),
    killed: (scopes) => kills.has(ALL) || scopes.some((scope) => kills.has(scope)),
    resumedAt: (scopes) => Math.max(0, ...[ALL, ...scopes].map((scope) => resumes.get(scope) ?? 0)),
    async give(directive) {
      await roster.saveDirective(directive);
      apply(directive);
    },
    version: () => version,
  };
}
