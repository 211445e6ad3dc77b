/**
 * A map of the newest entries: at least `limit` of them, at most twice as many. Two generations instead of deleting the
 * oldest one by one, because a JavaScript map walks over every hole that deleting leaves at its front.
 */
export interface Recent<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}

export function recent<V>(limit: number): Recent<V> {
  let current = new Map<string, V>();
  let previous = new Map<string, V>();
  return {
    get: (key) => current.get(key) ?? previous.get(key),
    set(key, value) {
      if (current.size >= limit) {
        previous = current;
        current = new Map();
      }
      current.set(key, value);
    },
    delete(key) {
      current.delete(key);
      previous.delete(key);
    },
  };
}
