import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, usageOf } from './usage.ts';
import { USAGES } from './usage.fixture.ts';

const price = { input: 2_500_000n, output: 10_000_000n, cachedInput: 1_250_000n, cacheWrite: null };

describe.each(USAGES)('$title', ({ cases }) => {
  it.each(cases)('$name', ({ body, usage }) => {
    expect(usageOf(body)).toEqual(usage);
  });
});

describe('token usage', () => {
  it('is never less for whatever else stands in an answer', () => {
    const count = fc.integer({ min: 0, max: 5_000 });
    const beside = fc.record({ total_tokens: count, reasoning_tokens: count, cache_creation_input_tokens: count, cache_read_input_tokens: count }, { requiredKeys: [] });
    fc.assert(
      fc.property(count, count, beside, (input, output, more) => {
        const read = usageOf(JSON.stringify({ usage: { ...more, prompt_tokens: input, completion_tokens: output } }))!;
        expect(read.input).toBe(input);
        expect(read.output).toBeGreaterThanOrEqual(output);
        expect(costOf(read, price)).toBeGreaterThanOrEqual(costOf({ input, output, cachedInput: 0, cacheWrite: 0 }, price));
      }),
    );
  });

  it('of a stream is the same wherever its lines break', () => {
    for (const { body, usage } of USAGES.flatMap(({ cases }) => cases)) {
      if (/^\s*data:/.test(body)) expect(usageOf(body.replaceAll('\n', '\r\n'))).toEqual(usage);
    }
  });

  it('rounds a fraction of a µ$ up', () => {
    expect(costOf({ input: 1, cachedInput: 0, cacheWrite: 0, output: 0 }, { ...price, input: 1n })).toBe(1n);
    expect(costOf({ input: 600, cachedInput: 400, cacheWrite: 0, output: 200 }, price)).toBe(4_000n);
  });

  it('that cannot be split costs what the dearer class costs', () => {
    expect(costOf({ input: 0, cachedInput: 0, cacheWrite: 0, output: 0, unsplit: 1_000 }, price)).toBe(10_000n);
  });

  it('is found in eight megabytes in a time that grows with them and no faster', () => {
    const words = Array.from({ length: 60_000 }, () => 'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"word word word word word"},"finish_reason":null}],"usage":null}').join('\n\n');
    const from = performance.now();
    expect(usageOf(`${words}\n\ndata: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n`)).toMatchObject({ input: 1, output: 2 });
    expect(performance.now() - from).toBeLessThan(10_000);
  });
});
