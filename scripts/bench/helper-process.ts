import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Another process of the benchmark: it says one line when it is at work, and one or none when its input has ended. */
export interface HelperProcess {
  said: string;
  end(): Promise<string>;
}

export async function startHelper(file: URL, order: object = {}): Promise<HelperProcess> {
  const child = spawn(process.execPath, [...process.execArgv, file.pathname, JSON.stringify(order)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value ?? '');
  const said = await next();
  if (said === '') throw new Error(`${file.pathname} ended before it was at work`);
  return {
    said,
    async end() {
      child.stdin.end();
      const last = await next();
      await exited;
      return last;
    },
  };
}
