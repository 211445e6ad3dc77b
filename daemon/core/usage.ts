import type { Micros } from './amount.ts';
import { eventsOf } from './answer-events.ts';

/** Tokens that an answer says were used, as billed classes. */
export interface Usage {
  input: number;
  /** Read from the provider's prompt cache, cheaper than input. */
  cachedInput: number;
  /** Written to the provider's prompt cache (Anthropic), dearer than input. */
  cacheWrite: number;
  output: number;
  /** Of which the answer tells only how many they were: the dearer of input and output counts. */
  unsplit?: number;
}

/** µ$ per million tokens of each class. Cached classes default to the input price. */
export interface TokenPrice {
  input: Micros;
  output: Micros;
  cachedInput: Micros | null;
  cacheWrite: Micros | null;
}

/** Rounded up to the next µ$: a provider bills the fraction too. */
export function costOf(usage: Usage, price: TokenPrice): Micros {
  const total =
    BigInt(usage.input) * price.input +
    BigInt(usage.cachedInput) * (price.cachedInput ?? price.input) +
    BigInt(usage.cacheWrite) * (price.cacheWrite ?? price.input) +
    BigInt(usage.output) * price.output +
    BigInt(usage.unsplit ?? 0) * (price.input > price.output ? price.input : price.output);
  return (total + 999_999n) / 1_000_000n;
}

/**
 * The usage that an answer of a model's API tells, in a JSON body or in the events of a stream; null where it tells none
 * or none that is certain: then what was set aside is the price. A charge never becomes lower by a doubt:
 *
 * - a count that is no whole number from 0 to a billion makes the usage unknown, and so does one that is missing where no
 *   total tells it;
 * - a stream that breaks off before its last usage, or ends in an error, has none;
 * - where several usages stand in one answer (a stream repeats its own as it grows), the largest of each count is meant;
 *   whole answers with ids of their own are added up.
 *
 * The cases are in the reference (`docs/configuration.md`, made from the tests).
 */
export function usageOf(body: string): Usage | null {
  const { events, isStream, isClosed, hasFailed } = eventsOf(body);
  if (hasFailed) return null;
  const answers = new Map<string, Counts>();
  let current = '';
  let hasEnded = false;
  let isFinal = !isStream || isClosed;
  for (const event of events) {
    const holders = holdersIn(event);
    hasEnded ||= endsStream(event);
    if (holders.length === 0) continue;
    isFinal ||= hasEnded;
    current = wholeAnswerId(event) ?? current;
    const counts = answers.get(current) ?? new Map<string, number>();
    answers.set(current, counts);
    for (const holder of holders) take(counts, holder, '');
  }
  if (!isFinal || answers.size === 0) return null;
  const usages = [...answers.values()].map(readCounts);
  return usages.every((usage) => usage !== null) ? usages.reduce(sum) : null;
}

/** By name in lower case without underscores, as `prompt_tokens` and `promptTokens` are one; NaN: it cannot be believed. */
type Counts = Map<string, number>;

type Record_ = Readonly<Record<string, unknown>>;

/** What answers wrap their usage in: Responses API, Anthropic, Cohere, Bedrock, Groq, batches and proxies. */
const WRAPPERS = ['response', 'message', 'delta', 'data', 'result', 'body', 'metadata', 'x_groq'];
/** `usage` of most, Gemini's, Cohere's first version, and Bedrock's for models of others. */
const USAGES = ['usage', 'usageMetadata', 'usage_metadata', 'meta', 'amazon-bedrock-invocationMetrics'];

function holdersIn(event: Record_, depth = 0): Record_[] {
  const here = USAGES.flatMap((name) => (isRecord(event[name]) ? [billed(event[name])] : []));
  // Ollama's counts stand in the answer itself.
  if (event['prompt_eval_count'] !== undefined || event['eval_count'] !== undefined) here.push(ollama(event));
  const choices = Array.isArray(event['choices']) ? event['choices'].slice(0, 8).filter(isRecord) : [];
  // Moonshot's stream.
  here.push(...choices.flatMap(({ usage }) => (isRecord(usage) ? [usage] : [])));
  if (depth === 2) return here;
  return [...here, ...WRAPPERS.flatMap((name) => (isRecord(event[name]) ? holdersIn(event[name], depth + 1) : []))];
}

/** Cohere counts what the model read, and beside it what it bills. A class that is not billed is left out. */
function billed(usage: Record_): Record_ {
  const units = usage['billed_units'] ?? usage['tokens'];
  if (!isRecord(units)) return usage;
  const [input, output] = [units['input_tokens'], units['output_tokens']];
  return input === undefined && output === undefined ? {} : { input_tokens: orZero(input), output_tokens: orZero(output) };
}

/** An embedding has no output. Without a count of the prompt (it was still in memory) nobody knows. */
function ollama({ prompt_eval_count: input, eval_count: output }: Record_): Record_ {
  return { input_tokens: input, output_tokens: orZero(output) };
}

function orZero(count: unknown): unknown {
  return count === undefined ? 0 : count;
}

/** Two answers in one body, as opposed to one that tells its usage twice. */
function wholeAnswerId({ id, object, type }: Record_): string | null {
  return typeof id === 'string' && (WHOLE.includes(String(object)) || type === 'message') ? id : null;
}

const WHOLE = ['chat.completion', 'text_completion', 'response'];

/** Whether what an event tells of usage, or the next one that does, is the last word. */
function endsStream(event: Record_): boolean {
  if (wholeAnswerId(event) !== null) return true;
  const { type, choices, candidates } = event;
  const each = [choices, candidates].flatMap((list) => (Array.isArray(list) ? list.filter(isRecord) : []));
  if (each.some((one) => isSaid(one['finish_reason']) || isSaid(one['finishReason']))) return true;
  // The chunk of usage alone that OpenAI sends last; a prompt that Gemini blocks; Anthropic's and Cohere's ends.
  if (Array.isArray(choices) && choices.length === 0 && isRecord(event['usage'])) return true;
  if (isRecord(event['promptFeedback']) && isSaid(event['promptFeedback']['blockReason'])) return true;
  if (ENDS.includes(String(type ?? event['event_type'])) || event['done'] === true) return true;
  // Bedrock's last event has the usage, and nothing that names its type.
  const usage = isRecord(event['metadata']) ? event['metadata']['usage'] : event['usage'];
  return isRecord(event['amazon-bedrock-invocationMetrics']) || (isRecord(usage) && usage['inputTokens'] !== undefined);
}

const ENDS = ['message_delta', 'message-end', 'stream-end', 'response.completed', 'response.incomplete', 'response.failed', 'response.done'];

function isSaid(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value !== 'FINISH_REASON_UNSPECIFIED';
}

/** Details stand one level below, and keep the name of what they are details of. */
function take(counts: Counts, usage: Record_, prefix: string): void {
  for (const [key, value] of Object.entries(usage)) {
    const name = prefix + key.replaceAll('_', '').toLowerCase();
    if (isRecord(value)) {
      if (prefix === '') take(counts, value, `${name.replace(/^(?:prompt|input)tokens?details$/, 'in').replace(/^(?:completion|output)tokens?details$/, 'out')}.`);
    } else if (KNOWN.has(name) && value !== null && value !== undefined) {
      const known = counts.get(name);
      const count = credible(value) ? value : Number.NaN;
      counts.set(name, known === undefined ? count : Math.max(known, count));
    }
  }
}

const INPUT = ['prompttokens', 'inputtokens', 'prompttokencount', 'inputtokencount'];
const OUTPUT = ['completiontokens', 'outputtokens', 'candidatestokencount', 'outputtokencount'];
const TOTAL = ['totaltokens', 'totaltokencount'];
/** Beside the output: Gemini, Perplexity. */
const REASONING_BESIDE = ['thoughtstokencount', 'reasoningtokens'];
/** Gemini counts what its tools put before the model beside the prompt. */
const INPUT_BESIDE = ['tooluseprompttokencount'];
/** Inside the input: OpenAI's details, Gemini, DeepSeek, Moonshot. */
const READ_INSIDE = ['in.cachedtokens', 'in.cachereadtokens', 'in.cacheread', 'cachedcontenttokencount', 'promptcachehittokens', 'cachedtokens'];
/** Beside the input: Anthropic's, Bedrock's, and proxies that pass them on. */
const READ_BESIDE = ['cachereadinputtokens', 'cachereadinputtokencount'];
const WRITE_INSIDE = ['in.cachewritetokens', 'in.cachecreationtokens', 'in.cachecreation'];
const WRITE_BESIDE = ['cachecreationinputtokens', 'cachewriteinputtokens', 'cachewriteinputtokencount'];
/** Anthropic's, by how long they are kept; together they are the writes. */
const WRITE_PARTS = ['cachecreation.ephemeral5minputtokens', 'cachecreation.ephemeral1hinputtokens'];
const KNOWN = new Set([...INPUT, ...OUTPUT, ...TOTAL, ...REASONING_BESIDE, ...INPUT_BESIDE, ...READ_INSIDE, ...READ_BESIDE, ...WRITE_INSIDE, ...WRITE_BESIDE, ...WRITE_PARTS, 'out.reasoningtokens', 'promptcachemisstokens']);

function readCounts(counts: Counts): Usage | null {
  if ([...counts.values()].some(Number.isNaN)) return null;
  const of = (names: readonly string[]): number | null => names.reduce<number | null>((most, name) => (counts.has(name) ? Math.max(most ?? 0, counts.get(name)!) : most), null);
  const some = (names: readonly string[]): number => of(names) ?? 0;
  const total = of(TOTAL);
  const missed = counts.get('promptcachemisstokens');
  const prompt = of(INPUT) ?? (missed === undefined ? null : missed + some(READ_INSIDE));
  const told = outputOf(of(OUTPUT), of(REASONING_BESIDE), counts.get('out.reasoningtokens') ?? 0);
  if (prompt === null && told === null) return total === null ? null : { ...NOTHING, unsplit: total };
  const written = Math.max(some(WRITE_BESIDE), WRITE_PARTS.reduce((all, name) => all + (counts.get(name) ?? 0), 0));
  // What the details say is inside counts inside, and a proxy may say it twice.
  const readBeside = of(READ_INSIDE.filter((name) => name.startsWith('in.'))) === null ? some(READ_BESIDE) : 0;
  const writtenBeside = of(WRITE_INSIDE) === null ? written : 0;
  const toolInput = some(INPUT_BESIDE);
  const beside = readBeside + writtenBeside;
  if (total === null && (prompt === null || told === null)) return null;
  const input = prompt ?? Math.max(0, total! - told! - toolInput);
  const left = (total ?? 0) - input - toolInput - (told ?? 0);
  // Some totals have what stands beside the input in them, and some have not.
  const output = (told ?? 0) + Math.max(0, left >= beside ? left - beside : left);
  return divided(input, toolInput, { inside: some(READ_INSIDE), beside: readBeside }, { inside: some(WRITE_INSIDE), beside: writtenBeside }, output);
}

/** Reasoning is part of the output as OpenAI counts it; more of it than there is output must be beside. */
function outputOf(output: number | null, reasoningBeside: number | null, reasoning: number): number | null {
  if (output === null && reasoningBeside === null) return null;
  const told = (output ?? 0) + (reasoningBeside ?? 0);
  return reasoningBeside === null && reasoning > told ? told + reasoning : told;
}

interface Cached {
  inside: number;
  beside: number;
}

/** What is said to be inside the input and is more than it must be beside. */
function divided(prompt: number, toolInput: number, read: Cached, write: Cached, output: number): Usage {
  const readInside = read.inside <= prompt ? read.inside : 0;
  const writeInside = write.inside <= prompt - readInside ? write.inside : 0;
  return {
    input: prompt - readInside - writeInside + toolInput,
    cachedInput: read.inside + read.beside,
    cacheWrite: write.inside + write.beside,
    output,
  };
}

const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 };

function sum(a: Usage, b: Usage): Usage {
  const unsplit = (a.unsplit ?? 0) + (b.unsplit ?? 0);
  return {
    input: a.input + b.input,
    cachedInput: a.cachedInput + b.cachedInput,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
    ...(unsplit === 0 ? {} : { unsplit }),
  };
}

/** More than any model takes in a day. */
const MOST = 1_000_000_000;

/** The seller is not trusted. */
function credible(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST;
}

function isRecord(value: unknown): value is Record_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
