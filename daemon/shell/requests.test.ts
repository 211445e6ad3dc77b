import { describe, expect, test } from 'vitest';
import { requestsOf } from '../core/network-client.ts';
import { COMMANDS } from './commands.fixture.ts';
import { readShell } from './syntax.ts';

function requestLines(command: string): string[] {
  return readShell(command)
    .invocations.flatMap(requestsOf)
    .map(({ program, method, url, times, known }) =>
      [program, method, url ?? '?', ...(times > 1 ? [`x${times}`] : []), ...(known ? [] : ['unknown'])].join(' '),
    );
}

for (const [promise, rows] of Object.entries(COMMANDS)) {
  describe(promise, () => {
    test.each(rows.map(([command, ...requests]) => ({ command, requests })))('$command', ({ command, requests }) => {
      expect(requestLines(command)).toEqual(requests);
      expect(readShell(command).unreadable).toBe(false);
    });
  });
}
