import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KNOWN_FIELDS, parseConfig } from '../daemon/config/schema.ts';
import { REFERENCE, withTables } from './docs.ts';

const text = readFileSync(REFERENCE, 'utf8');

describe('the configuration reference', () => {
  it('has the tables that the tests have; `npm run docs` writes them', () => {
    expect(withTables(text)).toBe(text);
  });

  it('names every field that a configuration may have', () => {
    const missing = [...KNOWN_FIELDS].flatMap(([place, names]) => names.filter((name) => !text.includes(`\`${name}\``)).map((name) => `${place}.${name}`));
    expect(missing).toEqual([]);
  });

  it('has no example that pag0 would refuse', () => {
    const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, example]) => example!);
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) expect(parseConfig(example)).toMatchObject({ ok: true });
  });
});
