import type { Micros } from './amount.ts';

/** Tokens that an answer says were used, as billed classes. */
export interface Usage {
  input: number;
  /** Read from the provider's prompt cache, cheaper than input. */
  cachedInput: number;
  /** Written to the provider's prompt cache (Anthropic), dearer than input. */
  cacheWrite: number;
  output: number;
}

/** µ$ per million tokens of each class. Cached classes default to the input price: never under-counted. */
export interface TokenPrice {
  input: Micros;
  output: Micros;
  cachedInput: Micros | null;
  cacheWrite: Micros | null;
}

/**
 * The usage in an OpenAI-shaped (`prompt_tokens`, or Responses' `input_tokens`) or Anthropic-shaped (`input_tokens`,
 * `cache_read_input_tokens`) answer, in a JSON body or in the events of a stream; null where there is none to read.
 * A stream repeats its usage as it grows, so the largest figure of each class counts.
 */
export function usageOf(body: string): Usage | null {
  const whole = usageInJson(body);
  if (whole !== null) return whole;
  let found: Usage | null = null;
  for (const line of body.split('\n')) {
    const data = line.startsWith('data:') ? line.slice(5) : line;
    if (!data.includes('"usage"')) continue;
    const usage = usageInJson(data);
    if (usage === null) continue;
    found = found === null ? usage : largest(found, usage);
  }
  return found;
}

/** Rounded up to the next µ$: a provider bills the fraction too. */
export function costOf(usage: Usage, price: TokenPrice): Micros {
  const total =
    BigInt(usage.input) * price.input +
    BigInt(usage.cachedInput) * (price.cachedInput ?? price.input) +
    BigInt(usage.cacheWrite) * (price.cacheWrite ?? price.input) +
    BigInt(usage.output) * price.output;
  return (total + 999_999n) / 1_000_000n;
}

function usageInJson(text: string): Usage | null {
  const start = text.indexOf('{');
  if (start < 0) return null;
  let value: unknown;
  try {
    value = JSON.parse(text.slice(start).trimEnd());
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  // Responses API and Anthropic's message_start wrap the usage once.
  const holder = [value, value['response'], value['message']].find((part) => isRecord(part) && isRecord(part['usage']));
  return isRecord(holder) ? readUsage(holder['usage'] as Record<string, unknown>) : null;
}

function readUsage(usage: Record<string, unknown>): Usage | null {
  if ('prompt_tokens' in usage) {
    const cached = tokens(nested(usage, 'prompt_tokens_details', 'cached_tokens'));
    return split(tokens(usage['prompt_tokens']), cached, 0, tokens(usage['completion_tokens']));
  }
  if (!('input_tokens' in usage) && !('output_tokens' in usage)) return null;
  if ('input_tokens_details' in usage) {
    const cached = tokens(nested(usage, 'input_tokens_details', 'cached_tokens'));
    return split(tokens(usage['input_tokens']), cached, 0, tokens(usage['output_tokens']));
  }
  // Anthropic counts cache reads and writes beside input_tokens, not inside.
  return {
    input: tokens(usage['input_tokens']),
    cachedInput: tokens(usage['cache_read_input_tokens']),
    cacheWrite: tokens(usage['cache_creation_input_tokens']),
    output: tokens(usage['output_tokens']),
  };
}

/** OpenAI counts cached tokens inside the prompt's. */
function split(prompt: number, cached: number, cacheWrite: number, output: number): Usage {
  const cachedInput = Math.min(cached, prompt);
  return { input: prompt - cachedInput, cachedInput, cacheWrite, output };
}

function largest(a: Usage, b: Usage): Usage {
  return {
    input: Math.max(a.input, b.input),
    cachedInput: Math.max(a.cachedInput, b.cachedInput),
    cacheWrite: Math.max(a.cacheWrite, b.cacheWrite),
    output: Math.max(a.output, b.output),
  };
}

function nested(value: Record<string, unknown>, outer: string, inner: string): unknown {
  const part = value[outer];
  return isRecord(part) ? part[inner] : undefined;
}

/** The seller is not trusted: a count that is not a sane whole number counts as none. */
function tokens(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 1_000_000_000 ? value : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
