import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ensureClient } from './client.ts';
import { clientArgs, type ClientOptions } from './session.ts';
import { clientEnv } from './workspace.ts';

const run = promisify(execFile);
const POLL_MS = 50;
const GOODBYE_MS = 5_000;
const DIALOG_SETTLES_MS = 1_000;
let screens = 0;

/** The interactive client in a terminal of its own. */
export interface Screen {
  /** The client's process id: the pane runs it directly, without a shell between. */
  readonly pid: number;
  /** Types the text as a person would; does not press Enter. */
  type(text: string): Promise<void>;
  /** Presses named keys: `Enter`, `Escape`, `Down`, `C-c`. */
  press(...keys: string[]): Promise<void>;
  /** Types a prompt and sends it. */
  submit(text: string): Promise<void>;
  /** Waits for a dialog, gives it time to listen, and answers it: `answer('Do you want to proceed?', 'Enter')`. */
  answer(dialog: string | RegExp, ...keys: string[]): Promise<void>;
  capture(): Promise<string>;
  /** Resolves with the screen once it shows the text; an error carries the last screen seen. */
  waitFor(text: string | RegExp, timeoutMs?: number): Promise<string>;
  end(): Promise<void>;
}

export async function openScreen(options: ClientOptions): Promise<Screen> {
  const client = options.client ?? (await ensureClient());
  screens += 1;
  // A server of our own: ending it can never touch a person's tmux.
  const socket = `pag0-e2e-${process.pid}-${screens}`;
  const env = clientEnv(options.workspace, options.apiUrl, options.env);
  const tmux = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env });
    return stdout;
  };
  const size = ['-x', '160', '-y', '50'];

  await tmux('new-session', '-d', '-s', 'main', ...size, '-c', options.workspace.cwd, client, ...clientArgs(options));
  const pid = Number(await tmux('display-message', '-p', '-t', 'main', '#{pane_pid}'));

  const screen: Screen = {
    pid,
    type: async (text) => void (await tmux('send-keys', '-t', 'main', '-l', text)),
    press: async (...keys) => void (await tmux('send-keys', '-t', 'main', ...keys)),
    submit: async (text) => {
      await screen.type(text);
      // Enter in the same burst as the text would be taken for a pasted line break.
      await sleep(300);
      await screen.press('Enter');
    },
    answer: async (dialog, ...keys) => {
      await screen.waitFor(dialog);
      // A dialog that has just appeared ignores keys for a moment, so that typing ahead cannot approve something.
      await sleep(DIALOG_SETTLES_MS);
      await screen.press(...keys);
    },
    capture: () => tmux('capture-pane', '-p', '-t', 'main'),
    waitFor: async (text, timeoutMs = 15_000) => {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const shown = await screen.capture();
        if (typeof text === 'string' ? shown.includes(text) : text.test(shown)) return shown;
        if (Date.now() > deadline) throw new Error(`The screen did not show ${String(text)} in ${timeoutMs} ms:\n${shown}`);
        await sleep(POLL_MS);
      }
    },
    end: async () => {
      await tmux('kill-server').catch(() => undefined);
      // The client writes its last lines on the way out; whoever removes its HOME must not race it.
      const deadline = Date.now() + GOODBYE_MS;
      while (Date.now() < deadline && (await isRunning(pid))) await sleep(POLL_MS);
    },
  };
  return screen;
}

/** Asks `ps`, because a signal also reaches an ended process that nobody has waited for yet. */
async function isRunning(pid: number): Promise<boolean> {
  const state = await run('ps', ['-o', 'stat=', '-p', String(pid)]).then(({ stdout }) => stdout.trim(), () => '');
  return state !== '' && !state.startsWith('Z');
}
