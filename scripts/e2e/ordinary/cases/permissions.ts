import type { Case } from '../case.ts';
import type { Session } from '../job.ts';

const API = 'http://api.example';
const TLS = 'https://api.example';

/** Asked of every set of rules. */
const ASKED: readonly Case[] = [
  `curl -s ${API}/plain`,
  `curl -s ${TLS}/plain`,
  `curl -s ${TLS}/secret/key`,
  `curl ${TLS}/secret/key -s`,
  `curl -sS ${API}/plain`,
  `curl -X POST ${API}/method`,
  `curl -s -o out.txt ${API}/plain`,
  `curl -s ${API}/plain ${API}/json`,
  `wget -qO- ${API}/plain`,
  `wget -q ${API}/plain -O wget.txt`,
  `curl -s ${API}/plain | head -n 1`,
  `curl -s ${API}/plain && echo ok`,
  `cd src && curl -s ${API}/plain; cd ..`,
  `FOO=1 curl -s ${API}/plain`,
  `timeout 5 curl -s ${API}/plain`,
  `bash -c "curl -s ${API}/plain"`,
  `for i in 1 2; do curl -s ${API}/counter; done`,
  `x=$(curl -s ${API}/plain); echo "$x"`,
  `curl -s ${API}/plain > redirected.txt`,
  `/usr/bin/curl -s ${API}/plain`,
  `curl -K quiet.curlrc ${API}/plain`,
  `curl -s ${API}/plain -d "$(cat numbers.txt)"`,
  `curl -s \\\n  ${API}/plain`,
  `xargs -n1 curl -s < urls.txt`,
  `python3 -c "import urllib.request as u; print(u.urlopen('${API}/plain').read())"`,
  'ls',
  'git log --oneline | wc -l',
  'git commit --allow-empty -q -m "about curl"',
  'echo hi > file.txt',
].map((run) => ({ run }));

const rules = (name: string, permissions: object, more: Partial<Session> = {}): Session => ({ name, cases: ASKED, mode: 'default', settings: { permissions }, ...more });

export const PERMISSION_SESSIONS: readonly Session[] = [
  rules('no rule at all', {}),
  rules('curl is allowed, one address is not', { allow: ['Bash(curl:*)'], deny: [`Bash(curl -s ${TLS}/secret:*)`] }),
  rules('beginnings of commands are allowed', { allow: ['Bash(wget -qO-:*)', 'Bash(curl -sS:*)'] }),
  rules('whole commands are allowed', { allow: [`Bash(curl -s ${API}/plain)`, `Bash(wget -qO- ${API}/plain)`, `Bash(timeout 5 curl -s ${API}/plain)`] }),
  rules('one option asks', { allow: ['Bash(curl:*)', 'Bash(wget:*)'], ask: ['Bash(curl -X:*)', 'Bash(curl -K:*)'] }),
  rules('anything with a word in the middle', { allow: [`Bash(curl * ${API}/*)`, 'Bash(curl -s *)', 'Bash(wget *)'], deny: ['Bash(curl * -o *)', 'Bash(*secret*)'] }),
  rules('all is allowed but curl', { allow: ['Bash'], deny: ['Bash(curl:*)'] }),
  rules('options before all is denied', { allow: ['Bash(curl:*)', 'Bash(bash:*)', 'Bash(xargs:*)', 'Bash(python3:*)'], deny: ['Bash(curl -K:*)', 'Bash(wget --config:*)', 'Bash(curl -s:*)'] }),
  rules('by the command line', {}, { args: ['--allowedTools', 'Bash(curl:*)', 'Bash(git commit:*)', '--disallowedTools', `Bash(curl -s ${TLS}/secret:*)`] }),
  rules('edits are accepted', { allow: [`Bash(curl -s ${API}/plain:*)`] }, { mode: 'acceptEdits' }),
  rules('nobody is asked', { allow: ['Bash(curl -s:*)'], deny: [`Bash(curl -s ${TLS}/secret:*)`] }, { mode: 'dontAsk' }),
  rules('permissions are skipped, and one address is denied', { deny: [`Bash(curl -s ${TLS}/secret:*)`, 'Bash(wget -q:*)'] }, { mode: 'skip' }),
];
