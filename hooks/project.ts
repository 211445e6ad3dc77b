import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * What budgets call a project: the git common directory, so that all worktrees of a repository are one. Read by hand, because starting git
 * would cost every session more than the rest of the hook. Without git it is the folder itself.
 */
export function projectOf(cwd: string): string {
  let folder = real(cwd);
  for (;;) {
    const common = commonDirectory(join(folder, '.git'));
    if (common !== null) return common;
    const parent = dirname(folder);
    if (parent === folder) return real(cwd);
    folder = parent;
  }
}

/** gitrepository-layout: `.git` is the directory itself, or a file `gitdir: <path>`, whose `commondir` names the shared one. */
function commonDirectory(dotGit: string): string | null {
  try {
    if (statSync(dotGit).isDirectory()) return isGitDirectory(dotGit) ? real(dotGit) : null;
    const link = /^gitdir: (.+?)\s*$/m.exec(readFileSync(dotGit, 'utf8'));
    if (link === null) return null;
    const gitDirectory = resolve(dirname(dotGit), link[1]!);
    return real(sharedDirectory(gitDirectory));
  } catch {
    return null;
  }
}

/** A submodule has no `commondir`: it is a project of its own. */
function sharedDirectory(gitDirectory: string): string {
  try {
    return resolve(gitDirectory, readFileSync(join(gitDirectory, 'commondir'), 'utf8').trim());
  } catch {
    return gitDirectory;
  }
}

function isGitDirectory(path: string): boolean {
  return statSync(join(path, 'HEAD'), { throwIfNoEntry: false }) !== undefined;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
