import { normalUrl } from '../core/cache-key.ts';
import { recent } from './recent.ts';

/** Addresses that answered 402: a page there is had by asking through us, not by the client's own fetch, which cannot pay. */
export interface Demands {
  note(url: string, status: number): void;
  has(url: string): boolean;
}

const MAX_REMEMBERED = 1_000;

export function createDemands(): Demands {
  const urls = recent<true>(MAX_REMEMBERED);
  return {
    note(url, status) {
      if (status === 402) urls.set(normalUrl(url), true);
      else if (status < 400 && urls.get(normalUrl(url)) !== undefined) urls.delete(normalUrl(url));
    },
    has: (url) => urls.get(normalUrl(url)) !== undefined,
  };
}
