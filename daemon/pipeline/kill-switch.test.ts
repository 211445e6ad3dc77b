import { describe, expect, it } from 'vitest';
import { createGrove } from '../report/grove.fixture.ts';
import { killedSentence, sessionKilled } from './kill-switch.ts';
import { isStopped } from './turns.ts';

const AT = 1;

describe('the kill switch of a session', () => {
  const table: [scopes: string[], expected: { label: string; lift: string } | null][] = [
    [[], null],
    [['session:other'], null],
    [['session:s1'], { label: 'this session', lift: 'session' }],
    [['run:night'], { label: 'this run', lift: 'run' }],
    [['project:/work/app/.git'], { label: 'this project', lift: 'project' }],
    [['all'], { label: 'everything', lift: 'all' }],
    // Lifting a narrower one lets nothing go on, so the broadest is named.
    [['session:s1', 'project:/work/app/.git'], { label: 'this project', lift: 'project' }],
    [['all', 'session:s1'], { label: 'everything', lift: 'all' }],
  ];
  it.each(table)('%j is %j', async (scopes, expected) => {
    const grove = createGrove();
    const live = grove.session('s1', { run: 'night' });
    for (const scope of scopes) await grove.parts.directives.give({ kind: 'kill', scope, limit: null, by: 'person', at: AT });
    expect(sessionKilled(grove.parts, live.session)).toEqual(expected);
  });

  it('is on for a nested session while the one above is stopped, and names that one', async () => {
    const grove = createGrove();
    const nested = grove.nested('n1', grove.session('s1'), 'main');
    await grove.parts.directives.give({ kind: 'kill', scope: 'session:s1', limit: null, by: 'person', at: AT });
    expect(sessionKilled(grove.parts, nested.session)).toEqual({ label: 'the session that started this one', lift: 'session s1' });
  });

  it('is said with the words that lift it', () => {
    expect(killedSentence({ label: 'this project', lift: 'project' })).toBe('Paid calls are stopped for this project; /pag0-resume project lifts that.');
  });
});

describe('a loop that was ended', () => {
  it.each(['agent:s1/turn-p1', 'session:s1', 'run:night', 'project:/work/app/.git', 'day:2026-11-21', 'all'])('may go on once a person has resumed %s', async (scope) => {
    const grove = createGrove();
    const live = grove.session('s1', { run: 'night' });
    const turn = grove.parts.sessions.beginTurn(live, 'p1', 'ralph-loop');
    const loop = grove.parts.sessions.recogniseLoop(live, turn);
    loop.stopped = { code: 'LOOP_STOPPED', reason: 'it reached 4 iterations', attempts: 4, at: grove.now };
    expect(isStopped(grove.parts, live, loop)).toBe(true);
    await grove.parts.directives.give({ kind: 'resume', scope, limit: null, by: 'person', at: grove.now + 1 });
    expect(isStopped(grove.parts, live, loop)).toBe(false);
  });
});
