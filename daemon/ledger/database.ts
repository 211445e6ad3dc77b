/** The part of `node:sqlite` (and of its stand-in on Node 20) that the book uses. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export type Value = null | number | bigint | string;
export type Row = Record<string, unknown>;

export interface Statement {
  run(...values: Value[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
  setReadBigInts(enabled: boolean): void;
}
