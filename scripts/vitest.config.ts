import { defineConfig } from 'vitest/config';

/** The fast suite: everything that stands beside the code. Slow proofs and the real client have commands of their own. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['{daemon,hooks,commands,scripts}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.slow.test.ts', 'scripts/e2e/**'],
    setupFiles: ['scripts/laws.setup.ts'],
    // Many tests wait for processes they started; a second worker uses that time also on two cores.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
});
