import { describe, expect, it } from 'vitest';
import { tooOld } from './client-version.ts';

describe('a client', () => {
  it.each(['claude-code/2.1.120/harness', 'claude-code_2-1-183_harness', 'claude-code_2-1-209_harness', 'claude-code_1-9-999_agent'])('that is too old is told so in one sentence: %s', (name) => {
    expect(tooOld({ AI_AGENT: name })).toMatch(/^pag0: Claude Code [\d.]+ is older than 2\.1\.210: [^.]+\.$/);
  });

  it('that does not name itself is one of the oldest', () => {
    expect(tooOld({ CLAUDE_CODE_ENTRYPOINT: 'cli' })).toBe('pag0: this Claude Code is older than 2.1.210: budgets hold and loops end, but an agent whose money is gone is refused and not ended, and its slash commands reach the model; update it.');
  });

  it.each(['claude-code_2-1-210_harness', 'claude-code_2-1-332_harness', 'claude-code_2-2-0_harness', 'claude-code_3-0-1_harness', 'another-program'])('that is new enough hears nothing: %s', (name) => {
    expect(tooOld({ AI_AGENT: name, CLAUDE_CODE_ENTRYPOINT: 'cli' })).toBeNull();
  });

  it('is not who starts the hook by hand', () => {
    expect(tooOld({})).toBeNull();
  });
});
