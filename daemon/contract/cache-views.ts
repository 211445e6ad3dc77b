import type { KeptAnswer } from '../core/kept-answer.ts';

/** What `pag0 cache` asks of the daemon, and the answers. Amounts are µ$ as decimal strings, times milliseconds since the epoch. */
export const CACHE_VIEWS = {
  /** `GET ?limit=N&url=GLOB`; `POST` with a `CacheClearRequest` clears. `format=text` as in `views.ts`. */
  list: '/v1/cache',
  /** `?id=ID` (or its beginning), `&body=true` for the body as well. */
  show: '/v1/cache/answer',
} as const;

/** As the cache lists it, with what the first one paid in µ$. */
export type CachedAnswerView = Omit<KeptAnswer, 'price'> & { price: string };

export interface CacheListView {
  /** Newest first. */
  answers: CachedAnswerView[];
  /** All that are kept, and what they take. */
  total: number;
  bytes: number;
  maxBytes: number;
}

export interface CachedAnswerFullView extends CachedAnswerView {
  fields: Record<string, string | readonly string[]>;
  /** Decoded; only when it was asked for. */
  body?: CachedBodyView;
}

/** `text`: as it reads. `bytes`: not text, in base64. `unread`: why it cannot be shown. */
export type CachedBodyView = { text: string; cut: boolean } | { bytes: string; cut: boolean } | { unread: string };

/** One of the two; which answers are meant is never left to a default. */
export type CacheClearRequest = { url: string } | { all: true };

export interface CacheClearAnswer {
  cleared: number;
  sentence: string;
}
