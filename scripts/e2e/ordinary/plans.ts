import { AWAY, STARTING } from './cases/away.ts';
import { BACKGROUND } from './cases/background.ts';
import { CURL } from './cases/curl.ts';
import { PERMISSION_SESSIONS } from './cases/permissions.ts';
import { PERSON_SESSIONS } from './cases/persons-way.ts';
import { POLICY } from './cases/policy.ts';
import { GIT_CASES, NODE, PACKAGES, PYTHON } from './cases/programs.ts';
import { SERVERS } from './cases/servers.ts';
import { SHELL } from './cases/shell.ts';
import { WGET } from './cases/wget.ts';
import type { Session } from './job.ts';

/** Sessions by what they are there for. A plan is played with pag0 and without it. */
export const PLANS: Readonly<Record<string, readonly Session[]>> = {
  shell: [{ name: 'the shell', mode: 'skip', cases: SHELL }],
  curl: CURL.map(([name, cases]) => ({ name: `curl: ${name}`, mode: 'skip', cases })),
  others: [
    { name: 'wget', mode: 'skip', cases: WGET },
    { name: 'servers of every kind', mode: 'skip', cases: SERVERS },
    { name: 'Python', mode: 'skip', cases: PYTHON },
    { name: 'Node', mode: 'skip', cases: NODE },
    { name: 'npm and pip', mode: 'skip', cases: PACKAGES },
    { name: 'git', mode: 'skip', cases: GIT_CASES },
    { name: 'what goes on in the background', mode: 'skip', cases: BACKGROUND },
  ],
  permissions: PERMISSION_SESSIONS,
  persons: PERSON_SESSIONS,
  away: [{ name: 'the daemon is killed', mode: 'skip', cases: AWAY }],
  starting: [{ name: 'the daemon starts slowly', mode: 'skip', cases: STARTING, env: { NODE_OPTIONS: '--import=/mnt/slow.mjs' } }],
  policy: [{ name: 'one host is priced', mode: 'skip', cases: POLICY }],
};
