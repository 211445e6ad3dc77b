import { afterEach } from 'vitest';
import { openStage } from './stage.ts';

interface Closable {
  close(): Promise<void>;
}

/** Stages for the tests of a file, and whatever else they open: closed when a test has ended, last first. */
export function staged(): { stage: typeof openStage; closing<T extends Closable>(thing: T): T } {
  const open: Closable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  const closing = <T extends Closable>(thing: T): T => {
    open.push(thing);
    return thing;
  };
  return { stage: async (...args) => closing(await openStage(...args)), closing };
}
