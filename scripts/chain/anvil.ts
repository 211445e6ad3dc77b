import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';

export interface Anvil {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const START_MS = 10_000;
/** anvil does not notice that whoever started it was killed; the kernel does, for who asks. */
export const SETPRIV = '/usr/bin/setpriv';

/** npm brings the program on Linux x64 alone. */
export function anvilBinary(): string | null {
  try {
    const path = createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/bin/anvil');
    return process.platform === 'linux' && process.arch === 'x64' ? path : null;
  } catch {
    return null;
  }
}

/** On a port the system chose. Rejects when it is not there within ten seconds. */
export async function startAnvil(chainId: number): Promise<Anvil> {
  const binary = anvilBinary();
  if (binary === null) throw new Error('there is no anvil for this platform');
  const command = [binary, '--host', '127.0.0.1', '--port', '0', '--chain-id', String(chainId), '--accounts', '0'];
  const [program, ...args] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...command] : command;
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): unknown => child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    child.kill('SIGKILL');
    await gone;
  };
  try {
    const port = await portOf(child);
    return { pid: child.pid!, url: `http://127.0.0.1:${port}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** anvil says it in a line of its own. What it says is read to the end of its life: a full pipe would stop it. */
function portOf(child: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`anvil did not start: ${said}`)), START_MS);
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-4_096);
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(port);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`anvil ended at its start: ${said}`));
    });
  });
}
