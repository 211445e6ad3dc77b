import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Ran } from './shell.ts';

const PLUGIN = fileURLToPath(new URL('../../plugin/', import.meta.url));

/** The programs that the plugin ships, run as the client and a person's terminal run them. */
export interface Plugin {
  /** A command hook, with its event on stdin; answers what it says to the client. */
  hook(mode: 'session-start' | 'user-prompt-submit', event: object): Promise<HookSaid>;
  /** The `pag0` program; answers what it prints. */
  pag0(...words: string[]): Promise<string>;
  /** When nothing started here is still running. */
  quiet(): Promise<void>;
}

export interface HookSaid {
  continue?: false;
  stopReason?: string;
  systemMessage?: string;
}

/** `secrets`: what the client took from the system's secret store. It gives that to the hooks, and to nothing that an agent runs. */
export function openPlugin(cwd: string, env: NodeJS.ProcessEnv, secrets: NodeJS.ProcessEnv): Plugin {
  const running = new Set<Promise<Ran>>();
  function start(bundle: string, words: readonly string[], more: NodeJS.ProcessEnv = {}, stdin = ''): Promise<Ran> {
    const ran = run(process.execPath, [join(PLUGIN, 'dist', bundle), ...words], { cwd, env: { ...env, ...more, CLAUDE_PLUGIN_ROOT: PLUGIN }, stdin });
    running.add(ran);
    void ran.finally(() => running.delete(ran)).catch(() => {});
    return ran;
  }
  return {
    async hook(mode, event) {
      const { code, stdout, stderr } = await start('hook.mjs', [mode], secrets, JSON.stringify(event));
      if (code !== 0) throw new Error(`the hook ${mode} failed: ${stderr.trim()}`);
      const said = JSON.parse(stdout.trim() || '{}') as HookSaid;
      if (said.continue === false) throw new Error(said.stopReason ?? `the hook ${mode} stopped the session`);
      return said;
    },
    async pag0(...words) {
      const { code, stdout, stderr } = await start('cli.mjs', words);
      if (code !== 0) throw new Error(`pag0 ${words.join(' ')} failed: ${stderr.trim()}`);
      return stdout.trimEnd();
    },
    async quiet() {
      await Promise.allSettled(running);
    },
  };
}
