/**
 * The one wildcard people write in a policy: `*` stands for any run of characters, slashes included, so that
 * `api.tavily.com/*` covers every path below the host. Everything else is literal.
 */
export type Matcher = (text: string) => boolean;

const compiled = new Map<string, RegExp>();

export function globMatches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    // Patterns come from configuration files alone, so their number is bounded; the map still has a limit on principle.
    if (compiled.size > 10_000) compiled.clear();
    expression = new RegExp(`^${pattern.split('*').map(escape).join('.*')}$`, 's');
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

function escape(literal: string): string {
  return literal.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}
