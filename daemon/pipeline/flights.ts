/**
 * Single flight: of those who want the same thing at the same time one asks for it, and the others wait. What came of
 * it decides for them.
 */
export type Landing<T> =
  /** There is an answer for everybody. */
  | { landed: 'shared'; value: T }
  /** The answer is nobody else's: each asks for itself. */
  | { landed: 'alone' }
  /** It came to nothing before money can have moved: exactly one of those who wait takes over. */
  | { landed: 'failed' }
  /** Money may have moved and there is no answer: nobody asks again. */
  | { landed: 'unknown' };

export interface Flight<T, R> {
  /**
   * For the first, and for whoever takes over, who has `waited`. Calls `land` and may answer before it does; that it is called
   * at all once `lead` has answered is the leader's duty.
   */
  lead(land: (landing: Landing<T>) => void, waited: boolean): Promise<R>;
  /** For the others. `waited`: it took longer than they wait. */
  follow(landing: Exclude<Landing<T>, { landed: 'failed' }> | 'waited'): Promise<R>;
}

export interface Flights<T> {
  join<R>(key: string, flight: Flight<T, R>): Promise<R>;
}

export function createFlights<T>(waitMs: number): Flights<T> {
  const inTheAir = new Map<string, Promise<Landing<T>>>();

  async function join<R>(key: string, flight: Flight<T, R>): Promise<R> {
    for (let waited = false; ; waited = true) {
      const current = inTheAir.get(key);
      if (current === undefined) return depart(key, (land) => flight.lead(land, waited));
      const landing = await within(waitMs, current);
      // Whoever of those who waited comes first finds no flight and leads the next; the rest find that one.
      if (landing !== 'waited' && landing.landed === 'failed') continue;
      return flight.follow(landing);
    }
  }

  async function depart<R>(key: string, lead: (land: (landing: Landing<T>) => void) => Promise<R>): Promise<R> {
    let settle = (_: Landing<T>): void => {};
    inTheAir.set(key, new Promise((resolve) => (settle = resolve)));
    const land = (landing: Landing<T>): void => {
      inTheAir.delete(key);
      settle(landing);
    };
    try {
      return await lead(once(land));
    } catch (error) {
      // A leader that broke says nothing of money, so the careful reading holds.
      land({ landed: 'unknown' });
      throw error;
    }
  }

  return { join };
}

function once<T>(act: (value: T) => void): (value: T) => void {
  let done = false;
  return (value) => {
    if (done) return;
    done = true;
    act(value);
  };
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'waited'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'waited'>((resolve) => (timer = setTimeout(() => resolve('waited'), ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
