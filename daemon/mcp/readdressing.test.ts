import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReaddressing } from './readdressing.ts';

const ID = '"pag0-abc"';

function passed(chunks: readonly Buffer[]) {
  const readdressing = createReaddressing(ID, '7');
  const bytes = Buffer.concat([...chunks.map((chunk) => readdressing.push(chunk)), readdressing.end()]);
  return { text: bytes.toString('utf8'), found: readdressing.found };
}

describe('an answer on its way to the id that the client knows', () => {
  it('is the same but for its id, wherever its bytes are cut', () => {
    const bytes = Buffer.from(`{"result":{"text":"ü \\"pag0-abc\\" \\"pag0-","x":"pag0"},"id":${ID}}"pag0-`);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        expect(passed(places.slice(1).map((end, at) => bytes.subarray(places[at], end)))).toEqual({ text: bytes.toString('utf8').replace(`"id":${ID}`, '"id":7'), found: true });
      }),
    );
  });

  it('is kept back no further than where its id may have begun', () => {
    const readdressing = createReaddressing(ID, '7');
    expect(readdressing.push(Buffer.from(': ping\n\n')).toString()).toBe(': ping\n\n');
    expect(readdressing.push(Buffer.from('x"pag')).toString()).toBe('x');
    expect([readdressing.end().toString(), readdressing.found]).toEqual(['"pag', false]);
  });
});
