import { describe, expect, it } from 'vitest';
import { costOf, usageOf } from './usage.ts';

const price = { input: 2_500_000n, output: 10_000_000n, cachedInput: 1_250_000n, cacheWrite: null };

describe('token usage', () => {
  it('reads OpenAI’s chat answer, and counts cached tokens once', () => {
    const body = JSON.stringify({ id: 'x', usage: { prompt_tokens: 1_000, completion_tokens: 200, prompt_tokens_details: { cached_tokens: 400 } } });
    expect(usageOf(body)).toEqual({ input: 600, cachedInput: 400, cacheWrite: 0, output: 200 });
  });

  it('reads OpenAI’s Responses answer', () => {
    expect(usageOf(JSON.stringify({ usage: { input_tokens: 10, output_tokens: 5, input_tokens_details: { cached_tokens: 4 } } }))).toEqual({ input: 6, cachedInput: 4, cacheWrite: 0, output: 5 });
  });

  it('reads Anthropic’s answer, where cache tokens come beside the input', () => {
    const body = JSON.stringify({ usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 7, cache_creation_input_tokens: 3 } });
    expect(usageOf(body)).toEqual({ input: 10, cachedInput: 7, cacheWrite: 3, output: 5 });
  });

  it('takes the largest figures of a stream', () => {
    const stream = [
      'event: message_start',
      'data: {"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}',
      'data: {"type":"message_delta","usage":{"output_tokens":15}}',
      'data: [DONE]',
    ].join('\n');
    expect(usageOf(stream)).toMatchObject({ input: 25, output: 15 });
  });

  it('reads an answer behind what curl printed before it', () => {
    expect(usageOf('  % Total\nHTTP/2 200\n{"usage":{"prompt_tokens":3,"completion_tokens":4}}\n')).toMatchObject({ input: 3, output: 4 });
  });

  it.each(['', 'plain text', '{"usage":{}}', '{"usage":', '[1,2]', 'null'])('finds none in %s', (body) => {
    expect(usageOf(body)).toBeNull();
  });

  it('does not believe a seller’s nonsense counts', () => {
    expect(usageOf('{"usage":{"prompt_tokens":-5,"completion_tokens":1e99}}')).toEqual({ input: 0, cachedInput: 0, cacheWrite: 0, output: 0 });
  });

  it('rounds a fraction of a µ$ up', () => {
    expect(costOf({ input: 1, cachedInput: 0, cacheWrite: 0, output: 0 }, { ...price, input: 1n })).toBe(1n);
    expect(costOf({ input: 600, cachedInput: 400, cacheWrite: 0, output: 200 }, price)).toBe(4_000n);
  });
});
