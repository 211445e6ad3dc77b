import { type Case, UNREACHABLE } from '../case.ts';

const API = 'http://api.example';
const TLS = 'https://api.example';
const plain = (run: string): Case => ({ run });

const urllib = (code: string): Case => plain(`python3 - <<'EOF'\nimport urllib.request as u, urllib.error\n${code}\nEOF`);
const requests = (code: string): Case => ({ run: `python3 - <<'EOF'\nimport requests\n${code}\nEOF`, needs: 'requests' });
const node = (code: string, before = ''): Case => plain(`${before}node - <<'EOF'\n${code}\nEOF`);
const WITH_ROOT = 'NODE_EXTRA_CA_CERTS=~/certs/root.pem ';

export const PYTHON: readonly Case[] = [
  urllib(`print(u.urlopen("${API}/echo").read().decode())`),
  urllib(`print(u.urlopen("${TLS}/echo").read().decode())`),
  urllib(`r = u.urlopen("${API}/fields"); print(r.status, r.reason, r.headers.items())`),
  urllib(`print(u.urlopen(u.Request("${API}/echo", data=b"a=1", headers={"X-CamelCase": "v"})).read().decode())`),
  urllib(`print(u.urlopen(u.Request("${TLS}/method", method="PROPFIND")).read().decode())`),
  urllib(`print(u.urlopen("${API}/redirect/302").read().decode())`),
  urllib(`try: u.urlopen("${API}/status/404")\nexcept urllib.error.HTTPError as e: print(e.code, e.reason, e.read())`),
  urllib(`try: u.urlopen("${TLS}/basic")\nexcept urllib.error.HTTPError as e: print(e.code, e.headers.items())`),
  { ...urllib(`try: u.urlopen("http://dead.example:81/")\nexcept OSError as e: print(type(e).__mro__[1].__name__)`), differs: UNREACHABLE },
  { ...urllib(`try: u.urlopen("https://nowhere.invalid/")\nexcept OSError as e: print("failed")`), differs: UNREACHABLE },
  urllib(`try: u.urlopen("https://corp.example/")\nexcept OSError as e: print(e)`),
  urllib('print(u.urlopen("http://127.0.0.1:3000/echo").read().decode())'),
  urllib('print(u.urlopen("http://localhost:3000/echo").read().decode())'),
  urllib(`print(u.build_opener(u.ProxyHandler({})).open("${TLS}/echo").read().decode())`),
  urllib(`print(len(u.urlopen("${TLS}/large").read()))`),
  urllib(`print(u.urlopen("${API}/chunked").read(), u.urlopen("${API}/no-length").read(), u.urlopen("${API}/http10").read())`),
  urllib(`print(u.urlopen("${API}/1xx/100").read())`),
  plain(`python3 -c 'import http.client as h; c = h.HTTPConnection("api.example"); c.request("GET", "/echo"); print(c.getresponse().read().decode())'`),
  plain(`python3 -c 'import http.client as h; c = h.HTTPSConnection("api.example"); c.request("LIST", "/method", body="abc"); r = c.getresponse(); print(r.status, r.read())'`),
  plain(`python3 -c 'import socket; s = socket.create_connection(("api.example", 80)); s.sendall(b"GET /echo HTTP/1.1\\r\\nHost: api.example\\r\\nConnection: close\\r\\n\\r\\n"); print(s.makefile().read())'`),
  plain('python3 -m http.server 8123 --bind 127.0.0.1 > server.log 2>&1 & p=$!; for i in 1 2 3 4 5 6 7 8 9 10; do curl -sf http://127.0.0.1:8123/numbers.txt && break; sleep 0.3; done; kill $p; rm server.log'),
  requests(`print(requests.get("${API}/echo").text)`),
  requests(`print(requests.get("${TLS}/echo", verify="/mnt/home/certs/root.pem").text)`),
  requests(`r = requests.post("${API}/echo", json={"a": "서울"}); print(r.status_code, r.reason, r.text)`),
  requests(`s = requests.Session(); s.get("${API}/cookie/set"); print(s.cookies.get_dict(), s.get("${API}/echo").text)`),
  requests(`try: requests.get("${TLS}/echo")\nexcept requests.exceptions.SSLError as e: print("does not trust it")`),
  requests(`s = requests.Session(); s.trust_env = False; print(s.get("${TLS}/echo", verify="/mnt/home/certs/root.pem").text)`),
  requests(`for line in requests.get("${API}/slow", stream=True).iter_lines(): print(line)`),
];

export const NODE: readonly Case[] = [
  node(`fetch("${API}/echo").then((r) => r.text()).then(console.log)`),
  node(`fetch("${TLS}/echo").then((r) => r.text()).then(console.log)`, WITH_ROOT),
  node(`fetch("${TLS}/echo").then((r) => r.text(), (e) => e.cause.code).then(console.log)`),
  node(`fetch("${API}/fields").then(async (r) => console.log(r.status, r.statusText, [...r.headers], await r.text()))`),
  node(`fetch("${API}/echo", { method: "POST", body: "a=1", headers: { "X-CamelCase": "v" } }).then((r) => r.text()).then(console.log)`),
  node(`fetch("${API}/redirect/302").then(async (r) => console.log(r.url, r.redirected, await r.text()))`),
  node(`fetch("${API}/1xx/103").then((r) => r.text()).then(console.log)`),
  node('fetch("http://dead.example:81/").catch((e) => console.log(e.cause.code))'),
  node('fetch("http://nowhere.invalid/").catch((e) => console.log(e.cause.code))'),
  node('fetch("http://localhost:3000/echo").then((r) => r.text()).then(console.log)'),
  node(`require("http").get("${API}/echo", (r) => r.pipe(process.stdout))`),
  node(`require("http").get("${API}/fields", (r) => { console.log(r.rawHeaders); r.resume(); })`),
  node(`require("https").get("${TLS}/echo", (r) => r.pipe(process.stdout))`, WITH_ROOT),
  node(`require("https").get("${TLS}/echo").on("error", (e) => console.log(e.code))`),
  node(`require("https").get("${TLS}/echo", { ca: require("fs").readFileSync("/mnt/home/certs/root.pem") }, (r) => r.pipe(process.stdout))`),
  node(`require("http").request("${API}/method", { method: "M-SEARCH" }, (r) => r.pipe(process.stdout)).end()`),
  node(`const r = require("http").request("${API}/expect-silent", { method: "POST", headers: { Expect: "100-continue" } }, (a) => { console.log(a.statusCode); a.resume(); }); r.flushHeaders(); setTimeout(() => r.end("late"), 100)`),
  node(`const s = require("net").connect(80, "api.example"); s.end("GET /echo HTTP/1.0\\r\\n\\r\\n"); s.pipe(process.stdout)`),
  node(`const r = require("http").request("${API}/upgrade", { headers: { Connection: "Upgrade", Upgrade: "echo" } }); r.on("upgrade", (a, s) => { console.log(a.statusCode); s.write("ping"); s.once("data", (d) => { console.log(String(d)); s.destroy(); }); }).end()`),
];

const REGISTRY = 'export npm_config_registry=https://registry.example/npm/ npm_config_cafile=~/certs/root.pem npm_config_loglevel=error npm_config_audit=false npm_config_fund=false npm_config_fetch_retries=0;';
const npm = (run: string): Case => ({ run: `${REGISTRY} ${run}`, needs: 'npm', unordered: true });
const pip = (run: string): Case => ({ run: `pip --isolated ${run}`, needs: 'pip' });
const SIMPLE = '--index-url https://registry.example/simple/';

export const PACKAGES: readonly Case[] = [
  { run: 'npm --version > /dev/null; echo "exit $?"', needs: 'npm' },
  npm('mkdir -p app && cd app && npm init -y > /dev/null && npm view tiny version'),
  npm('pwd; npm ping 2>&1 | grep -c PONG'),
  npm(`npm install tiny | sed 's/ in [0-9]*m\\?s//'; node -e 'require("tiny")'; ls node_modules`),
  npm('npm exec tiny'),
  npm(`npm install no-such-package 2>&1 | grep 'error code'`),
  { run: 'cd ..; rm -r app; pwd' },
  { run: 'npm view tiny version --registry http://registry.example/npm/ --loglevel=error --fetch-retries=0', needs: 'npm' },
  { run: 'npm view tiny version --registry http://localhost/npm/ --loglevel=error --fetch-retries=0', needs: 'npm' },
  { run: 'npm view tiny version --registry https://registry.example/npm/ --loglevel=silent --fetch-retries=0; echo "exit $?"', needs: 'npm' },
  pip(`download -q --no-deps ${SIMPLE} --cert ~/certs/root.pem tinypy 2>&1; ls *.whl`),
  pip(`install -q --no-deps --no-compile --target libs ${SIMPLE} --cert ~/certs/root.pem tinypy 2> /dev/null; PYTHONPATH=libs python3 -c "import tinypy; print(tinypy.VALUE)"`),
  pip('download -q --no-deps --index-url http://registry.example/simple/ --trusted-host registry.example tinypy 2>&1; ls *.whl'),
  pip(`download -q --no-deps --retries 0 ${SIMPLE} --cert ~/certs/corp.pem tinypy > /dev/null 2>&1; echo "exit $?"`),
  { run: 'rm -r libs *.whl' },
];

const GIT = 'http://git.example:8090';
const GIT_TLS = 'https://git.example:8453';

export const GIT_CASES: readonly Case[] = [
  plain(`git ls-remote ${GIT}/smart.git`),
  plain(`git ls-remote ${GIT_TLS}/smart.git`),
  plain(`git ls-remote ${GIT_TLS}/missing.git; echo "exit $?"`),
  plain(`git clone -q ${GIT}/smart.git one && git -C one log --format=%s && cat one/more`),
  plain(`git clone -q --depth 1 ${GIT_TLS}/smart.git two && git -C two log --format=%s`),
  { ...plain(`git clone -q ${GIT}/dumb.git three && git -C three log --format=%s`), unordered: true },
  { ...plain(`git clone -q ${GIT_TLS}/dumb.git four && cat four/README`), unordered: true },
  plain('cd one && git fetch -q --all && git fetch -q --tags && git tag && cd ..'),
  plain('cd one && echo pushed > pushed.txt && git add . && git commit -q -m pushed && git push -q origin HEAD:refs/heads/pushed && git ls-remote origin pushed; cd ..'),
  plain('cd two && git pull -q && git remote -v && cd ..'),
  plain(`git -c http.extraHeader='X-Token: abc' ls-remote ${GIT}/smart.git HEAD`),
  plain(`git -c http.sslVerify=false ls-remote ${GIT_TLS}/smart.git HEAD`),
  plain(`git -c http.sslCAInfo=$HOME/certs/root.pem ls-remote ${GIT_TLS}/smart.git HEAD`),
  plain(`git -c http.sslCAInfo=$HOME/certs/corp.pem ls-remote ${GIT_TLS}/smart.git HEAD; echo "exit $?"`),
  plain(`git -c http.proxy=http://proxy.example:3128 ls-remote ${GIT}/smart.git HEAD`),
  plain(`git -c http.proxy= ls-remote ${GIT_TLS}/smart.git HEAD`),
  plain('git ls-remote http://localhost:8090/smart.git HEAD'),
  { run: 'git ls-remote http://dead.example:81/x.git; echo "exit $?"', differs: UNREACHABLE },
  { run: 'git ls-remote https://nowhere.invalid/x.git; echo "exit $?"', differs: UNREACHABLE },
  plain('rm -rf one two three four'),
];
