import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from './json-text.ts';

const problem = (text: string): string => {
  const read = readJson(text);
  return read.ok ? '' : read.problem;
};

describe('a file that is no JSON', () => {
  it.each([
    ['', 'the file is empty'],
    ['\uFEFF{}', 'byte order mark (BOM)'],
    ['{\u0000"\u0000', 'UTF-16'],
    ['{\n  // mine\n  "a": 1\n}', 'line 2, column 3: a comment'],
    ['{ "a": 1 /* mine */ }', 'line 1, column 10: a comment'],
    ['# mine\n{}', 'a comment'],
    ['{\n  "a": 1,\n}', 'line 2, column 9: a comma with nothing after it'],
    ['{"a":[1,2,]}', 'line 1, column 10: a comma with nothing after it'],
    ["{'a': 1}", 'line 1, column 2: a name in single quotes'],
    ['{a: 1}', 'line 1, column 2: "a:" is no name of a field; names stand in double quotes'],
    ['{"a": \'x\'}', 'line 1, column 7: a text in single quotes'],
    ['{"a": $5}', 'line 1, column 7: "$5}" is no value; write texts in double quotes'],
    ['{"a": .5}', 'line 1, column 7: ".5}" is no number'],
    ['{"a": 1e}', 'is no number'],
    ['{"a" 1}', 'line 1, column 6: a colon is missing after "a"'],
    ['{"a": 1\n "b": 2}', 'line 2, column 2: a comma or "}" is missing before "\\"b\\":"'],
    ['{"a": "x\ny"}', 'line 1, column 7: a text that does not end on its line'],
    ['{"a": "C:\\d"}', 'a backslash that means nothing'],
    ['{"a": {"b": 1}', 'line 1, column 15: the file ends in the middle of an object; "}" is missing'],
    ['{"a": [1', 'the file ends in the middle of a list; "]" is missing'],
    ['{', 'the file ends'],
    ['{"a":', 'the file ends where a value is missing'],
    ['{} {}', 'there is more after the end'],
    ['{"a":1,\n"b":{"c":1,\n "c":2}}', 'line 3, column 2: b.c stands there a second time; the first is at line 2, column 6'],
    ['{"a":1,"\\u0061":2}', 'a stands there a second time'],
    ['['.repeat(200), 'nested too deep'],
  ])('%s: %s', (text, says) => {
    expect(problem(text)).toContain(says);
  });
});

describe('a JSON text', () => {
  it('is read as JSON.parse reads it, and refused where that refuses it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.boolean(), (text, pretty) => {
        const written = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text;
        const read = readJson(written);
        const keys = JSON.stringify(JSON.parse(written));
        if (read.ok) expect(JSON.stringify(read.value)).toBe(keys);
        else expect(read.problem).toContain('a second time');
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[{}[\]",:0-9a-e\\. \n-]{0,30}$/), (text) => {
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        const read = readJson(text);
        expect(read.ok || (parses && /second time|too deep/.test(read.problem)) || !parses).toBe(true);
        if (read.ok) expect(parses).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('knows where everything stands', () => {
    const read = readJson('{\n  "policy": {\n    "a": "$5" },\n  "prices": [ {"x": 1},\n {"y": [2, 3]} ]\n}');
    if (!read.ok) throw new Error(read.problem);
    expect(read.placeOf(['policy', 'a'])).toEqual({ line: 3, column: 10 });
    expect(read.placeOf(['policy', 'a'], 'name')).toEqual({ line: 3, column: 5 });
    expect(read.placeOf(['prices', 1, 'y', 1])).toEqual({ line: 5, column: 12 });
    expect(read.placeOf(['prices', 1, 'missing'])).toEqual({ line: 5, column: 2 });
    expect(read.placeOf([])).toEqual({ line: 1, column: 1 });
  });
});
