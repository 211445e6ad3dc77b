import { defineConfig } from 'vitest/config';

/** Proofs that fetch other Node versions or the SQLite driver from the registry, or repeat something many times. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['{daemon,hooks,commands,scripts}/**/*.slow.test.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
