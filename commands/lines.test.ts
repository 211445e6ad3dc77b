import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLines } from './lines.ts';

function cut(chunks: readonly Uint8Array[], limit = 100) {
  const lines: string[] = [];
  const out: Buffer[] = [];
  const cutter = createLines(() => limit, (raw) => (lines.push(raw.toString()), void out.push(raw)), (raw) => void out.push(raw));
  for (const chunk of chunks) cutter.push(Buffer.from(chunk));
  cutter.end();
  return { lines, out: Buffer.concat(out) };
}

describe('lines', () => {
  it('come whole, and nothing is lost or added, wherever the bytes are cut', () => {
    const text = Buffer.from(`one\n\nüü\r\n${'x'.repeat(90)}\nlast without an end`);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 10 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const { lines, out } = cut(places.slice(1).map((end, at) => text.subarray(places[at], end)));
        expect(lines).toEqual(['one\n', '\n', 'üü\r\n', `${'x'.repeat(90)}\n`]);
        expect(out.equals(text)).toBe(true);
      }),
    );
  });

  it('that are too long pass in parts, and the next is whole again', () => {
    const long = 'y'.repeat(450);
    const chunks = [...`${long}\nshort\n`.match(/.{1,50}|\n/gs)!].map((part) => Buffer.from(part));
    const { lines, out } = cut(chunks);
    expect(lines).toEqual(['short\n']);
    expect(out.toString()).toBe(`${long}\nshort\n`);
  });
});
