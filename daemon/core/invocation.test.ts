import { expect, test } from 'vitest';
import { UNKNOWN, programName, wordsOf, type Invocation } from './invocation.ts';

test.each([
  ['curl', 'curl'],
  ['/usr/bin/curl', 'curl'],
  ['./curl', 'curl'],
  ['C:/Windows/curl.exe', 'curl'],
  [`${UNKNOWN}/curl`, 'curl'],
  [`/usr/bin/${UNKNOWN}`, null],
  [`cu${UNKNOWN}`, null],
  ['bin/', null],
  ['', null],
  [null, null],
  [undefined, null],
])('a program is named by the last part of its path: %j is %j', (word, name) => {
  expect(programName(word)).toBe(name);
});

test('what cannot be known at all is no word', () => {
  const invocation: Invocation = {
    program: 'a',
    words: ['a', null, `b${UNKNOWN}`],
    ends: [1, null, null],
    wrappers: ['sudo', null],
    assignments: { A: null, B: 'b' },
    redirects: [{ path: null, kind: 'write' }, { path: 'f', kind: 'read' }],
    times: 1,
    timesKnown: true,
    background: false,
  };
  expect([...wordsOf({ invocations: [invocation], unreadable: false })]).toEqual([
    { word: 'sudo', role: 'argument' },
    { word: 'a', role: 'argument' },
    { word: `b${UNKNOWN}`, role: 'argument' },
    { word: 'b', role: 'assignment' },
    { word: 'f', role: 'read' },
  ]);
});
