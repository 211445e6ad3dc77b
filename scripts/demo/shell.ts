import { spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import type { Ask, Errand } from './errand.ts';

/** What the client's Bash tool would have to tell. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export type Shell = (errand: Errand) => Promise<Ran>;

/** Runs the command as it is written; where there is no `sh` or no `curl`, its requests are made from here. */
export function openShell(cwd: string, env: NodeJS.ProcessEnv): Shell {
  const hasCurl = spawnSync('sh', ['-c', 'command -v curl'], { cwd, env, stdio: 'ignore' }).status === 0;
  return hasCurl ? ({ command }) => run('sh', ['-c', command], { cwd, env }) : withoutCurl;
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

async function withoutCurl({ requests }: Errand): Promise<Ran> {
  let stdout = '';
  for (const ask of requests) stdout += await send(ask);
  return { code: 0, stdout, stderr: '' };
}

function send({ url, body }: Ask): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.once('end', () => resolve(text));
      incoming.once('error', reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
