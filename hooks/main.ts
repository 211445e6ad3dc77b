import { fileURLToPath } from 'node:url';
import { BUILD, VERSION } from '../daemon/contract/release.ts';
import { hookMode, readStdin } from './payload.ts';
import { runHook, WAITS, type HookOutput } from './run.ts';

/** `node hook.mjs session-start|user-prompt-submit|ensure`, the client's JSON on stdin. Always ends with 0. */
const mode = hookMode(process.argv[2]);
if (mode === null) {
  finish({ systemMessage: `pag0: its hook was called with ${JSON.stringify(process.argv[2] ?? '')}, which it does not know.` });
} else {
  // Over every wait inside, under the client's own timeout: being killed would look like a broken plugin.
  const limit = WAITS[mode].fetchWaitMs + 3_000;
  setTimeout(() => finish({ systemMessage: 'pag0: its hook took too long and gave up; calls that cost are refused until the daemon answers.' }), limit).unref();
  try {
    const stdin = await readStdin(process.stdin);
    const entry = fileURLToPath(new URL('./daemon.mjs', import.meta.url));
    finish(await runHook({ mode, stdin, env: process.env, cwd: process.cwd(), pid: process.pid, node: process.versions.node, version: VERSION, build: BUILD, entry }));
  } catch (error) {
    finish({ systemMessage: `pag0: its hook failed (${error instanceof Error ? error.message : String(error)}); calls that cost are refused until it works.` });
  }
}

function finish(output: HookOutput): void {
  const text = Object.keys(output).length === 0 ? '' : JSON.stringify(output);
  process.stdout.write(text, () => process.exit(0));
}
