import { describe, expect, it } from 'vitest';
import { limitTarget, readLimit, stopTarget, typedAmount } from './order-words.ts';

describe('who is to be stopped', () => {
  it.each([
    ['', { kind: 'session' }],
    ['session', { kind: 'session' }],
    ['session 1a2b3c4d', { kind: 'session', id: '1a2b3c4d' }],
    ['run', { kind: 'run' }],
    ['run night', { kind: 'run', id: 'night' }],
    ['project', { kind: 'project' }],
    ['all', { kind: 'all' }],
    ['agent researcher-1', { kind: 'agent', name: 'researcher-1' }],
    ['researcher-1', { kind: 'agent', name: 'researcher-1' }],
    ['agent session', { kind: 'agent', name: 'session' }],
  ])('%j is read', (text, target) => {
    expect(stopTarget(words(text))).toEqual({ ok: true, target });
  });

  it.each(['today', 'day', 'everything else', 'project mine', 'all of it', 'session a b', 'run a b', 'agent', 'agent two words', 'the thing'])('%j names nobody, and the answer says what would', (text) => {
    const read = stopTarget(words(text));
    expect(read).toMatchObject({ ok: false, problem: expect.stringMatching(/names nobody; write session \[ID\], run \[ID\], project, agent NAME or all/) as string });
  });
});

describe('whose limit', () => {
  it.each([
    ['', { kind: 'session' }],
    ['session', { kind: 'session' }],
    ['today', { kind: 'day' }],
    ['day', { kind: 'day' }],
    ['run', { kind: 'run' }],
    ['project', { kind: 'project' }],
    ['agent researcher-1', { kind: 'agent', name: 'researcher-1' }],
    ['infinite', { kind: 'agent', name: 'infinite' }],
  ])('%j is read', (text, target) => {
    expect(limitTarget(words(text))).toEqual({ ok: true, target });
  });
});

describe('a typed amount', () => {
  it.each([['$10', 10_000_000n], ["'$10'", 10_000_000n], ['"$0.02"', 20_000n], ['$0', 0n], ['10000', 10_000n], ['20000000', 20_000_000n]])('%s is read', (text, amount) => {
    expect(typedAmount(text)).toEqual({ ok: true, amount });
  });

  it.each([
    ['8', '$8'],
    ['10', '$10'],
    ['9999', '$9999'],
    ['0.50', '$0.50'],
    ['8.25', '$8.25'],
    ['5$', '$5'],
    ['8usd', '$8'],
    ['8 USD', '$8'],
    ['USD8', '$8'],
    ['$8USD', '$8'],
    ['$1,000', '$1000'],
    ['8,50', '$8.50'],
    ['$ 8', '$8'],
  ])('%j is not guessed: did you mean %s?', (text, meant) => {
    expect(typedAmount(text)).toMatchObject({ ok: false, problem: expect.stringContaining(`did you mean '${meant}'?`) as string });
  });

  // A shell turns "$10" into "0", "$10000" into "0000", "$5.50" into ".50" and "$0.02" into its own name and ".02".
  it.each(['0', '0000', '.50', 'bash.02', '-bash.02', '/bin/zsh.02', '/usr/bin/fish.5'])('%j is what a shell left of an amount, and single quotes are named', (text) => {
    expect(typedAmount(text)).toMatchObject({ ok: false, problem: expect.stringMatching(/did you mean .*single quotes/) as string });
  });

  it.each(['', 'ten', '1_000_000', '0x10', '１０', '-$5', '$1e9', '$5.0000001', 'much', '$'])('%j is refused, not guessed', (text) => {
    expect(typedAmount(text)).toMatchObject({ ok: false });
  });
});

describe('the words behind raise and lower', () => {
  it.each([
    ['session $7', { kind: 'session' }, 7_000_000n],
    ['$7', { kind: 'session' }, 7_000_000n],
    ['agent researcher-1 $0.50', { kind: 'agent', name: 'researcher-1' }, 500_000n],
    ['today $7', { kind: 'day' }, 7_000_000n],
    ['$7 session', { kind: 'session' }, 7_000_000n],
    ['session to $7', { kind: 'session' }, 7_000_000n],
  ])('%s is read', (text, target, amount) => {
    expect(readLimit('raise', words(text))).toEqual({ ok: true, target, amount });
  });

  // Unquoted, `$7` is a variable that is not set: nothing of it arrives.
  it.each(['', 'session', 'run', 'project', 'day', 'today', 'agent researcher-1', 'researcher-1'])('%j has no amount, and the answer says how it is written', (text) => {
    const read = readLimit('raise', words(text));
    expect(read).toMatchObject({ ok: false, problem: expect.stringMatching(/raise needs an amount.*did you mean.*'\$10'.*single quotes/) as string });
  });

  it('names the words it would have understood', () => {
    expect(readLimit('raise', ['session', '7'])).toMatchObject({ problem: expect.stringContaining("did you mean '$7'?") as string });
    expect(readLimit('raise', ['8'])).toMatchObject({ problem: expect.stringContaining("did you mean '$8'?") as string });
    expect(readLimit('lower', ['all', '$5'])).toMatchObject({ problem: expect.stringMatching(/"all" names nobody; write session, run, project, today or agent NAME/) as string });
  });
});

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
