import { expect, it } from 'vitest';
import { readShell } from '../shell/syntax.ts';
import { mayOutlive } from './outliving.ts';

it.each([
  ['curl a.com &', true],
  ['(sleep 9; curl a.com) > /dev/null 2>&1 &', true],
  ['nohup ./serve', true],
  ['timeout 9 nohup ./serve', true],
  ['setsid curl a.com', true],
  ['tmux new -d "npm start"', true],
  ['for x in 1 2; do curl a.com/$x & done', true],
  ['unreadable "', true],
  ['curl -s "https://a.com/?a=1&b=2" | jq .', false],
  ['make test 2>&1 && echo ok', false],
  ['', false],
])('a command may leave something at work behind its shell: %j %s', (command, outlives) => expect(mayOutlive(readShell(command))).toBe(outlives));
