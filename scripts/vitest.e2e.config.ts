import { defineConfig } from 'vitest/config';

/**
 * The real client against the built plugin. One file after the other: the plugin's hooks name port 4402, and there is
 * one of it on a machine.
 */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['scripts/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 180_000,
  },
});
