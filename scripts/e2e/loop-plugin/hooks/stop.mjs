import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const STATE = '.claude/ralph-loop.local.md';
const COUNT = '.claude/ralph-loop.count';

const state = read(STATE)?.trim();
if (state) {
  const [, max, prompt] = /^(?:--max-iterations\s+(\d+)\s+)?([^]*)$/.exec(state);
  const done = Number(read(COUNT) ?? 0) + 1;
  if (max !== undefined && done >= Number(max)) {
    rmSync(STATE);
    rmSync(COUNT, { force: true });
  } else {
    writeFileSync(COUNT, String(done));
    // Like every loop of this kind it never looks at stop_hook_active, so it never gives up by itself.
    console.log(JSON.stringify({ decision: 'block', reason: prompt, systemMessage: `Loop: iteration ${done + 1}` }));
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
