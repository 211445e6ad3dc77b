import type { Micros } from './amount.ts';
import type { HeaderFields } from './fields.ts';

/** An answer as the cache lists it. */
export interface KeptAnswer {
  id: string;
  method: string;
  /** Secrets in it are covered up. */
  url: string;
  status: number;
  /** `session:ID`, `project:PATH` or `user`: who may have it. */
  scope: string;
  /** Bytes of the body, as it was sent. */
  size: number;
  /** What the first one paid for it. */
  price: Micros;
  by: { session: string; agent: string; run: string; project: string };
  storedAt: number;
  /** Fresh until then, by the rules it was stored under; later it is asked about before it is used. */
  expiresAt: number;
  usedAt: number;
  /** How often it was used since it was stored, so far as that was written down. */
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
