import type { Path } from './figures.ts';

/** A Bash command as an agent writes it, and the requests it makes. */
export interface Errand {
  readonly command: string;
  readonly requests: readonly Ask[];
}

export interface Ask {
  readonly url: string;
  readonly path: Path;
  /** Sent by POST; without it the request is a GET. */
  readonly body?: string;
}

export function get(seller: string, path: Path, query: string): Errand {
  const url = `${seller}${path}?q=${query}`;
  return { command: `curl -s '${url}'`, requests: [{ url, path }] };
}

/** pag0 reads the loop and sets aside the price of every round of it. */
export function getEach(seller: string, path: Path, queries: readonly string[]): Errand {
  return {
    command: `for q in ${queries.join(' ')}; do curl -s "${seller}${path}?q=$q"; done`,
    requests: queries.map((query) => ({ url: `${seller}${path}?q=${query}`, path })),
  };
}

export function complete(seller: string, prompt: string): Errand {
  const path = '/v1/chat/completions';
  const url = `${seller}${path}`;
  const body = JSON.stringify({ model: 'gpt-4', messages: [{ role: 'user', content: prompt }] });
  return { command: `curl -s -X POST '${url}' -H 'content-type: application/json' -d '${body}'`, requests: [{ url, path, body }] };
}
