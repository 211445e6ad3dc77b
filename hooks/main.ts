import { fileURLToPath } from 'node:url';
import { BUILD, VERSION } from '../daemon/contract/release.ts';
import { hookMode, readStdin } from './payload.ts';
import { runHook, WAITS, type HookInput } from './run.ts';

/** `node hook.mjs session-start|user-prompt-submit|ensure|away`, the client's JSON on stdin. Always ends with 0. */
const mode = hookMode(process.argv[2]);
if (mode === null) {
  finish({ systemMessage: `pag0: its hook was called with ${JSON.stringify(process.argv[2] ?? '')}, which it does not know.` });
} else {
  // Over every wait inside, under the client's own timeout: being killed would look like a broken plugin.
  const limit = WAITS[mode].fetchWaitMs + 3_000;
  const late = setTimeout(() => finish({ systemMessage: 'pag0: its hook took too long and gave up; calls that cost are refused until the daemon answers.' }), limit);
  late.unref();
  try {
    const stdin = await readStdin(process.stdin);
    const entry = fileURLToPath(new URL('./daemon.mjs', import.meta.url));
    const input: HookInput = { mode, stdin, env: process.env, cwd: process.cwd(), pid: process.pid, node: process.versions.node, version: VERSION, build: BUILD, entry };
    if (mode !== 'away') finish(await runHook(input));
    else {
      // It judges by itself where nobody else does, also when that took too long.
      clearTimeout(late);
      // Only here a command has to be read, so what reads it is loaded here.
      finish(await (await import('./away.ts')).verdictAway(input));
    }
  } catch (error) {
    finish({ systemMessage: `pag0: its hook failed (${error instanceof Error ? error.message : String(error)}); calls that cost are refused until it works.` });
  }
}

function finish(output: object): void {
  const text = Object.keys(output).length === 0 ? '' : JSON.stringify(output);
  process.stdout.write(text, () => process.exit(0));
}
