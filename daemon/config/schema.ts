import { z } from 'zod';
import { parseAmount, type Micros } from '../core/amount.ts';
import { isTimeZone } from '../core/day.ts';
import type { CacheRules } from '../core/cache-rules.ts';
import { DEFAULT_PAYMENT, type PayableNetwork } from '../core/payment-rules.ts';
import { DEFAULT_POLICY, type AgentRule, type LoopRules, type Policy, type PolicyPart } from '../core/policy.ts';
import type { PriceRule } from '../core/price.ts';
import { safePattern } from '../core/safe-pattern.ts';

/**
 * `config.json` and a project's `.claude/pag0.json`: the same shape, parsed at this door and nowhere else. Unknown
 * fields are refused by name, because a budget with a typing error in its name is no budget.
 */
const amount = z
  .custom<string>((value) => typeof value === 'string', { error: (issue) => `${show(issue.input)} is not an amount; write dollars as "$0.02" or µ$ as a whole number in quotes, "20000"` })
  .transform((text, context): Micros => {
    const parsed = parseAmount(text);
    if (parsed.ok) return parsed.amount;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });

const price = z
  .custom<string>((value) => typeof value === 'string', { error: (issue) => `${show(issue.input)} is not a price; write "$0.02", "20000" or "x402"` })
  .transform((text, context): Micros | 'x402' => {
    if (text === 'x402') return text;
    const parsed = parseAmount(text);
    if (parsed.ok) return parsed.amount;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });

const share = z.number({ error: 'a share is a number from 0 to 1, such as 0.7' }).min(0).max(1);
const pattern = z.string().min(1).max(500);
const endpoints = z.array(pattern).max(1_000);
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

const priceRule = z
  .strictObject({
    endpoint: pattern.optional(),
    tool: pattern.optional(),
    method: method.optional(),
    price,
    tokens: z
      .strictObject({ inputPerMillion: amount, outputPerMillion: amount, cachedInputPerMillion: amount.optional(), cacheWritePerMillion: amount.optional() })
      .optional(),
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
  .strictObject({ endpoint: pattern.optional(), tool: pattern.optional(), method: method.optional() })
  .refine((rule) => (rule.endpoint === undefined) !== (rule.tool === undefined), { error: 'a call to reuse names an "endpoint" or a "tool", one of the two' });

const cache = z.strictObject({
  enabled: z.boolean().optional(),
  scope: z.enum(['session', 'project', 'user']).optional(),
  defaultTTL: seconds.optional(),
  ttlRules: z.array(z.strictObject({ pattern: expression, ttl: seconds })).max(100).optional(),
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
}

type ParsedConfig = { ok: true; config: Config } | { ok: false; problem: string };

/** `problem` is one sentence: field, value, what is allowed. */
export function parseConfig(text: string): ParsedConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: `it is not JSON (${(error as Error).message})` };
  }
  const parsed = config.safeParse(value, { reportInput: true });
  if (!parsed.success) return { ok: false, problem: explain(parsed.error) };
  const file = parsed.data;
  return {
    ok: true,
    config: {
      policy: toPolicy(file),
      timeZone: file.timeZone ?? null,
    },
  };
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

function explain(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => {
      const field = issue.path.join('.') || 'the file';
      if (issue.code === 'unrecognized_keys') return `${[...issue.path, issue.keys[0]].join('.')} is not a field pag0 knows${spelling(issue.path, issue.keys[0]!)}`;
      const value = issue.input === undefined || typeof issue.input === 'object' || issue.code === 'custom' ? '' : ` is ${show(issue.input)}:`;
      return `${field}${value === '' ? ':' : value} ${issue.message}`;
    })
    .join('; ');
}

/** The fields that would have been right there. */
function spelling(path: readonly PropertyKey[], _key: string): string {
  const shapes: Record<string, object> = { '': config.shape, policy: policy.shape, loops: loops.shape, cache: cache.shape, gateway: gateway.shape };
  const shape = shapes[path.join('.')] ?? (path[0] === 'agents' ? agent.shape : path[0] === 'networks' ? network.in.shape : undefined);
  return shape === undefined ? '' : ` (known here: ${Object.keys(shape).filter((name) => name !== '$schema').join(', ')})`;
}

function isWebAddress(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 2_000 && /^https?:\/\//i.test(value) && URL.canParse(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'a missing value';
  // JSON has no NaN; it shows as null in JSON.stringify and must not.
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
