/** The oldest client on which all that pag0 promises holds: before it, an agent that is to end is refused and goes on. */
const OLDEST_WHOLE = [2, 1, 210] as const;

/** How clients have named themselves to their hooks since 2.1.120: `claude-code/2.1.120/harness`, later `claude-code_2-1-332_harness`. */
const NAME = /^claude-code[/_](\d+)[.-](\d+)[.-](\d+)(?:[/_]|$)/;

/** One sentence where the client is too old for all of it; null where it is not. */
export function tooOld(env: Readonly<Record<string, string | undefined>>): string | null {
  const agent = env['AI_AGENT'] ?? '';
  const version = NAME.exec(agent)?.slice(1, 4).map(Number);
  if (version !== undefined && !isBefore(version, OLDEST_WHOLE)) return null;
  // Another program's name there says nothing of the client, and who is no client needs no update.
  if (version === undefined && (agent !== '' || (env['CLAUDE_CODE_ENTRYPOINT'] ?? '') === '')) return null;
  const name = version === undefined ? 'this Claude Code' : `Claude Code ${version.join('.')}`;
  const rest = version === undefined ? ', and its slash commands reach the model' : '';
  return `pag0: ${name} is older than ${OLDEST_WHOLE.join('.')}: budgets hold and loops end, but an agent whose money is gone is refused and not ended${rest}; update it.`;
}

function isBefore(version: readonly number[], other: readonly number[]): boolean {
  for (const [index, part] of other.entries()) if ((version[index] ?? 0) !== part) return (version[index] ?? 0) < part;
  return false;
}
