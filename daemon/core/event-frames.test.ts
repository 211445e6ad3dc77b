import { describe, expect, it } from 'vitest';
import { framesAsText } from './event-frames.ts';
import { usageOf } from './usage.ts';

function frame(payload: unknown, header = ':event-type'): Buffer {
  const name = Buffer.from(`${String.fromCharCode(header.length)}${header}\u0007\u0000\u0004kind`);
  const body = Buffer.from(JSON.stringify(payload));
  const whole = Buffer.alloc(12 + name.length + body.length + 4);
  whole.writeUInt32BE(whole.length, 0);
  whole.writeUInt32BE(name.length, 4);
  name.copy(whole, 12);
  body.copy(whole, 12 + name.length);
  return whole;
}

const said = frame({ contentBlockIndex: 0, delta: { text: 'Hi' } });
const metadata = frame({ metrics: { latencyMs: 5 }, usage: { inputTokens: 1_000, outputTokens: 200, totalTokens: 1_200 } });
const wrapped = (event: unknown): Buffer => frame({ bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abc' });
const READ = { input: 1_000, cachedInput: 0, cacheWrite: 0, output: 200 };

describe('a stream of Bedrock', () => {
  it('tells its usage in its last event', () => {
    expect(usageOf(framesAsText(Buffer.concat([said, metadata])))).toEqual(READ);
  });

  it('tells a model’s own events unwrapped', () => {
    const events = [{ type: 'message_start', message: { usage: { input_tokens: 1_000, output_tokens: 1 } } }, { type: 'message_delta', usage: { output_tokens: 200 } }];
    expect(usageOf(framesAsText(Buffer.concat(events.map(wrapped))))).toEqual(READ);
    expect(usageOf(framesAsText(wrapped(events[0])))).toBeNull();
  });

  it('that breaks off, ends in an exception, or is none, tells none', () => {
    expect(usageOf(framesAsText(Buffer.concat([said, metadata.subarray(0, -5)])))).toBeNull();
    expect(usageOf(framesAsText(Buffer.concat([metadata, frame({ message: 'slow down' }, ':exception-type')])))).toBeNull();
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(40), Buffer.from('{"usage":{"prompt_tokens":1,"completion_tokens":2}}')]) expect(usageOf(framesAsText(bytes))).toBeNull();
  });
});
