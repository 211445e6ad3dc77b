import type { Policies } from '../config/policies.ts';
import { parseConfig } from '../config/schema.ts';
import { hookEvent } from '../contract/events.ts';
import { dayOf } from '../core/day.ts';
import { completed, type Policy } from '../core/policy.ts';
import { NO_SANDBOX } from '../core/sandbox.ts';
import { memoryLedger } from '../ledger/memory.ts';
import { memoryRoster } from '../ledger/roster.ts';
import { MAIN } from '../core/tree.ts';
import type { Asker, Ledger } from '../ports.ts';
import { readShell } from '../shell/syntax.ts';
import { createApprovals } from './approvals.ts';
import { createDirectives } from './directives.ts';
import { createHooks } from './hook.ts';
import type { Reply } from './reply.ts';
import { createOrders } from './orders.ts';
import type { Parts } from './parts.ts';
import { createSessions, type Live } from './sessions.ts';

/** A daemon without sockets and disk, with a clock that stands still until it is told to move. */
export interface World {
  parts: Parts;
  live: Live;
  now: number;
  /** What the log says of what was not done. */
  watched: Record<string, string>[];
  /** `person`: the client sends it, and somebody sits at it. So it is with a call, and not with a slash command, unless it is said. */
  send(event: Record<string, unknown>, person?: boolean): Promise<Reply | null>;
  /** A priced Bash call from start to end; answers what PreToolUse said. */
  curl(url: string, extra?: Record<string, unknown>): Promise<{ before: Reply; after: Reply | null }>;
  setPolicy(config: object): void;
}

/** As where a gateway runs and the session's shells are told of it. `calls`: what the system says of a connection, by its port there: the Bash call it comes from. */
export function withGateway(world: Pick<World, 'parts'>, calls: Readonly<Record<number, string>> = {}): void {
  world.parts.gateway = { isTold: () => true, ownConfig: () => new Set() };
  world.parts.shells = {
    begin: async () => {},
    launchOf: async () => null,
    whose: async (live, { connection }) => {
      const call = live.running.get(calls[connection.remotePort ?? -1] ?? '') ?? null;
      return { agent: call?.agent ?? MAIN, call, among: call === null ? [...live.running.values()] : [], program: null };
    },
  };
}

/** What a session started, by what its environment shows; `remotePort` tells the connections apart. */
export function startedBy(session: string, remotePort: number, more: Partial<Asker> = {}): Asker {
  return { session, by: 'environment', shell: null, connection: { remotePort }, ...more };
}

export function createWorld(config: object = {}, ledger: Ledger = memoryLedger()): World {
  let inForce = { policy: policyFrom(config) };
  let calls = 0;
  let asked = 0;
  const roster = memoryRoster();
  const world = { now: Date.UTC(2026, 10, 21, 12), watched: [] as World['watched'] } as World;
  const clock = (): number => world.now;
  const sessions = createSessions(roster, clock);
  const policies: Policies = { of: () => inForce, problems: () => [], remarks: () => [], timeZone: () => 'UTC', mode: () => inForce.policy.mode };
  const parts: Parts = {
    ledger,
    roster,
    sessions,
    policies,
    directives: createDirectives(roster),
    clock,
    dayOf: (at) => dayOf(at, 'UTC'),
    readShell,
    underway: new Set(),
    access: async () => undefined,
    sandboxOf: () => NO_SANDBOX,
    gateway: null,
    shells: null,
    recall: null,
    protectedPaths: ['/home/me/.pag0'],
    approvals: createApprovals(clock, () => `ask${(asked += 1)}`),
    wallet: () => '',
    watched: (text, fields) => void world.watched.push({ text, ...fields }),
    ownAddress: /127\.0\.0\.1:4402\b/,
  };
  const hooks = createHooks(parts, createOrders(parts));
  const live = register(parts, 's1');
  return Object.assign(world, {
    parts,
    live,
    send: (event: Record<string, unknown>, person = event['hook_event_name'] !== 'UserPromptExpansion') =>
      hooks.handle(hookEvent.parse({ session_id: 's1', ...event }), { isClient: () => Promise.resolve(person), isPerson: () => Promise.resolve(person) }),
    async curl(url: string, extra: Record<string, unknown> = {}) {
      calls += 1;
      const call = { tool_name: 'Bash', tool_input: { command: `curl -s ${url}` }, tool_use_id: `toolu_${calls}`, ...extra };
      const before = (await world.send({ hook_event_name: 'PreToolUse', ...call }))!;
      const refused = before.verdict?.verdict === 'refuse';
      const after = refused ? null : await world.send({ hook_event_name: 'PostToolUse', ...call, tool_response: { stdout: 'ok', stderr: '' } });
      return { before, after };
    },
    setPolicy(next: object) {
      inForce = { policy: policyFrom(next) };
    },
  });
}

export function register(parts: Parts, id: string, more: Partial<Parameters<Parts['sessions']['register']>[0]> = {}): Live {
  return parts.sessions.register({ id, cwd: '/work', project: '/work/.git', transcript: null, attended: true, clientPid: null, options: {}, run: null, parentSession: null, ancestors: [], ...more });
}

function policyFrom(config: object): Policy {
  const parsed = parseConfig(JSON.stringify(config));
  if (!parsed.ok) throw new Error(parsed.problem);
  return completed(parsed.config.policy);
}

export function refusalOf(reply: Reply) {
  return reply.verdict?.verdict === 'refuse' ? reply.verdict.refusal : null;
}
