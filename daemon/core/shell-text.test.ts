import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluatedTexts } from './shell-text.ts';

/** As clients write it; seen from 2.1.200 to 2.1.332. */
const line = (text: string, before = ''): string =>
  `/bin/bash -c source /h/.claude/shell-snapshots/snapshot-bash-1.sh 2>/dev/null || true && ${before}: && eval '${text.replaceAll("'", `'"'"'`)}' < /dev/null && pwd -P >| /tmp/claude-1-cwd`;

describe("the text in a shell's command line", () => {
  it.each(['curl -s https://a.com', `echo 'it''s' "q" $HOME \\ x`, "cat <<'X'\ndoc 'q'\nX\n", '', '   x   ', `eval 'curl a.com'`, `bash -c "eval 'curl a.com'"`, 'echo é서울'])('is what the model wrote: %j', (text) => {
    expect(evaluatedTexts(line(text)).next().value).toBe(text);
  });

  it('is what the model wrote, whatever that is', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom("'", '"', 'eval ', ' ', '\n', '&& ', '\\', 'é', 'x') }), (text) => evaluatedTexts(line(text)).next().value === text));
  });

  it("comes after other plugins' lines, and before what it evaluates itself", () => {
    const texts = [...evaluatedTexts(line(`eval 'curl b.com'`, `eval 'mise' && `))];
    expect(texts.slice(0, 2)).toEqual(['mise', `eval 'curl b.com'`]);
    expect(texts).not.toContain('curl b.com');
  });

  it('is not looked for without end', () => {
    expect([...evaluatedTexts(`eval 'x' `.repeat(100_000))]).toHaveLength(8);
    expect([...evaluatedTexts("eval 'never closed")]).toEqual([]);
  });
});
