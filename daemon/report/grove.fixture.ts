import type { Policies } from '../config/policies.ts';
import { parseConfig } from '../config/schema.ts';
import { dayOf } from '../core/day.ts';
import { completed, type Policy } from '../core/policy.ts';
import { NO_SANDBOX } from '../core/sandbox.ts';
import { MAIN, type Session } from '../core/tree.ts';
import { memoryLedger } from '../ledger/memory.ts';
import { memoryRoster } from '../ledger/roster.ts';
import { createApprovals } from '../pipeline/approvals.ts';
import { createDirectives } from '../pipeline/directives.ts';
import { standingOf } from '../pipeline/scopes.ts';
import { bashCall, createSessions, type Live } from '../pipeline/sessions.ts';
import type { Parts } from '../pipeline/parts.ts';
import type { Ledger, Roster } from '../ports.ts';

/** A small book with a small tree, built by hand: who spent what is written down, not simulated. */
export interface Grove {
  parts: Parts;
  now: number;
  session(id: string, more?: Partial<Parameters<Parts['sessions']['register']>[0]>): Live;
  /** A nested session that the agent of another started. */
  nested(id: string, parent: Live, agent: string): Live;
  agent(live: Live, id: string, type: string, parent?: string): string;
  /** `ending` is what became of it; `open` leaves it in flight. */
  pay(live: Live, agent: string, amount: bigint, more?: { tool?: string; endpoint?: string; requests?: number; ending?: 'post' | 'hold' | 'void' | 'open' }): Promise<void>;
  /** The same book and roster, with nothing remembered. */
  restart(): Parts;
  note(live: Live, agent: string, what: 'free' | 'refused' | 'hit' | 'shadow', more?: { tool?: string; endpoint?: string; requests?: number; code?: string; saved?: bigint }): Promise<void>;
}

export function createGrove(config: object = {}, book: { ledger: Ledger; roster: Roster } = { ledger: memoryLedger(), roster: memoryRoster() }): Grove {
  const policy = policyFrom(config);
  const { ledger, roster } = book;
  const grove = { now: Date.UTC(2026, 10, 21, 12) } as Grove;
  const clock = (): number => grove.now;
  const policies: Policies = { of: () => ({ policy, version: '1' }), problems: () => [], remarks: () => [], timeZone: () => 'UTC', mode: () => policy.mode };
  const sessions = createSessions(roster, clock);
  let asked = 0;
  const parts: Parts = {
    ledger,
    sessions,
    policies,
    directives: createDirectives(roster),
    clock,
    dayOf: (at) => dayOf(at, 'UTC'),
    readShell: () => ({ invocations: [], incomplete: false }) as never,
    underway: new Set(),
    access: async () => undefined,
    sandboxOf: () => NO_SANDBOX,
    gateway: null,
    shells: null,
    recall: null,
    protectedPaths: [],
    approvals: createApprovals(clock, () => `ask${(asked += 1)}`),
    wallet: () => '',
    watched: () => {},
    ownAddress: /^$/,
    roster,
  };
  let calls = 0;
  const register: Grove['session'] = (id, more = {}) =>
    sessions.register({ id, cwd: '/work/app', project: '/work/app/.git', transcript: null, attended: true, clientPid: null, options: {}, run: null, parentSession: null, ancestors: [], ...more });
  const scopesFor = (session: Session, agent: string) => standingOf(session, agent, () => policy, parts.dayOf(grove.now), parts.directives, (one) => roster.session(one)).scopes;
  return Object.assign(grove, {
    parts,
    session: register,
    restart: () => ({ ...parts, sessions: createSessions(roster, clock) }),
    nested(id: string, parent: Live, agent: string) {
      parent.running.set('nest', bashCall({ id: 'nest', agent, command: 'claude -p' }));
      const live = register(id, { parentSession: parent.session.id });
      parent.running.clear();
      return live;
    },
    agent(live: Live, id: string, type: string, parent: string = MAIN) {
      sessions.learnChild(live, { id, type, parent });
      return id;
    },
    async pay(live: Live, agent: string, amount: bigint, more: { tool?: string; endpoint?: string; requests?: number; ending?: 'post' | 'hold' | 'void' | 'open' } = {}) {
      const { tool = 'Bash', endpoint = 'api.tavily.com/search', requests = 1, ending = 'post' } = more;
      const key = `call-${(calls += 1)}`;
      const { id: session, run, project } = live.session;
      await ledger.reserve({ key, origin: { session, agent, run, project }, lines: [{ tool, endpoint, amount, requests }], scopes: scopesFor(live.session, agent), kind: 'billed', at: grove.now });
      if (ending === 'post') await ledger.post(key, grove.now);
      if (ending === 'hold') await ledger.hold(key, grove.now, 'lost');
      if (ending === 'void') await ledger.void(key, grove.now, 'not sent');
    },
    async note(live: Live, agent: string, what: 'free' | 'refused' | 'hit' | 'shadow', more: { tool?: string; endpoint?: string; requests?: number; code?: string; saved?: bigint } = {}) {
      const { tool = 'WebFetch', endpoint = 'docs.example.com/guide', requests = 1, code, saved } = more;
      const { id: session, run, project } = live.session;
      await ledger.note({ what, origin: { session, agent, run, project }, tool, endpoint, requests, at: grove.now, ...(code === undefined ? {} : { code }), ...(saved === undefined ? {} : { saved }) });
    },
  });
}

function policyFrom(config: object): Policy {
  const parsed = parseConfig(JSON.stringify(config));
  if (!parsed.ok) throw new Error(parsed.problem);
  return completed(parsed.config.policy);
}
