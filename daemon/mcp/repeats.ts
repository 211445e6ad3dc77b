import { randomBytes } from 'node:crypto';

/**
 * A call that is being paid for: it is made again under an id of our own, and may be taken back
 * meanwhile.
 */
export interface Repeat {
  /** As the server knows it, JSON; null: it has not been made again yet. */
  id: string | null;
  isCancelled: boolean;
}

/** Which calls are being paid for, by whoever asked and the id that the client knows. */
export interface Repeats {
  begin(place: string, id: string): Repeat & { end(): void };
  /** What is taken back there; null: it is not being paid for. */
  cancel(place: string, id: string): Repeat | null;
}

export function createRepeats(): Repeats {
  const open = new Map<string, Repeat>();
  const keyOf = (place: string, id: string): string => JSON.stringify([place, id]);
  return {
    begin(place, id) {
      const key = keyOf(place, id);
      const repeat = {
        id: null,
        isCancelled: false,
        end: () => void (open.get(key) === repeat && open.delete(key)),
      };
      open.set(key, repeat);
      return repeat;
    },
    cancel(place, id) {
      const repeat = open.get(keyOf(place, id)) ?? null;
      if (repeat !== null) repeat.isCancelled = true;
      return repeat;
    },
  };
}

/** Ids are not used twice, and nobody else has chosen this one. JSON. */
export function ownId(): string {
  return JSON.stringify(`pag0-${randomBytes(9).toString('base64url')}`);
}
