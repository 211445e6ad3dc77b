import { smaller, type Micros } from './amount.ts';
import { DEFAULT_CACHE, tightenCache, type CacheRules } from './cache-rules.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointMatches } from './endpoint-pattern.ts';
import { globMatches } from './glob.ts';
import { tightenMode, type Mode } from './mode.ts';
import { DEFAULT_PAYMENT, tightenPayment, type PaymentRules } from './payment-rules.ts';
import type { PriceRule } from './price.ts';

/** When a loop is running for nothing. null: this breaker is off. */
export interface LoopRules {
  maxIterations: number | null;
  /** Iterations in a row that made the same calls and got the same answers. */
  repeatLimit: number | null;
  /** µ$ in any sixty seconds; tripped above, free again only below `resumeBelow`. */
  dollarsPerMinute: Micros | null;
  resumeBelow: Micros | null;
  /** Apply the breakers to turns that a person is sitting in front of, too. */
  interactive: boolean;
}

/** What an agent addressed by `pattern` (type, name or id glob) may do beyond the session's own policy. */
export interface AgentRule {
  pattern: string;
  agentBudget: Micros | null;
  maxPerRequest: Micros | null;
  approveAbove: Micros | null;
  allowedEndpoints: readonly string[] | null;
  blockedEndpoints: readonly string[];
  /** False: this agent's own endpoint lists stand alone, without those of the agents above it. Budgets always add up. */
  inheritParentPolicy: boolean;
}

export interface Policy {
  /** Whether what follows holds, or is only watched. */
  mode: Mode;
  maxPerRequest: Micros | null;
  sessionBudget: Micros | null;
  runBudget: Micros | null;
  projectBudget: Micros | null;
  dailyBudget: Micros | null;
  approveAbove: Micros | null;
  /** 0 to 1: the share of a budget at which the person is told. */
  alertOnThreshold: number;
  /** 0 to 1: the share of the session's budget at which loops are ended. */
  killSwitchAt: number | null;
  /** Every list has to allow an endpoint: a project's list narrows the user's. Empty: no list, everything may cost. */
  allowedEndpoints: readonly (readonly string[])[];
  blockedEndpoints: readonly string[];
  /** Refuse free calls, too, when they are not on the list. */
  strict: boolean;
  /** Subagents at work at once in a session, and how deep they may nest. */
  maxAgents: number | null;
  maxDepth: number | null;
  agents: readonly AgentRule[];
  prices: readonly PriceRule[];
  loops: LoopRules;
  cache: CacheRules;
  payment: PaymentRules;
  /** Whether what Bash starts is sent through the gateway by its environment. */
  environment: boolean;
}

/** What one file says: no more than the fields it names. */
export type PolicyPart = Partial<Omit<Policy, 'cache' | 'payment'>> & { cache?: Partial<CacheRules>; payment?: Partial<PaymentRules> };

/** The use case's defaults: with no file at all, $5 a session, $20 a day, $0.50 a request, alert at 70 %. */
export const DEFAULT_POLICY: Policy = {
  mode: 'enforce',
  maxPerRequest: 500_000n,
  sessionBudget: 5_000_000n,
  runBudget: null,
  projectBudget: null,
  dailyBudget: 20_000_000n,
  approveAbove: null,
  alertOnThreshold: 0.7,
  killSwitchAt: null,
  allowedEndpoints: [],
  blockedEndpoints: [],
  strict: false,
  maxAgents: null,
  maxDepth: null,
  agents: [],
  prices: [],
  loops: { maxIterations: null, repeatLimit: 25, dollarsPerMinute: 10_000_000n, resumeBelow: 5_000_000n, interactive: false },
  cache: DEFAULT_CACHE,
  payment: DEFAULT_PAYMENT,
  environment: true,
};

/** The defaults, with what each part names in their place; the last word counts. */
export function completed(...parts: readonly PolicyPart[]): Policy {
  return parts.reduce<Policy>((policy, part) => ({ ...policy, ...part, cache: { ...policy.cache, ...part.cache }, payment: { ...policy.payment, ...part.payment } }), DEFAULT_POLICY);
}

/**
 * The user's policy narrowed by a project's. Whatever the project's file says, the result allows nothing that the
 * user's alone would not: limits take the smaller, lists the intersection, and a price can be added but not lowered.
 */
export function tighten(user: Policy, project: PolicyPart): Policy {
  return {
    mode: tightenMode(user.mode, project.mode),
    maxPerRequest: smaller(user.maxPerRequest, project.maxPerRequest),
    sessionBudget: smaller(user.sessionBudget, project.sessionBudget),
    runBudget: smaller(user.runBudget, project.runBudget),
    projectBudget: smaller(user.projectBudget, project.projectBudget),
    dailyBudget: smaller(user.dailyBudget, project.dailyBudget),
    approveAbove: smaller(user.approveAbove, project.approveAbove),
    alertOnThreshold: Math.min(user.alertOnThreshold, project.alertOnThreshold ?? 1),
    killSwitchAt: lesser(user.killSwitchAt, project.killSwitchAt),
    allowedEndpoints: [...user.allowedEndpoints, ...(project.allowedEndpoints ?? [])],
    blockedEndpoints: [...user.blockedEndpoints, ...(project.blockedEndpoints ?? [])],
    strict: user.strict || (project.strict ?? false),
    maxAgents: lesser(user.maxAgents, project.maxAgents),
    maxDepth: lesser(user.maxDepth, project.maxDepth),
    agents: [...user.agents, ...(project.agents ?? []).map((rule) => ({ ...rule, inheritParentPolicy: true }))],
    // The first match wins, so a project's rule is heard only where the user's table is silent.
    prices: [...user.prices, ...(project.prices ?? [])],
    loops: project.loops === undefined ? user.loops : tightenLoops(user.loops, project.loops),
    // Seeing less is no tightening.
    environment: user.environment,
    cache: project.cache === undefined ? user.cache : tightenCache(user.cache, project.cache),
    payment: project.payment === undefined ? user.payment : tightenPayment(user.payment, project.payment),
  };
}

function tightenLoops(user: LoopRules, project: LoopRules): LoopRules {
  return {
    maxIterations: lesser(user.maxIterations, project.maxIterations),
    repeatLimit: lesser(user.repeatLimit, project.repeatLimit),
    dollarsPerMinute: smaller(user.dollarsPerMinute, project.dollarsPerMinute),
    resumeBelow: smaller(user.resumeBelow, project.resumeBelow),
    interactive: user.interactive || project.interactive,
  };
}

function lesser(a: number | null, b: number | null | undefined): number | null {
  if (a === null || b === null || b === undefined) return a ?? b ?? null;
  return Math.min(a, b);
}

/** How an agent is addressed: `ralph-loop`, type `researcher` or `plugin:researcher`, name `researcher-1`, the client's id. */
export interface AgentIdentity {
  id: string;
  name: string;
  type: string;
  /**
   * Other names it answers to: a loop that the model named itself stays a `loop`, and an agent that was given a name
   * keeps the one of its type. A name of the model's own choice can add a rule, and never take one away.
   */
  aliases?: readonly string[];
}

/** All that the rules say of one agent together. */
export interface AgentLimits {
  agentBudget: Micros | null;
  maxPerRequest: Micros | null;
  approveAbove: Micros | null;
  /** Every list has to allow an endpoint, as in `Policy`. */
  allowedEndpoints: readonly (readonly string[])[];
  blockedEndpoints: readonly string[];
  inheritParentPolicy: boolean;
}

const NO_LIMITS: AgentLimits = {
  agentBudget: null,
  maxPerRequest: null,
  approveAbove: null,
  allowedEndpoints: [],
  blockedEndpoints: [],
  inheritParentPolicy: true,
};

/**
 * The rules that address an agent, merged: when several match, each limit is the smallest. `main` is addressed by its
 * name alone: `"*"` means every subagent, and a budget for all of them is not meant for the session as a whole.
 */
export function limitsOf(agent: AgentIdentity, rules: readonly AgentRule[]): AgentLimits {
  return rules.reduce((limits, rule) => (addresses(rule.pattern, agent) ? narrow(limits, rule) : limits), NO_LIMITS);
}

function narrow(limits: AgentLimits, rule: AgentRule): AgentLimits {
  return {
    agentBudget: smaller(limits.agentBudget, rule.agentBudget),
    maxPerRequest: smaller(limits.maxPerRequest, rule.maxPerRequest),
    approveAbove: smaller(limits.approveAbove, rule.approveAbove),
    allowedEndpoints: rule.allowedEndpoints === null ? limits.allowedEndpoints : [...limits.allowedEndpoints, rule.allowedEndpoints],
    blockedEndpoints: [...limits.blockedEndpoints, ...rule.blockedEndpoints],
    inheritParentPolicy: limits.inheritParentPolicy && rule.inheritParentPolicy,
  };
}

function addresses(pattern: string, agent: AgentIdentity): boolean {
  if (agent.id === 'main') return pattern === 'main';
  const bareType = agent.type.slice(agent.type.lastIndexOf(':') + 1);
  return [agent.type, bareType, agent.name, agent.id, ...(agent.aliases ?? [])].some((text) => globMatches(pattern, text));
}

export type EndpointVerdict = { allowed: true } | { allowed: false; rule: string };

/**
 * Whether money may go to an endpoint. Every list in force has to name it; an endpoint that cannot be known is on no
 * list. A call of a tool without URL (MCP, WebSearch) is matched by its tool name, so lists can name tools as well.
 */
export function endpointAllowed(endpoint: Endpoint | null, tool: string, allowed: readonly (readonly string[])[], blocked: readonly string[]): EndpointVerdict {
  const named = (pattern: string): boolean => (endpoint === null ? tool !== 'Bash' && globMatches(pattern, tool) : endpointMatches(pattern, endpoint));
  const blocking = blocked.find(named);
  if (blocking !== undefined) return { allowed: false, rule: `blocked by "${blocking}"` };
  for (const list of allowed) {
    if (!list.some(named)) return { allowed: false, rule: list.length === 0 ? 'the list is empty' : `allowed are ${list.map((item) => `"${item}"`).join(', ')}` };
  }
  return { allowed: true };
}
