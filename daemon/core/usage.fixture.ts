import type { Usage } from './usage.ts';

/** What usage reads as: the cases of the tests, and of the table in the reference. */
export interface UsageCase {
  name: string;
  /** Of the answer, what tells. */
  body: string;
  /** null: unknown, and what was set aside is the price. */
  usage: Usage | null;
}

export interface UsageGroup {
  title: string;
  says: string;
  cases: readonly UsageCase[];
}

const tokens = (input: number, output: number, more: Partial<Usage> = {}): Usage => ({ input, cachedInput: 0, cacheWrite: 0, output, ...more });
const json = (name: string, value: unknown, usage: Usage | null): UsageCase => ({ name, body: JSON.stringify(value), usage });
/** Of OpenAI's chat, as most others have it. */
const chat = (name: string, usage: unknown, read: Usage | null): UsageCase => json(name, { usage }, read);
const sse = (name: string, events: readonly unknown[], usage: Usage | null): UsageCase => ({
  name,
  body: events.map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}`)).join('\n\n'),
  usage,
});
const lines = (name: string, values: readonly unknown[], usage: Usage | null): UsageCase => ({ name, body: values.map((value) => JSON.stringify(value)).join('\n'), usage });

const chunk = (more: object): object => ({ object: 'chat.completion.chunk', ...more });
const word = chunk({ choices: [{ delta: { content: 'Hi' }, finish_reason: null }], usage: null });
const stop = chunk({ choices: [{ delta: {}, finish_reason: 'stop' }] });
const CHAT = { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 };
const START = { type: 'message_start', message: { usage: { input_tokens: 1_000, cache_read_input_tokens: 500, output_tokens: 1 } } };
const DELTA = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 200 } };

export const USAGES: readonly UsageGroup[] = [
  {
    title: 'OpenAI chat, and those who speak it (Mistral, Together, vLLM, LiteLLM …)',
    says: 'Cached tokens of the details are inside the prompt.',
    cases: [
      chat('prompt and completion', CHAT, tokens(1_000, 200)),
      chat('cached reads inside the prompt', { prompt_tokens: 1_000, completion_tokens: 200, prompt_tokens_details: { cached_tokens: 400 } }, tokens(600, 200, { cachedInput: 400 })),
      chat('reasoning inside the completion', { ...CHAT, completion_tokens_details: { reasoning_tokens: 150 } }, tokens(1_000, 200)),
      chat('xAI: reasoning beside the completion, and the total tells', { prompt_tokens: 1_000, completion_tokens: 50, total_tokens: 1_350, completion_tokens_details: { reasoning_tokens: 300 } }, tokens(1_000, 350)),
      chat('more reasoning than completion, without a total', { prompt_tokens: 1_000, completion_tokens: 50, completion_tokens_details: { reasoning_tokens: 300 } }, tokens(1_000, 350)),
      chat('a total above both: the rest is output', { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_500 }, tokens(1_000, 500)),
      chat('a total below both does not count', { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 0 }, tokens(1_000, 200)),
      chat('DeepSeek: hits and misses make the prompt', { ...CHAT, prompt_cache_hit_tokens: 600, prompt_cache_miss_tokens: 400 }, tokens(400, 200, { cachedInput: 600 })),
      chat('Moonshot: cached_tokens without details', { ...CHAT, cached_tokens: 400 }, tokens(600, 200, { cachedInput: 400 })),
      chat('Perplexity: reasoning_tokens beside', { prompt_tokens: 1_000, completion_tokens: 200, reasoning_tokens: 300 }, tokens(1_000, 500)),
      chat('more cached than there was prompt: it is beside', { prompt_tokens: 100, completion_tokens: 200, prompt_tokens_details: { cached_tokens: 400 } }, tokens(100, 200, { cachedInput: 400 })),
      chat('cache writes beside the prompt', { prompt_tokens: 1_000, completion_tokens: 200, cache_creation_input_tokens: 500 }, tokens(1_000, 200, { cacheWrite: 500 })),
      chat('cache writes and reads beside the prompt, inside the total', { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_900, cache_creation_input_tokens: 500, cache_read_input_tokens: 200 }, tokens(1_000, 200, { cacheWrite: 500, cachedInput: 200 })),
      chat('cache writes inside the details', { ...CHAT, prompt_tokens_details: { cached_tokens: 300, cache_write_tokens: 200 } }, tokens(500, 200, { cachedInput: 300, cacheWrite: 200 })),
      chat('cache reads said twice', { ...CHAT, prompt_tokens_details: { cached_tokens: 300 }, cache_read_input_tokens: 300 }, tokens(700, 200, { cachedInput: 300 })),
      chat('details that are null', { ...CHAT, prompt_tokens_details: null, completion_tokens_details: { reasoning_tokens: null } }, tokens(1_000, 200)),
    ],
  },
  {
    title: 'OpenAI Responses',
    says: 'In the answer, or in the event that completes a stream.',
    cases: [
      json('an answer', { object: 'response', usage: { input_tokens: 1_000, output_tokens: 200, input_tokens_details: { cached_tokens: 400 }, output_tokens_details: { reasoning_tokens: 150 }, total_tokens: 1_200 } }, tokens(600, 200, { cachedInput: 400 })),
      sse('a stream', [{ type: 'response.created', response: { usage: null } }, 'event: response.completed\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":1000,"output_tokens":200,"total_tokens":1200}}}'], tokens(1_000, 200)),
      sse('a stream that is not completed', [{ type: 'response.created', response: { usage: null } }, { type: 'response.output_text.delta', delta: 'Hi' }], null),
      sse('a stream that failed', [{ type: 'response.failed', response: { usage: null, error: { code: 'server_error' } } }], null),
    ],
  },
  {
    title: 'Anthropic',
    says: 'Cache reads and writes stand beside the input; writes of five minutes and of an hour are added up.',
    cases: [
      json('an answer', { type: 'message', id: 'msg_1', usage: { input_tokens: 1_000, output_tokens: 200, cache_read_input_tokens: 500, cache_creation_input_tokens: 300 } }, tokens(1_000, 200, { cachedInput: 500, cacheWrite: 300 })),
      json('writes by how long they are kept', { usage: { input_tokens: 1_000, output_tokens: 200, cache_creation_input_tokens: 300, cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 } } }, tokens(1_000, 200, { cacheWrite: 300 })),
      json('writes in their parts alone', { usage: { input_tokens: 1_000, output_tokens: 200, cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 } } }, tokens(1_000, 200, { cacheWrite: 300 })),
      json('no cache', { usage: { input_tokens: 1_000, output_tokens: 200, cache_read_input_tokens: null, cache_creation_input_tokens: null } }, tokens(1_000, 200)),
      sse('a stream', [START, DELTA, { type: 'message_stop' }], tokens(1_000, 200, { cachedInput: 500 })),
      sse('a stream whose delta repeats the input', [START, { ...DELTA, usage: { input_tokens: 1_000, cache_read_input_tokens: 500, output_tokens: 200 } }], tokens(1_000, 200, { cachedInput: 500 })),
      sse('a stream that ends without its last usage', [START, { type: 'content_block_delta', delta: { text: 'Hi' } }], null),
      sse('a stream that ends in an error', [START, 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}'], null),
      sse('an error after the last usage', [START, DELTA, 'event: error\ndata: {"type":"error","error":{"type":"api_error"}}'], null),
    ],
  },
  {
    title: 'Streams of chat chunks',
    says: 'The usage counts that comes with the end or after it.',
    cases: [
      sse('usage in a last chunk of its own', [word, stop, chunk({ choices: [], usage: CHAT }), 'data: [DONE]'], tokens(1_000, 200)),
      sse('the same without [DONE]', [word, stop, chunk({ choices: [], usage: CHAT })], tokens(1_000, 200)),
      sse('usage that grows with each chunk', [chunk({ choices: [{ finish_reason: null }], usage: { ...CHAT, completion_tokens: 1, total_tokens: 1_001 } }), { ...stop, usage: CHAT }], tokens(1_000, 200)),
      sse('usage that grows, broken off', [chunk({ choices: [{ finish_reason: null }], usage: { ...CHAT, completion_tokens: 1, total_tokens: 1_001 } })], null),
      sse('no usage at all', [word, stop, 'data: [DONE]'], null),
      sse('an error in the middle', [chunk({ choices: [{ finish_reason: null }], usage: CHAT }), { error: { message: 'upstream' } }, 'data: [DONE]'], null),
      sse('Moonshot: in the last choice', [word, chunk({ choices: [{ finish_reason: 'stop', usage: { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 } }] }), 'data: [DONE]'], tokens(1_000, 200)),
      sse('Groq: x_groq.usage', [word, chunk({ choices: [{ finish_reason: 'stop' }], x_groq: { id: 'r', usage: { queue_time: 0.1, prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 } } })], tokens(1_000, 200)),
    ],
  },
  {
    title: 'Gemini',
    says: 'Thoughts stand beside the candidates, what tools put before the model beside the prompt, cached content inside it.',
    cases: [
      json('an answer', { usageMetadata: { promptTokenCount: 1_000, candidatesTokenCount: 200, totalTokenCount: 1_200 } }, tokens(1_000, 200)),
      json('thoughts, cache and tools', { usageMetadata: { promptTokenCount: 1_000, cachedContentTokenCount: 400, toolUsePromptTokenCount: 100, candidatesTokenCount: 200, thoughtsTokenCount: 300, totalTokenCount: 1_600 } }, tokens(700, 500, { cachedInput: 400 })),
      json('thoughts that only the total tells', { usageMetadata: { promptTokenCount: 1_000, candidatesTokenCount: 200, totalTokenCount: 1_500 } }, tokens(1_000, 500)),
      json('nothing but thoughts', { usageMetadata: { promptTokenCount: 1_000, thoughtsTokenCount: 300, totalTokenCount: 1_300 } }, tokens(1_000, 300)),
      json('a prompt that was blocked', { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 1_000, totalTokenCount: 1_000 } }, tokens(1_000, 0)),
      sse('a stream', [{ candidates: [{}], usageMetadata: { promptTokenCount: 1_000, totalTokenCount: 1_000 } }, { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1_000, candidatesTokenCount: 200, totalTokenCount: 1_200 } }], tokens(1_000, 200)),
      sse('a stream broken off', [{ candidates: [{}], usageMetadata: { promptTokenCount: 1_000, candidatesTokenCount: 5, totalTokenCount: 1_005 } }], null),
      json('a stream as an array', [{ candidates: [{}], usageMetadata: { promptTokenCount: 1_000, totalTokenCount: 1_000 } }, { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1_000, candidatesTokenCount: 200, totalTokenCount: 1_200 } }], tokens(1_000, 200)),
      { name: 'an array broken off', body: '[{"candidates":[{}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":5}}\n,', usage: null },
    ],
  },
  {
    title: 'Bedrock, Cohere, Ollama and others',
    says: 'As they name them.',
    cases: [
      json('Bedrock Converse', { usage: { inputTokens: 1_000, outputTokens: 200, totalTokens: 1_200 } }, tokens(1_000, 200)),
      json('Bedrock Converse with its cache', { usage: { inputTokens: 1_000, outputTokens: 200, totalTokens: 2_000, cacheReadInputTokens: 500, cacheWriteInputTokens: 300 } }, tokens(1_000, 200, { cachedInput: 500, cacheWrite: 300 })),
      lines('Bedrock Converse, its last event', [{ contentBlockDelta: { delta: { text: 'Hi' } } }, { messageStop: { stopReason: 'end_turn' } }, { metadata: { usage: { inputTokens: 1_000, outputTokens: 200, totalTokens: 1_200 } } }], tokens(1_000, 200)),
      json('Cohere: what it bills', { meta: { billed_units: { input_tokens: 1_000, output_tokens: 200 }, tokens: { input_tokens: 1_100, output_tokens: 210 } } }, tokens(1_000, 200)),
      json('Cohere, second version', { usage: { billed_units: { input_tokens: 1_000, output_tokens: 200 }, tokens: { input_tokens: 1_100, output_tokens: 210 } } }, tokens(1_000, 200)),
      json('Cohere embeddings', { meta: { billed_units: { input_tokens: 1_000 } } }, tokens(1_000, 0)),
      json('Cohere, searches', { meta: { billed_units: { search_units: 1 } } }, null),
      sse('Cohere’s stream', [{ type: 'content-delta' }, { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage: { billed_units: { input_tokens: 1_000, output_tokens: 200 } } } }], tokens(1_000, 200)),
      lines('Cohere’s first stream', [{ event_type: 'text-generation', text: 'Hi' }, { event_type: 'stream-end', response: { meta: { billed_units: { input_tokens: 1_000, output_tokens: 200 } } } }], tokens(1_000, 200)),
      json('Ollama', { done: true, prompt_eval_count: 1_000, eval_count: 200 }, tokens(1_000, 200)),
      lines('Ollama’s stream', [{ message: { content: 'Hi' }, done: false }, { done: true, prompt_eval_count: 1_000, eval_count: 200 }], tokens(1_000, 200)),
      lines('Ollama’s stream broken off', [{ message: { content: 'Hi' }, done: false }], null),
      json('Workers AI, wrapped', { result: { response: 'Hi', usage: CHAT } }, tokens(1_000, 200)),
    ],
  },
  {
    title: 'Not all of it told',
    says: 'An embedding has no output, as its total says. What cannot be split is output or input, whichever is dearer.',
    cases: [
      chat('embeddings', { prompt_tokens: 1_000, total_tokens: 1_000 }, tokens(1_000, 0)),
      chat('a total alone', { total_tokens: 1_000 }, tokens(0, 0, { unsplit: 1_000 })),
      chat('completion and total', { completion_tokens: 200, total_tokens: 1_200 }, tokens(1_000, 200)),
      chat('a prompt alone', { prompt_tokens: 1_000 }, null),
      chat('an output alone', { output_tokens: 200 }, null),
      chat('seconds', { type: 'duration', seconds: 12 }, null),
      chat('nothing', {}, null),
      json('null', { usage: null }, null),
    ],
  },
  {
    title: 'Not to be believed',
    says: 'A count that is no whole number from 0 to a billion makes the usage unknown, never zero.',
    cases: [
      chat('text', { prompt_tokens: '1000', completion_tokens: 200 }, null),
      chat('null', { prompt_tokens: 1_000, completion_tokens: null }, null),
      chat('null, and the total tells', { ...CHAT, completion_tokens: null }, tokens(1_000, 200)),
      chat('negative', { prompt_tokens: -5, completion_tokens: 200 }, null),
      chat('a fraction', { prompt_tokens: 1_000.5, completion_tokens: 200 }, null),
      chat('huge', { prompt_tokens: 1_000, completion_tokens: 1e15 }, null),
      chat('a negative cache', { ...CHAT, prompt_tokens_details: { cached_tokens: -400 } }, null),
      chat('a list', { prompt_tokens: [1_000], completion_tokens: 200 }, null),
    ],
  },
  {
    title: 'Several in one answer',
    says: 'Of one that is told twice the largest of each count is meant; whole answers with ids of their own are added up.',
    cases: [
      json('told twice, unlike', { usage: CHAT, x_groq: { usage: { prompt_tokens: 1_100, completion_tokens: 100, total_tokens: 1_200 } } }, tokens(1_100, 200)),
      lines('two whole answers', [{ id: 'a', object: 'chat.completion', usage: CHAT }, { id: 'b', object: 'chat.completion', usage: CHAT }], tokens(2_000, 400)),
      lines('the same answer twice', [{ id: 'a', object: 'chat.completion', usage: CHAT }, { id: 'a', object: 'chat.completion', usage: CHAT }], tokens(1_000, 200)),
    ],
  },
  {
    title: 'Behind what a program printed',
    says: 'Heads of curl, a byte order mark, a line of status after it.',
    cases: [
      { name: 'curl -i', body: '  % Total\nHTTP/2 200\n{"usage":{"prompt_tokens":1000,"completion_tokens":200}}\n', usage: tokens(1_000, 200) },
      { name: 'a byte order mark', body: '\uFEFF{"usage":{"prompt_tokens":1000,"completion_tokens":200}}', usage: tokens(1_000, 200) },
      { name: 'pretty, and a status after it', body: `${JSON.stringify({ choices: [{ finish_reason: 'stop' }], usage: CHAT }, null, 2)}\n200`, usage: tokens(1_000, 200) },
      { name: 'words about usage', body: 'the "usage" is {"prompt_tokens": 1}', usage: null },
      { name: 'nothing', body: '', usage: null },
    ],
  },
];
