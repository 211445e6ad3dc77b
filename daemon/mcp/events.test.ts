import fc from 'fast-check';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { eventsIn, eventWith, type StreamEvent } from './events.ts';

async function read(chunks: readonly (string | Uint8Array)[], limit = 1_000): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsIn(Readable.from(chunks.map((chunk) => Buffer.from(chunk)), { objectMode: true }), limit)) events.push(event);
  return events;
}

const STREAM = ': hello\n\nid: 1\r\nevent: message\r\ndata: {"a":\r\ndata: "ü"}\r\n\r\ndata:x\r\rdata\n\nretry: 5\n\ndata: cut off';

describe('a stream of events', () => {
  it('is read as events, whatever ends their lines', async () => {
    const events = await read([STREAM]);
    expect(events.map(({ data }) => data)).toEqual([null, '{"a":\n"ü"}', 'x', '', null, null]);
    expect(Buffer.concat(events.map(({ raw }) => raw)).toString()).toBe(STREAM);
  });

  it('is the same wherever the bytes are cut', async () => {
    const bytes = Buffer.from(STREAM);
    const expected = (await read([STREAM])).map(({ data }) => data).filter((data) => data !== null);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const events = await read(places.slice(1).map((end, at) => bytes.subarray(places[at], end)));
        expect(events.map(({ data }) => data).filter((data) => data !== null)).toEqual(expected);
        expect(Buffer.concat(events.map(({ raw }) => raw))).toEqual(bytes);
      }),
    );
  });

  it('keeps no more of a long event than it may, and passes all of it', async () => {
    const long = `data: ${'x'.repeat(5_000)}\n\n`;
    const chunks = Array.from({ length: 51 }, (_, at) => long.slice(at * 100, at * 100 + 100));
    const events = await read([...chunks, 'data: y\n\n'], 1_000);
    expect(events.at(-1)).toMatchObject({ data: 'y' });
    expect(events.slice(0, -1).every(({ raw, data }) => data === null && raw.length <= 1_100)).toBe(true);
    expect(events.map(({ part }) => part === true)).toEqual([...Array<boolean>(events.length - 2).fill(true), false, false]);
    expect(Buffer.concat(events.map(({ raw }) => raw)).toString()).toBe(`${long}data: y\n\n`);
  });

  it('has an event with other data and all else', async () => {
    const [, event] = await read(['id: 4\n\n', 'id: 5\nevent: message\ndata: old\ndata: er\nretry: 1\n\n']);
    const raw = eventWith(event!, '{\n"new":1}');
    expect(raw.toString()).toBe('id: 5\nevent: message\nretry: 1\ndata: {\ndata: "new":1}\n\n');
    expect((await read([raw]))[0]!.data).toBe('{\n"new":1}');
  });
});
