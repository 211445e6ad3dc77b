import { formatDollars } from '../../daemon/core/amount.ts';
import { priceOf, type Path } from './figures.ts';
import type { Market } from './market.ts';

/** A Bash command as an agent writes it, and what it asks for in a line. */
export interface Errand {
  readonly command: string;
  readonly what: string;
  /** As the price table says; where the seller names it, nobody knows before. */
  readonly price: string;
}

export function get(seller: string, path: Path, query: string): Errand {
  return { command: `curl -s '${seller}${path}?q=${query}'`, ...priced(path) };
}

/** pag0 reads the loop and knows the price of all its rounds. */
export function getEach(seller: string, path: Path, queries: readonly string[]): Errand {
  return { command: `for q in ${queries.join(' ')}; do curl -s "${seller}${path}?q=$q"; done`, ...priced(path, queries.length) };
}

export function complete(seller: string, prompt: string): Errand {
  const path = '/v1/chat/completions';
  const body = JSON.stringify({ model: 'gpt-4', messages: [{ role: 'user', content: prompt }] });
  return { command: `curl -s -X POST '${seller}${path}' -H 'content-type: application/json' -d '${body}'`, ...priced(path) };
}

/** Nothing in it says that it costs. */
export function buy({ host, path }: Market): Errand {
  return { command: `curl -s 'http://${host}${path}'`, what: path, price: 'x402' };
}

function priced(path: Path, times = 1): Pick<Errand, 'what' | 'price'> {
  return { what: times === 1 ? path : `${path}, ${times} times`, price: formatDollars(priceOf(path) * BigInt(times)) };
}
