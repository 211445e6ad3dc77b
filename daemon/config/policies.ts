import { join } from 'node:path';
import type { Mode } from '../core/mode.ts';
import { DEFAULT_PAYMENT, type PayableNetwork } from '../core/payment-rules.ts';
import { completed, tighten, type Policy } from '../core/policy.ts';
import { looseningsIn } from '../core/policy-loosening.ts';
import type { Session } from '../core/tree.ts';
import type { Clock } from '../ports.ts';
import { parseOptions, type Config } from './schema.ts';
import { configSource, type ConfigProblem, type ConfigSource } from './source.ts';

/** Replaced, never changed: what was derived from one can be kept as long as it is the same object. */
export interface PolicyInForce {
  policy: Policy;
}

interface Kept {
  inForce: PolicyInForce;
  user: number;
  project: number;
  options: Session['options'];
  base: PolicyInForce | null;
}

export interface Policies {
  /** null: there is no policy to go by, and `problems` says why; then nothing that can cost may happen. */
  of(session: Session): PolicyInForce | null;
  /** What is wrong with the files and options of this session, those first that leave it without a policy. */
  problems(session: Session): ConfigProblem[];
  /** What is in force and may not be what was meant, a sentence each. */
  remarks(session: Session): string[];
  timeZone(): string;
  /** The user's own; a session's project may have left the shadow (`of`). */
  mode(): Mode;
}

/** What holds for every session alike, and also while there is none. */
export interface UserNetworks {
  /** The user's own, whatever a project leaves out: what was signed is asked after when its session is long over. */
  networks(): readonly PayableNetwork[];
}

/** A project's file is found beside the client's own settings. */
const PROJECT_FILE = join('.claude', 'pag0.json');

/** Asked once: the answer costs microseconds, and every decision needs it. */
const machineZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Project files watched, and policies remembered, at once. */
const MAX_PROJECTS = 200;
const MAX_KEPT = 2_000;

/**
 * Defaults, then what the person typed when enabling the plugin, then `config.json`; narrowed by the project's file, and
 * for a nested session by everything that binds the session above it, so that no agent widens its limits by starting
 * another client elsewhere.
 */
export function createPolicies(files: { userFile: string; lastGoodFile: string }, clock: Clock, sessionById: (id: string) => Session | undefined): Policies & UserNetworks {
  const user = configSource(files.userFile, clock, files.lastGoodFile);
  const projects = new Map<string, ConfigSource>();
  const kept = new Map<string, Kept>();

  function projectOf(session: Session): ConfigSource {
    let source = projects.get(session.cwd);
    if (source === undefined) {
      if (projects.size >= MAX_PROJECTS) projects.clear();
      source = configSource(join(session.cwd, PROJECT_FILE), clock);
      projects.set(session.cwd, source);
    }
    return source;
  }

  function of(session: Session, depth = 0): PolicyInForce | null {
    const above = session.parent === null || depth > 16 ? undefined : sessionById(session.parent.session);
    const base = above === undefined ? null : of(above, depth + 1);
    if (above !== undefined && base === null) return null;
    const own = user.current();
    const project = projectOf(session);
    const narrowing = project.current();
    if (own === null || narrowing === null) return null;
    const { options } = session;
    const now = { user: user.version(), project: project.version(), options, base };
    const known = kept.get(session.id);
    if (known !== undefined && known.user === now.user && known.project === now.project && known.options === options && known.base === base) return known.inForce;
    if (kept.size > MAX_KEPT) kept.clear();
    const policy = base === null ? tighten(ownPolicy(session, own), narrowing.policy) : tighten(tighten(base.policy, parseOptions(options).policy), narrowing.policy);
    const inForce = { policy };
    kept.set(session.id, { inForce, ...now });
    return inForce;
  }

  return {
    of,
    problems(session) {
      const files = [user.problem(), projectOf(session).problem()].filter((problem) => problem !== null);
      return [...files, ...parseOptions(session.options).problems.map((says) => ({ says, stays: 'it counts as not set' }))];
    },
    remarks(session) {
      const own = user.current();
      const project = projectOf(session);
      const narrowing = project.current();
      const file = join(session.cwd, PROJECT_FILE);
      const mine = (own?.remarks ?? []).map((text) => `${files.userFile}: ${text}`);
      if (narrowing === null) return mine;
      const above = session.parent === null ? undefined : sessionById(session.parent.session);
      const base = (above === undefined ? null : of(above)?.policy) ?? (own === null ? null : ownPolicy(session, own));
      const loosening = base === null ? [] : looseningsIn(base, narrowing.policy);
      return [
        ...mine,
        ...narrowing.remarks.map((text) => `${file}: ${text}`),
        ...loosening.map(({ field, value, stays }) => `${file}: ${field} is ${value} and would loosen what your own settings say, which a project's file cannot; ${stays} stays in force`),
        ...(narrowing.timeZone === null ? [] : [`${file}: timeZone counts in your own config.json alone, as the day is one for all projects`]),
      ];
    },
    timeZone: () => user.current()?.timeZone ?? machineZone,
    mode: () => user.current()?.policy.mode ?? 'enforce',
    networks: () => user.current()?.policy.payment?.networks ?? DEFAULT_PAYMENT.networks,
  };
}

function ownPolicy(session: Session, config: Config): Policy {
  return completed(parseOptions(session.options).policy, config.policy);
}
