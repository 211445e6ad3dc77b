import { appendFileSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLog } from './log.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-log-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const fresh = () => join(root, `${(count += 1)}.log`);
const clock = () => 0;

describe('the log', () => {
  it('has one line per event, which no text can break', () => {
    const file = fresh();
    const log = openLog(file, { clock });
    log.info('one', { port: 4402, name: 'a b', absent: undefined });
    log.warn('two\n1970-01-01T00:00:00.000Z error forged\u0007');
    expect(readFileSync(file, 'utf8')).toBe('1970-01-01T00:00:00.000Z info one port=4402 name="a b"\n1970-01-01T00:00:00.000Z warn two | 1970-01-01T00:00:00.000Z error forged \n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('keeps an error with its code, stack and cause', () => {
    const file = fresh();
    const log = openLog(file, { clock });
    log.error('failed', Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 'EWHAT' }));
    const [line, ...rest] = readFileSync(file, 'utf8').trim().split('\n');
    expect(line).toMatch(/error failed: \[EWHAT\] Error: outer.*log\.test\.ts.*\(cause: Error: inner/);
    expect(rest).toEqual([]);
  });

  it('takes up at most three files of its size, the newest lines in the first', () => {
    const file = fresh();
    const log = openLog(file, { clock, maxBytes: 1_000 });
    for (let index = 0; index < 200; index += 1) log.info(`line ${index}`);
    const sizes = [file, `${file}.1`, `${file}.2`].map((name) => statSync(name).size);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(1_000);
    expect(readFileSync(file, 'utf8')).toContain('line 199\n');
    const kept = [`${file}.2`, `${file}.1`, file].flatMap((name) => [...readFileSync(name, 'utf8').matchAll(/line (\d+)/g)].map((match) => Number(match[1])));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 200 - kept.length + index));
  });

  it('goes on with the size that is there, and leaves the file others write to in its place', () => {
    const file = fresh();
    const stderr = openSync(file, 'a');
    appendFileSync(file, 'x'.repeat(900));
    const log = openLog(file, { clock, maxBytes: 1_000 });
    for (let index = 0; index < 5; index += 1) log.info(`line ${index}`);
    writeSync(stderr, 'a crash\n');
    expect(readFileSync(file, 'utf8')).toContain('line 4\na crash\n');
    expect(readFileSync(`${file}.1`, 'utf8')).toContain('x'.repeat(900));
  });

  it.runIf(process.platform === 'linux')('loses lines on a full disk, and never the daemon', () => {
    const log = openLog('/dev/full', { clock });
    for (let index = 0; index < 3; index += 1) expect(() => log.info('text')).not.toThrow();
  });
});
