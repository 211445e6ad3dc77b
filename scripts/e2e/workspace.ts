import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const API_KEY = 'sk-ant-e2e-0000000000000000000000000000';

/** A person's machine in small: a HOME of its own and one git repository. */
export interface Workspace {
  readonly home: string;
  readonly cwd: string;
  dispose(): Promise<void>;
}

export async function createWorkspace(): Promise<Workspace> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'pag0-e2e-')));
  const home = join(root, 'home');
  const cwd = join(root, 'project');
  await mkdir(home);
  await mkdir(cwd);
  await run('git', ['init', '--quiet', '--initial-branch=main', cwd]);
  await writeFile(join(home, '.claude.json'), JSON.stringify(answeredDialogs(cwd)));
  return {
    home,
    cwd,
    // The client may still be writing its last transcript line when it is told to end.
    dispose: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}

/** The client's whole environment. Nothing is inherited but the means to run programs, so a developer's own session cannot leak in. */
export function clientEnv(workspace: Workspace, apiUrl: string, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    SHELL: '/bin/bash',
    TERM: 'xterm-256color',
    HOME: workspace.home,
    ANTHROPIC_BASE_URL: apiUrl,
    ANTHROPIC_API_KEY: API_KEY,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    // Root may skip permissions only where the client believes it is in a sandbox.
    ...(process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {}),
    ...extra,
  };
}

/** What `~/.claude.json` holds once a person has seen every first-run question: theme, API key, trust, skipped permissions. */
export function answeredDialogs(cwd: string): object {
  return {
    numStartups: 1,
    hasCompletedOnboarding: true,
    theme: 'dark',
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [API_KEY.slice(-20)], rejected: [] },
    projects: { [cwd]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  };
}
