import type { Fields, Origin, Spelling } from '../ports.ts';

/** What is kept of an answer, next to its body: ready for JSON. */
export interface AnswerFacts {
  method: string;
  /** With its secrets covered up: it is for showing, the key has the rest. */
  url: string;
  status: number;
  fields: Fields;
  spelling?: Spelling;
  /** The Accept-Encoding it was answered to; null: the request had none. */
  accepted: string | null;
  scope: string;
  price: string;
  by: Origin;
  storedAt: number;
  /** Until when it is fresh by the rules of whoever stored it; who asks later goes by their own. */
  expiresAt: number;
}

export interface AnswerEntry {
  kind: 'answer';
  facts: AnswerFacts;
  body: Buffer;
  /** Of the resource: a write to it takes the entry away. */
  resource: string;
}

/** In the place of an answer, where several are told apart by Vary: the sets of names seen, newest first. */
export interface SignpostEntry {
  kind: 'signpost';
  varies: string[][];
  resource: string;
}

export type Entry = AnswerEntry | SignpostEntry;

/** A row that is found by number: its place in the table, which changes whenever it is written. */
export interface ListedRow {
  key: string;
  facts: AnswerFacts;
  size: number;
  usedAt: number;
  hits: number;
}
