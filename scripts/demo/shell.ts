import { spawn, spawnSync } from 'node:child_process';

/** What the client's Bash tool would have to tell. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export type Shell = (command: string) => Promise<Ran>;

/** As the client's Bash tool runs a call: the lines of `envFile`, then the call's own text in an `eval`. */
export function openShell(cwd: string, env: NodeJS.ProcessEnv, envFile: string): Shell {
  const found = spawnSync('bash', ['-c', 'command -v curl'], { cwd, env, stdio: 'ignore' });
  if (found.status !== 0) {
    throw new Error('the demo runs its calls with bash and curl, and one of them is missing');
  }
  const quoted = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;
  return (command) => {
    const line = `source ${quoted(envFile)} && eval ${quoted(command)} < /dev/null`;
    return run('bash', ['-c', line], { cwd, env });
  };
}

/** A program from start to end, with what it says. */
export function run(program: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv; stdin?: string }): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: options.env, windowsHide: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A program that ends before it has read its stdin is judged by its exit code.
    child.stdin.on('error', () => {});
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    child.stdin.end(options.stdin ?? '');
  });
}
