import type { Path } from './figures.ts';

/** A Bash command as an agent writes it, and what it asks the seller for. */
export interface Errand {
  readonly command: string;
  readonly paths: readonly Path[];
}

export function get(seller: string, path: Path, query: string): Errand {
  return { command: `curl -s '${seller}${path}?q=${query}'`, paths: [path] };
}

/** pag0 reads the loop and knows the price of all its rounds. */
export function getEach(seller: string, path: Path, queries: readonly string[]): Errand {
  return { command: `for q in ${queries.join(' ')}; do curl -s "${seller}${path}?q=$q"; done`, paths: queries.map(() => path) };
}

export function complete(seller: string, prompt: string): Errand {
  const path = '/v1/chat/completions';
  const body = JSON.stringify({ model: 'gpt-4', messages: [{ role: 'user', content: prompt }] });
  return { command: `curl -s -X POST '${seller}${path}' -H 'content-type: application/json' -d '${body}'`, paths: [path] };
}
