import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstMember, spanOf, spliced } from './json-span.ts';

const at = (text: string, path: readonly string[]): string | null => {
  const span = spanOf(text, path);
  return span === null ? null : text.slice(span.start, span.end);
};

describe('a place in a JSON text', () => {
  it.each([
    ['{"a":1.0}', ['a'], '1.0'],
    [' { "a" : { "b\\"" : [ "}", {"c":2} ] } , "d" : null } ', ['a', 'b"'], '[ "}", {"c":2} ]'],
    ['{"x":"\\\\","a":12345678901234567890}', ['a'], '12345678901234567890'],
    ['{"a":1,"a":2}', ['a'], '2'],
    ['{"\\u0061":true}', ['a'], 'true'],
    ['{"a":{}}', ['b'], null],
    ['{"a":[1]}', ['a', '0'], null],
    ['[1]', ['a'], null],
    ['{}', [], '{}'],
  ] as const)('of %s at %j is %s', (text, path, value) => {
    expect(at(text, path)).toBe(value);
  });

  it('holds the value that JSON.parse finds there, however it is written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.json().map((text) => JSON.parse(text) as unknown), { minKeys: 1 }), fc.constantFrom(0, 1, '\t'), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        for (const [name, value] of Object.entries(JSON.parse(text) as object)) expect(JSON.parse(at(text, [name])!)).toEqual(value);
      }),
    );
  });

  it('is changed without a letter of the rest, several at once', () => {
    const text = '{ "id": 7, "params": { }, "n": 1.0 }';
    const edits = [firstMember(text, spanOf(text, ['params'])!, '"m":1'), { ...spanOf(text, ['id'])!, text: '"x"' }];
    expect(spliced(text, edits)).toBe('{ "id": "x", "params": {"m":1 }, "n": 1.0 }');
    expect(spliced('{"p":{"a":1}}', [firstMember('{"p":{"a":1}}', { start: 5, end: 12 }, '"m":1')])).toBe('{"p":{"m":1,"a":1}}');
  });
});
