import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Need } from './case.ts';
import type { Certificates } from './certificates.ts';
import { FIXED_DATES, GIT_NAMES } from './other-servers.ts';

/** A person's machine: their HOME and a project, always at the same paths and with the same content. */
export interface Machine {
  readonly home: string;
  readonly project: string;
  readonly env: Readonly<Record<string, string>>;
  /** Programs that were started since the last time. */
  programs(): string[];
  /** What changed on disk since the last time. */
  changes(): Record<string, string>;
  has(need: Need): boolean;
}

/** Programs whose arguments are written down. git and node are left out: the client and its hooks start them by themselves. */
const RECORDED = ['curl', 'wget', 'python3', 'pip', 'npm', 'npx'];
const SHOWN_BYTES = 4_000;
/** Not the work of a command: what the client, pag0 and caches keep, and what says only when something was written. */
const NOT_LOOKED_AT = [/^home\/\.claude/, /^home\/\.pag0/, /^home\/\.npm\/_(logs|cacache|update)/, /^home\/\.cache/, /^home\/\.local\/share\/claude/, /\.git\/index$/, /\/__pycache__\//, /^project\/\.claude\//];

export function buildMachine(root: string, { certificates, ipv6 }: { certificates: Certificates; ipv6: boolean }): Machine {
  const [home, project, bin, tmp] = ['home', 'project', 'bin', 'tmp'].map((name) => join(root, name)) as [string, string, string, string];
  for (const folder of [home, project, bin, tmp, join(home, 'certs')]) mkdirSync(folder, { recursive: true });
  const log = join(root, 'programs');
  writeFileSync(log, '');
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  const real = (name: string): string | null => {
    if (name === 'python3') return python;
    if (name === 'pip') return spawnSync(python, ['-m', 'pip', '--version']).status === 0 ? `${python} -m pip` : null;
    const which = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    return which.status === 0 ? which.stdout.trim() : null;
  };
  for (const name of RECORDED) {
    const path = real(name);
    if (path === null) continue;
    writeFileSync(join(bin, name), `#!/bin/sh\n{ printf ${name}; [ $# = 0 ] || printf ' <%s>' "$@"; printf '\\0'; } >> ${log}\nexec ${path} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  symlinkSync(process.execPath, join(bin, 'node'));
  const env = {
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
    TMPDIR: tmp,
    CLAUDE_CODE_TMPDIR: tmp,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    PYTHONDONTWRITEBYTECODE: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    npm_config_update_notifier: 'false',
    GIT_TERMINAL_PROMPT: '0',
    ...GIT_NAMES,
    ...FIXED_DATES,
  };
  furnish(home, project, certificates);
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', project], { env: { ...env, HOME: home } });
  for (const args of [['add', '.'], ['commit', '--quiet', '-m', 'the beginning']]) execFileSync('git', args, { cwd: project, env: { ...env, HOME: home } });
  let before = snapshot(root, [home, project]);
  let read = 0;
  return {
    home,
    project,
    env,
    programs() {
      const text = readFileSync(log).subarray(read);
      read += text.length;
      return text.toString('latin1').split('\0').slice(0, -1);
    },
    changes() {
      const now = snapshot(root, [home, project]);
      const changed: Record<string, string> = {};
      for (const [path, state] of now) if (before.get(path) !== state) changed[path] = state;
      for (const path of before.keys()) if (!now.has(path)) changed[path] = '(gone)';
      before = now;
      return changed;
    },
    has: (need) => {
      if (need === 'ipv6') return ipv6;
      if (need === 'requests') return spawnSync(python, ['-c', 'import requests']).status === 0;
      if (need === 'http2') return execFileSync('curl', ['--version'], { encoding: 'utf8' }).includes('HTTP2');
      return real(need) !== null;
    },
  };
}

function furnish(home: string, project: string, { root, corp, client }: Certificates): void {
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  write(join(home, 'certs', 'root.pem'), root);
  write(join(home, 'certs', 'corp.pem'), corp);
  write(join(home, 'certs', 'both.pem'), `${root.trim()}\n${corp.trim()}\n`);
  write(join(home, 'certs', 'client.pem'), `${client.certificate}\n${client.key}\n`);
  write(join(home, '.netrc'), 'machine api.example login person password secret\n');
  write(join(home, '.gitconfig'), '[user]\n\tname = A Person\n\temail = person@example.com\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n[safe]\n\tdirectory = *\n');
  chmodSync(join(home, '.netrc'), 0o600);
  write(join(project, 'README.md'), '# A project\n\nSome words, with Zürich and 서울 in them.\n');
  write(join(project, 'data.json'), '{"a": 1, "b": [true, null]}\n');
  write(join(project, 'body.bin'), 'line one\r\nline two\n\n@not a file\n');
  write(join(project, 'numbers.txt'), '3\n1\n2\n');
  write(join(project, 'urls.txt'), 'http://api.example/plain\nhttp://api.example/json\n');
  write(join(project, 'http', 'client.py'), 'import urllib.request\n');
  write(join(project, 'http', 'notes.txt'), 'curl and wget are named here\n');
  write(join(project, 'src', 'app.js'), 'console.log("app");\n');
  write(join(project, 'quiet.curlrc'), 'silent\nuser-agent = "from a file"\n');
  write(join(project, 'fetch.sh'), '#!/bin/sh\ncurl -s "$1"\n');
  chmodSync(join(project, 'fetch.sh'), 0o755);
}

function snapshot(root: string, folders: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const { name } of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, name);
      const shown = relative(root, path);
      if (NOT_LOOKED_AT.some((one) => one.test(shown))) continue;
      try {
        const stat = lstatSync(path);
        if (stat.isDirectory()) walk(path);
        else found.set(shown, `${(stat.mode & 0o7777).toString(8)} ${contentOf(path, stat.isSymbolicLink(), stat.isFile())}`);
      } catch {
        // Gone in between.
      }
    }
  };
  for (const folder of folders) walk(folder);
  return found;
}

function contentOf(path: string, isLink: boolean, isFile: boolean): string {
  if (isLink) return `-> ${readlinkSync(path)}`;
  if (!isFile) return '(special)';
  const bytes = readFileSync(path);
  return bytes.length <= SHOWN_BYTES ? bytes.toString('latin1') : `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex')}`;
}
