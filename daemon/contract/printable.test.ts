import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson, widthOf } from './printable.ts';

describe('printable', () => {
  const table: [what: string, text: string, shown: string][] = [
    ['plain text', 'api.tavily.com/search', 'api.tavily.com/search'],
    ['a colour', '\u001b[31mred\u001b[0m', 'red'],
    ['a title set in the terminal', '\u001b]0;owned\u0007rest', 'rest'],
    ['a link', '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['an eight-bit control sequence', '\u009b2Jgone', 'gone'],
    ['a cleared screen', '\u001bcgone', 'gone'],
    ['a line that rewrites itself', 'safe\rowned', 'safe owned'],
    ['two lines', 'one\n  total $0.00', 'one   total $0.00'],
    ['direction marks', 'abc\u202etxt.exe\u2066', 'abctxt.exe'],
    ['characters of no width', 'pa\u200bg\u00ad0\ufeff', 'pag0'],
    ['half a character', 'x\ud800y', 'xy'],
    ['other scripts', '조사원-1 ✓', '조사원-1 ✓'],
  ];
  it.each(table)('shows %s as what can be seen of it', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('never lets through what a terminal obeys, and never passes its width', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (text, width) => {
        const shown = printable(text, width);
        expect(shown).not.toMatch(/\p{C}/u);
        expect(widthOf(shown)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('cuts with an ellipsis, counting wide characters as two columns and bounding towers of marks', () => {
    expect(printable('researcher-17', 8)).toBe('researc…');
    expect(printable('조사원조사원', 7)).toBe('조사원…');
    expect(printable(`a${'\u0301'.repeat(1_000)}`, 8).length).toBeLessThan(30);
  });
});

describe('printableJson', () => {
  it('is the same value, with nothing in it that a terminal obeys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = printableJson({ value, text });
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, text })));
        expect(json.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
      }),
    );
  });
});
