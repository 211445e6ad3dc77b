import type { Micros } from './amount.ts';
import type { HeaderFields } from './fields.ts';

/** An answer as the cache lists it. */
export interface KeptAnswer {
  id: string;
  method: string;
  /** Secrets in it are covered up. */
  url: string;
  status: number;
  scope: string;
  /** Of the body, as it was sent. */
  size: number;
  price: Micros;
  by: { session: string; agent: string; run: string; project: string };
  storedAt: number;
  /** Until when it is fresh by the rules it was stored under. */
  expiresAt: number;
  usedAt: number;
  hits: number;
}

/** The cache as people look at it and clear it. Rejects with `CACHE_UNAVAILABLE` when the store cannot be read. */
export interface AnswerShelf {
  /** Newest first. `url` is a glob, as in a policy; `total` counts all that are kept, whatever the glob. */
  list(query: { limit: number; url: string | null }): Promise<{ answers: KeptAnswer[]; total: number; bytes: number; maxBytes: number }>;
  /** By its id or the beginning of it. */
  show(id: string): Promise<{ found: 'none' } | { found: 'several' } | { found: 'one'; answer: KeptAnswer; fields: HeaderFields; body: Uint8Array }>;
  /** null: everything. How many answers went. */
  clear(url: string | null): Promise<number>;
}
