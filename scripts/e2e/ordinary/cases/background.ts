import type { Case } from '../case.ts';

const API = 'http://api.example';
const TLS = 'https://api.example';

/** What goes on when its call has ended. */
export const BACKGROUND: readonly Case[] = [
  { run: `sleep 0.2; curl -s ${API}/echo > bg1.txt; echo done >> bg1.done`, background: true, until: 'bg1.done' },
  { run: 'cat bg1.txt' },
  { run: `curl -s -d x=1 ${TLS}/echo > bg2.txt; touch bg2.done`, background: true, until: 'bg2.done' },
  { run: `wget -q -O bg3.txt ${API}/plain; touch bg3.done`, background: true, until: 'bg3.done' },
  { run: 'cat bg2.txt bg3.txt' },
  { run: `for i in 1 2 3; do curl -s ${API}/counter; done > bg4.txt; touch bg4.done`, background: true, until: 'bg4.done' },
  { run: `(sleep 0.3; curl -s ${API}/echo > bg5.txt; touch bg5.done) > /dev/null 2>&1 &`, until: 'bg5.done' },
  { run: `nohup sh -c 'sleep 0.3; curl -s ${TLS}/echo > bg6.txt; touch bg6.done' > /dev/null 2>&1 &`, until: 'bg6.done' },
  { run: `setsid sh -c 'sleep 0.3; curl -s ${API}/echo > bg7.txt; touch bg7.done' < /dev/null > /dev/null 2>&1 &`, until: 'bg7.done' },
  { run: `timeout 5 curl -s ${API}/echo > bg8.txt & wait; cat bg8.txt` },
  { run: `curl -s ${API}/echo > bg9.txt & curl -s ${TLS}/plain > bg10.txt & wait; cat bg9.txt bg10.txt`, unordered: true },
  { run: `python3 -c 'import time, urllib.request as u; time.sleep(0.3); open("bg11.txt", "wb").write(u.urlopen("${API}/echo").read()); open("bg11.done", "w")' > /dev/null 2>&1 &`, until: 'bg11.done' },
  { run: `bash -c 'bash -c "curl -s ${API}/echo" & wait'` },
  { run: `disown -a; (curl -s ${API}/echo > bg12.txt; touch bg12.done) & disown`, until: 'bg12.done' },
  { run: `mkfifo pipe; (curl -s ${API}/plain > pipe &) ; cat pipe; rm pipe` },
  { run: 'cat bg5.txt bg6.txt bg7.txt bg11.txt bg12.txt; jobs | wc -l' },
  { run: 'rm -f bg*' },
];
