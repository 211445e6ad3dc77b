import { formatDollars, type Micros } from './amount.ts';
import { DEFAULT_POLICY, type Policy, type PolicyPart } from './policy.ts';
import type { PriceRule } from './price.ts';

/** A field of a project's file that would have allowed more than the person's own settings, and changes nothing. */
export interface Loosening {
  field: string;
  /** As the project's file has it. */
  value: string;
  /** What stays in force. */
  stays: string;
}

/** What in a project's file `tighten` leaves without effect because it would loosen; `user` is what it was held against. */
export function looseningsIn(user: Policy, project: PolicyPart): Loosening[] {
  return [...limits(user, project), ...switches(user, project), ...loops(user, project), ...cache(user, project), ...rules(user, project), ...payments(user, project)];
}

const AMOUNTS = ['maxPerRequest', 'sessionBudget', 'runBudget', 'projectBudget', 'dailyBudget', 'approveAbove'] as const;
const NUMBERS = ['alertOnThreshold', 'killSwitchAt', 'maxAgents', 'maxDepth'] as const;

function limits(user: Policy, project: PolicyPart): Loosening[] {
  const amounts = AMOUNTS.flatMap((field) => larger(`policy.${field}`, project[field], user[field], formatDollars));
  const numbers = NUMBERS.flatMap((field) => larger(`policy.${field}`, project[field], user[field], String));
  return [...amounts, ...numbers];
}

function switches(user: Policy, project: PolicyPart): Loosening[] {
  return [
    ...(project.strict === false && user.strict ? [{ field: 'policy.strict', value: 'false', stays: 'true' }] : []),
    ...(project.mode === 'shadow' && user.mode === 'enforce' ? [{ field: 'mode', value: 'shadow', stays: 'enforce' }] : []),
    ...(project.environment !== undefined && project.environment !== user.environment ? [{ field: 'gateway.environment', value: String(project.environment), stays: String(user.environment) }] : []),
  ];
}

/** A file that names one breaker has the defaults of the others, which nobody wrote. */
function loops(user: Policy, { loops: project }: PolicyPart): Loosening[] {
  if (project === undefined) return [];
  const ours = DEFAULT_POLICY.loops;
  const written = <K extends keyof typeof ours>(field: K): (typeof ours)[K] | undefined => (project[field] === ours[field] ? undefined : project[field]);
  return [
    ...larger('loops.maxIterations', written('maxIterations'), user.loops.maxIterations, String),
    ...larger('loops.repeatLimit', written('repeatLimit'), user.loops.repeatLimit, String),
    ...larger('loops.dollarsPerMinute', written('dollarsPerMinute'), user.loops.dollarsPerMinute, formatDollars),
    ...larger('loops.resumeBelow', written('resumeBelow'), user.loops.resumeBelow, formatDollars),
  ];
}

const SCOPES = ['session', 'project', 'user'] as const;

function cache({ cache: user }: Policy, { cache: project }: PolicyPart): Loosening[] {
  if (project === undefined) return [];
  const { enabled, scope, defaultTtl, reuse = [] } = project;
  const isNamed = (rule: (typeof reuse)[number]): boolean => user.reuse.some((mine) => mine.endpoint === rule.endpoint && mine.tool === rule.tool && mine.method === rule.method);
  return [
    ...(enabled === true && !user.enabled ? [{ field: 'cache.enabled', value: 'true', stays: 'false' }] : []),
    ...(scope !== undefined && SCOPES.indexOf(scope) > SCOPES.indexOf(user.scope) ? [{ field: 'cache.scope', value: scope, stays: user.scope }] : []),
    ...larger('cache.defaultTTL', defaultTtl, user.defaultTtl, String),
    ...reuse.filter((rule) => !isNamed(rule)).map((rule) => ({ field: 'cache.reuse', value: `"${rule.endpoint ?? rule.tool}"`, stays: 'what your own file names' })),
  ];
}

function rules(user: Policy, { agents = [], prices = [] }: PolicyPart): Loosening[] {
  const mine = new Map(user.agents.map((rule) => [rule.pattern, rule]));
  const named = (rule: PriceRule) => (price: PriceRule): boolean => price.endpoint === rule.endpoint && price.tool === rule.tool && (price.method === null || price.method === rule.method);
  return [
    ...agents.flatMap((rule) => [
      ...(rule.inheritParentPolicy ? [] : [{ field: `agents.${rule.pattern}.inheritParentPolicy`, value: 'false', stays: 'true' }]),
      ...(['agentBudget', 'maxPerRequest', 'approveAbove'] as const).flatMap((field) => larger(`agents.${rule.pattern}.${field}`, rule[field] ?? undefined, mine.get(rule.pattern)?.[field] ?? null, formatDollars)),
    ]),
    ...prices.flatMap((rule) => {
      const own = user.prices.find(named(rule));
      const isLess = own !== undefined && own.price !== 'x402' && rule.price !== 'x402' && rule.price < own.price;
      return isLess ? [{ field: `the price of "${rule.endpoint ?? rule.tool}"`, value: formatDollars(rule.price as Micros), stays: formatDollars(own.price as Micros) }] : [];
    }),
  ];
}

function payments({ payment: user }: Policy, { payment: project }: PolicyPart): Loosening[] {
  if (project === undefined) return [];
  const networks = (project.networks ?? []).filter(({ id }) => !user.networks.some((mine) => mine.id === id));
  const payees = user.payees.length === 0 ? [] : (project.payees ?? []).flat().filter((payee) => !user.payees.every((list) => list.includes(payee)));
  return [
    ...networks.map(({ id }) => ({ field: 'networks', value: `"${id}"`, stays: 'what your own file names' })),
    ...payees.map((payee) => ({ field: 'policy.payees', value: `"${payee}"`, stays: 'what your own file names' })),
    ...larger('policy.priceJump', project.priceJump, user.priceJump, String),
  ];
}

/** `null` on either side is no limit; a project that says nothing loosens nothing. */
function larger<T extends bigint | number>(field: string, project: T | null | undefined, user: T | null, say: (value: T) => string): Loosening[] {
  if (project === undefined || user === null || (project !== null && project <= user)) return [];
  return [{ field, value: project === null ? 'none' : say(project), stays: say(user) }];
}
