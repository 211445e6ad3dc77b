/** What has to be undone, last opened first; run once, however often it is asked for. */
export interface Cleanup {
  add(undo: () => void | Promise<void>): void;
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const steps: (() => void | Promise<void>)[] = [];
  let running: Promise<void> | null = null;
  async function undoAll(): Promise<void> {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      // One that fails must not keep the others from being undone.
      try {
        await step();
      } catch (error) {
        console.error(`demo: ${String(error)}`);
      }
    }
  }
  return {
    add: (undo) => void steps.push(undo),
    run: () => (running ??= undoAll()),
  };
}
