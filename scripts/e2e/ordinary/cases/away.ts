import type { Case } from '../case.ts';

const API = 'http://api.example';
const TLS = 'https://api.example';
const plain = (run: string): Case => ({ run });
const killed = (run: string): Case => ({ run, act: 'kill-daemon' });

const ORDINARY: readonly string[] = [
  'git commit --allow-empty -q -m "fix http client" && git log -1 --format=%s',
  'git commit --allow-empty -q -m "curl and wget" && git log -1 --format=%s',
  'cd http && ls; cd ..',
  'which curl',
  'command -v wget; type curl',
  'curl --version | head -c 4',
  'curl http://localhost:3000/health',
  'curl -s http://127.0.0.1:3000/echo',
  'curl -s http://10.20.30.40/echo',
  'wget -qO- http://localhost:3000/echo',
  'echo "curl -s http://api.example/" > note.txt; cat note.txt; rm note.txt',
  'grep -rn curl http | sort',
  'ls http*',
  'xh=1; echo $xh',
  'python3 -c "print(\'no curl here\')"',
  'node -e "console.log(\'https\')"',
  'npm --version > /dev/null; echo $?',
  'git ls-remote http://git.example:8090/smart.git HEAD',
  "cat <<'EOF'\ncurl http://api.example/\nEOF",
];

const TO_THE_NETWORK: readonly string[] = [
  `curl -s ${API}/echo`,
  `curl -s ${TLS}/echo`,
  `wget -qO- ${API}/echo`,
  `python3 -c 'import urllib.request as u; print(u.urlopen("${API}/echo").read().decode())'`,
  `for i in 1 2; do curl -s ${API}/plain; done`,
  'git ls-remote https://git.example:8453/smart.git HEAD',
];

/** What waits in the background when the daemon goes, and asks then. */
const left = (file: string, ask: string): Case => plain(`(while [ ! -e go ]; do sleep 0.05; done; ${ask} > ${file}.txt 2>&1; touch ${file}.done) > /dev/null 2>&1 &`);

export const AWAY: readonly Case[] = [
  plain(`curl -s ${API}/echo`),
  left('left1', `curl -s ${API}/echo`),
  left('left2', `curl -s ${TLS}/echo`),
  left('left3', `python3 -c 'import urllib.request as u; print(u.urlopen("${API}/echo").read().decode())'`),
  left('left4', 'git ls-remote http://git.example:8090/smart.git HEAD'),
  { run: 'touch go', act: 'kill-daemon', until: 'left1.done', unordered: true },
  { run: 'ls left*', until: 'left2.done', unordered: true },
  { run: 'pwd', until: 'left3.done', unordered: true },
  { run: 'pwd', name: 'pwd again', until: 'left4.done', unordered: true },
  plain('cat left1.txt left2.txt left3.txt left4.txt; rm -f go left*'),
  ...ORDINARY.map(killed),
  ...TO_THE_NETWORK.map(killed),
  ...TO_THE_NETWORK.map((run): Case => ({ run, name: `${run} (once more)` })),
];

export const STARTING: readonly Case[] = [...ORDINARY, ...TO_THE_NETWORK].map(plain);
