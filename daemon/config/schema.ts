import { z } from 'zod';
import { parseAmount, type Micros } from '../core/amount.ts';
import { isTimeZone } from '../core/day.ts';
import type { CacheRules } from '../core/cache-rules.ts';
import { DEFAULT_PAYMENT, type PayableNetwork } from '../core/payment-rules.ts';
import { DEFAULT_POLICY, type AgentRule, type LoopRules, type Policy, type PolicyPart } from '../core/policy.ts';
import type { PriceRule } from '../core/price.ts';
import { MAX_SEARCHING, patternProblem, searchesPath } from '../core/endpoint-pattern.ts';
import { safePattern } from '../core/safe-pattern.ts';
import { explain } from './explain.ts';
import { readJson, sayPlace } from './json-text.ts';
import { show } from './show.ts';

/**
 * `config.json` and a project's `.claude/pag0.json`: the same shape, parsed at this door and nowhere else. Unknown
 * fields are refused by name, because a budget with a typing error in its name is no budget.
 */
const amount = z
  .custom<string>((value) => typeof value === 'string', { error: (issue) => `${show(issue.input)} is not an amount; ${quotedAmount(issue.input)}` })
  .transform((text, context): Micros => {
    const parsed = parseAmount(text);
    if (parsed.ok) return parsed.amount;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });

const price = z
  .custom<string>((value) => typeof value === 'string', { error: (issue) => `${show(issue.input)} is not a price; ${quotedAmount(issue.input)}, or "x402"` })
  .transform((text, context): Micros | 'x402' => {
    if (text === 'x402') return text;
    const parsed = parseAmount(text);
    if (parsed.ok) return parsed.amount;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });

const share = z.number({ error: 'a share is a number from 0 to 1, such as 0.7' }).min(0).max(1);
const pattern = z.string().min(1).max(500);
/** Names endpoints, or in a list tools: what can match nothing is a mistake, and would let through what it was to stop. */
const endpoint = pattern.superRefine((text, context) => {
  const problem = patternProblem(text);
  if (problem?.names === 'nothing') context.addIssue({ code: 'custom', message: `${show(text)} ${problem.says}` });
});
const endpoints = z.array(endpoint).max(1_000);
const count = z.number().int().min(1).max(1_000_000);
const method = z.string().min(1).max(20).transform((text) => text.toUpperCase());

/**
 * A whole one: addresses that begin and end like another's are made in minutes and sent about, so a pattern over them
 * names whoever wants to be named.
 */
const address = z
  .custom<string>((value) => typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value), { error: (issue) => `${show(issue.input)} is not an address; write all of it, "0x" and 40 hexadecimal digits` })
  .transform((text) => text.toLowerCase());

const policy = z.strictObject({
  maxPerRequest: amount.optional(),
  sessionBudget: amount.optional(),
  runBudget: amount.optional(),
  projectBudget: amount.optional(),
  dailyBudget: amount.optional(),
  approveAbove: amount.optional(),
  alertOnThreshold: share.optional(),
  killSwitchAt: share.optional(),
  allowedEndpoints: endpoints.optional(),
  blockedEndpoints: endpoints.optional(),
  strict: z.boolean().optional(),
  maxAgents: count.optional(),
  maxDepth: count.optional(),
  payees: z.array(address).max(1_000).optional(),
  priceJump: z.number({ error: 'write how many times its first price an endpoint may cost, such as 1.5' }).min(1).max(1_000_000).optional(),
});

const agent = z.strictObject({
  agentBudget: amount.optional(),
  maxPerRequest: amount.optional(),
  approveAbove: amount.optional(),
  allowedEndpoints: endpoints.optional(),
  blockedEndpoints: endpoints.optional(),
  inheritParentPolicy: z.boolean().optional(),
});

const tokens = z.strictObject({ inputPerMillion: amount, outputPerMillion: amount, cachedInputPerMillion: amount.optional(), cacheWritePerMillion: amount.optional() });

const priceRule = z
  .strictObject({
    endpoint: endpoint.optional(),
    tool: pattern.optional(),
    method: method.optional(),
    price,
    tokens: tokens.optional(),
  })
  .refine((rule) => (rule.endpoint === undefined) !== (rule.tool === undefined), { error: 'a price names an "endpoint" or a "tool", one of the two' });

const loops = z.strictObject({
  maxIterations: count.optional(),
  repeatLimit: count.nullable().optional(),
  dollarsPerMinute: amount.nullable().optional(),
  resumeBelow: amount.optional(),
  interactive: z.boolean().optional(),
});

/** A year: what is older was bought for somebody else's question. */
const seconds = z.number().int().min(0).max(31_536_000);

const expression = z.string().transform((text, context): RegExp => {
  const read = safePattern(text);
  if (read.ok) return read.pattern;
  context.addIssue({ code: 'custom', message: `${show(text)} ${read.problem}` });
  return z.NEVER;
});

const reuseRule = z
  .strictObject({ endpoint: endpoint.optional(), tool: pattern.optional(), method: method.optional() })
  .refine((rule) => (rule.endpoint === undefined) !== (rule.tool === undefined), { error: 'a call to reuse names an "endpoint" or a "tool", one of the two' });

const ttlRule = z.strictObject({ pattern: expression, ttl: seconds });

const cache = z.strictObject({
  enabled: z.boolean().optional(),
  scope: z.enum(['session', 'project', 'user']).optional(),
  defaultTTL: seconds.optional(),
  ttlRules: z.array(ttlRule).max(100).optional(),
  reuse: z.array(reuseRule).max(1_000).optional(),
});

const gateway = z.strictObject({ environment: z.boolean().optional() });

const network = z
  .strictObject({
    id: z.custom<string>((value) => typeof value === 'string' && /^eip155:[1-9]\d{0,14}$/.test(value), { error: (issue) => `${show(issue.input)} is not a network; write its CAIP-2 id, such as "eip155:8453" for Base` }),
    // Its value is not shown: the addresses that providers give out have a key in them.
    rpc: z.custom<string>(isWebAddress, { error: 'write an address that begins with "https://" or "http://"' }).optional(),
    assets: z.array(address).min(1, { error: 'name at least one token, or leave the network out' }).max(100).optional(),
  })
  .transform(({ id, rpc, assets }, context): PayableNetwork => {
    const named = assets ?? DEFAULT_PAYMENT.networks.find((known) => known.id === id)?.assets;
    if (named !== undefined) return { id, rpc: rpc ?? null, assets: [...new Set(named)] };
    context.addIssue({ code: 'custom', path: ['assets'], message: `pag0 knows no dollar token of ${id}; name the addresses of those to pay in, six decimals each` });
    return z.NEVER;
  });

const networks = z
  .array(network)
  .max(100)
  .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, { error: 'a network is listed twice; write its tokens in one entry' });

const config = z.strictObject({
  $schema: z.string().optional(),
  mode: z.enum(['enforce', 'shadow']).optional(),
  timeZone: z.string().refine(isTimeZone, { error: (issue) => `${show(issue.input)} is not a time zone; write one such as "Europe/Paris"` }).optional(),
  policy: policy.optional(),
  agents: z.record(pattern, agent).optional(),
  prices: z.array(priceRule).max(5_000).optional(),
  loops: loops.optional(),
  cache: cache.optional(),
  gateway: gateway.optional(),
  networks: networks.optional(),
});

export interface Config {
  policy: PolicyPart;
  timeZone: string | null;
  /** What is in force and may not be what was meant, a sentence each. */
  remarks: readonly string[];
}

type ParsedConfig = { ok: true; config: Config } | { ok: false; problem: string };

/** `problem` is one sentence: line and column, field, value, what is allowed. */
export function parseConfig(text: string): ParsedConfig {
  const read = readJson(text);
  if (!read.ok) return { ok: false, problem: `it is not JSON as pag0 reads it: ${read.problem}` };
  const parsed = config.safeParse(read.value, { reportInput: true });
  if (!parsed.success) return { ok: false, problem: explain(parsed.error, read.placeOf, fieldsAt) };
  const file = parsed.data;
  const patterns = patternsIn(file);
  if (patterns.filter(({ text: one }) => searchesPath(one)).length > MAX_SEARCHING) {
    return { ok: false, problem: `more than ${MAX_SEARCHING} patterns have two stars in their path; write them with one` };
  }
  const remarks = patterns.flatMap(({ text: one, path }) => {
    const problem = patternProblem(one);
    return problem === null ? [] : [`${sayPlace(read.placeOf(path))}: ${path.join('.')}: ${show(one)} ${problem.says}`];
  });
  return { ok: true, config: { policy: toPolicy(file), timeZone: file.timeZone ?? null, remarks } };
}

interface PlacedPattern {
  text: string;
  path: readonly PropertyKey[];
}

function patternsIn({ policy: limits, agents, prices, cache: rules }: z.infer<typeof config>): PlacedPattern[] {
  const lists = (part: { allowedEndpoints?: string[] | undefined; blockedEndpoints?: string[] | undefined } | undefined, path: readonly PropertyKey[]): PlacedPattern[] =>
    (['allowedEndpoints', 'blockedEndpoints'] as const).flatMap((name) => (part?.[name] ?? []).map((text, index) => ({ text, path: [...path, name, index] })));
  const named = (rows: readonly { endpoint?: string | undefined }[] | undefined, path: readonly PropertyKey[]): PlacedPattern[] =>
    (rows ?? []).flatMap(({ endpoint: text }, index) => (text === undefined ? [] : [{ text, path: [...path, index, 'endpoint'] }]));
  const ofAgents = Object.entries(agents ?? {}).flatMap(([name, rule]) => lists(rule, ['agents', name]));
  return [...lists(limits, ['policy']), ...ofAgents, ...named(prices, ['prices']), ...named(rules?.reuse, ['cache', 'reuse'])];
}

const option = z.union([z.string(), z.number()]);
const options = z.object({
  sessionBudget: option.optional(),
  dailyBudget: option.optional(),
  maxPerRequest: option.optional(),
  approveAbove: option.optional(),
  agentBudget: option.optional(),
  alertOnThreshold: option.optional(),
  killSwitchAt: option.optional(),
});

/**
 * What the person typed when the plugin was enabled. Here a bare "5" is refused: someone who types it means five
 * dollars, and in a policy it would mean five millionths of one.
 */
export function parseOptions(value: unknown): { policy: Partial<Policy>; problems: string[] } {
  const read = options.safeParse(value);
  const result: { -readonly [K in keyof Policy]?: Policy[K] } = {};
  const problems: string[] = [];
  if (!read.success) return { policy: result, problems: ['the plugin options cannot be read'] };
  for (const field of ['sessionBudget', 'dailyBudget', 'maxPerRequest', 'approveAbove', 'agentBudget'] as const) {
    const text = String(read.data[field] ?? '').trim();
    if (text === '') continue;
    const parsed = text.startsWith('$') || /^\d{5,}$/.test(text) ? parseAmount(text) : { ok: false as const, problem: `"${text}" is not an amount; write dollars as "$5"` };
    if (!parsed.ok) problems.push(`plugin option ${field}: ${parsed.problem}`);
    else if (field === 'agentBudget') result.agents = [toRule('*', { agentBudget: parsed.amount })];
    else result[field] = parsed.amount;
  }
  for (const field of ['alertOnThreshold', 'killSwitchAt'] as const) {
    const text = String(read.data[field] ?? '').trim();
    if (text === '') continue;
    const number = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
    if (number >= 0 && number <= 1) result[field] = number;
    else problems.push(`plugin option ${field}: "${text}" is not a share; write a number from 0 to 1 or a percentage`);
  }
  return { policy: result, problems };
}

function toPolicy(file: z.infer<typeof config>): PolicyPart {
  const { allowedEndpoints, payees, priceJump, ...limits } = file.policy ?? {};
  const payment = defined({ networks: file.networks, payees: payees === undefined ? undefined : [payees], priceJump });
  return {
    ...(file.mode === undefined ? {} : { mode: file.mode }),
    ...defined(limits),
    ...(allowedEndpoints === undefined ? {} : { allowedEndpoints: [allowedEndpoints] }),
    ...(file.agents === undefined ? {} : { agents: Object.entries(file.agents).map(([name, rule]) => toRule(name, rule)) }),
    ...(file.prices === undefined ? {} : { prices: file.prices.map(toPrice) }),
    ...(file.loops === undefined ? {} : { loops: toLoops(file.loops) }),
    ...(file.gateway?.environment === undefined ? {} : { environment: file.gateway.environment }),
    ...(file.cache === undefined ? {} : { cache: toCache(file.cache) }),
    ...(Object.keys(payment).length === 0 ? {} : { payment }),
  };
}

function toRule(name: string, rule: z.infer<typeof agent>): AgentRule {
  return {
    pattern: name,
    agentBudget: rule.agentBudget ?? null,
    maxPerRequest: rule.maxPerRequest ?? null,
    approveAbove: rule.approveAbove ?? null,
    allowedEndpoints: rule.allowedEndpoints ?? null,
    blockedEndpoints: rule.blockedEndpoints ?? [],
    inheritParentPolicy: rule.inheritParentPolicy ?? true,
  };
}

function toPrice(rule: z.infer<typeof priceRule>): PriceRule {
  const { tokens } = rule;
  return {
    endpoint: rule.endpoint ?? null,
    tool: rule.tool ?? null,
    method: rule.method ?? null,
    price: rule.price,
    tokens:
      tokens === undefined
        ? null
        : { input: tokens.inputPerMillion, output: tokens.outputPerMillion, cachedInput: tokens.cachedInputPerMillion ?? null, cacheWrite: tokens.cacheWritePerMillion ?? null },
  };
}

function toLoops(rules: z.infer<typeof loops>): LoopRules {
  return { ...DEFAULT_POLICY.loops, ...defined(rules) };
}

function toCache({ enabled, scope, defaultTTL, ttlRules, reuse }: z.infer<typeof cache>): Partial<CacheRules> {
  return defined({
    enabled,
    scope,
    defaultTtl: defaultTTL,
    ttlRules,
    reuse: reuse?.map((rule) => ({ endpoint: rule.endpoint ?? null, tool: rule.tool ?? null, method: rule.method ?? null })),
  });
}

/** zod leaves `undefined` where a field is absent, and a spread of that would erase a default. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** The fields of each object of the file, by its path; a number or a name of the file's own is a star. */
const FIELDS: Readonly<Record<string, object>> = {
  '': config.shape,
  policy: policy.shape,
  'agents.*': agent.shape,
  'prices.*': priceRule.shape,
  'prices.*.tokens': tokens.shape,
  loops: loops.shape,
  cache: cache.shape,
  'cache.ttlRules.*': ttlRule.shape,
  'cache.reuse.*': reuseRule.shape,
  gateway: gateway.shape,
  'networks.*': network.in.shape,
};

/** The names that are known at a place of the file; without one, every place with its names. */
export const KNOWN_FIELDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(FIELDS).map(([place, shape]) => [place, Object.keys(shape).filter((name) => name !== '$schema')]),
);

function fieldsAt(path: readonly PropertyKey[]): { here: readonly string[]; places: ReadonlyMap<string, readonly string[]> } {
  const place = path.map((part, index) => (typeof part === 'number' || (index === 1 && path[0] === 'agents') ? '*' : String(part))).join('.');
  return { here: KNOWN_FIELDS.get(place) ?? [], places: KNOWN_FIELDS };
}

/** What to write in the place of a number, or of anything else that is no text. */
function quotedAmount(value: unknown): string {
  if (typeof value === 'number' && value > 0 && value < 1e12) return `in quotes and with a dollar sign it is one: "$${value}"`;
  return 'write dollars as "$0.02" or µ$ as a whole number in quotes, "20000"';
}

function isWebAddress(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 2_000 && /^https?:\/\//i.test(value) && URL.canParse(value);
}
