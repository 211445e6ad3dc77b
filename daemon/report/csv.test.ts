import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv } from './csv.ts';

/** Reads what RFC 4180 describes. */
function read(text: string): string[][] {
  const rows: string[][] = [];
  for (let at = 0; at < text.length; ) {
    const row: string[] = [];
    for (;;) {
      const match = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
      match.lastIndex = at;
      const [whole, quoted, plain] = match.exec(text)!;
      row.push(quoted?.replaceAll('""', '"') ?? plain!);
      at += whole.length;
      if (text[at] !== ',') break;
      at += 1;
    }
    expect(text.slice(at, at + 2)).toBe('\r\n');
    at += 2;
    rows.push(row);
  }
  return rows;
}

describe('comma-separated values', () => {
  it('are read as they were written, whatever stands in them', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', '\r', '\n', 'ä', '\t') });
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 2, maxLength: 4 }), { maxLength: 4 }), (rows) => {
        expect(read(csv(rows))).toEqual(rows);
      }),
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '＝1', '＠x', 'a;=1', 'a; +1'])('are no formula: %j', (text) => {
    const [[cell]] = read(csv([[text]])) as [[string]];
    expect(cell.replace(/(^|;)'/g, '$1')).toBe(text);
    expect(cell).toMatch(/(^|;)'\s*[=+\-@＝＠]/);
    expect(csv([[text, 'b']])).not.toMatch(/(^|[,;"])\s*[=+\-@＝＠]/);
  });

  it('are left alone where they could not be one', () => {
    expect(csv([['2026-11-21T12:00:00.000Z', 'https://a.example/?b=c-d', '', '10000']])).toBe('2026-11-21T12:00:00.000Z,https://a.example/?b=c-d,,10000\r\n');
  });
});
