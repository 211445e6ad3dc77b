import { type Case, SAYS_PROXY_CONNECTION, SHOWS_THE_WAY, UNREACHABLE } from '../case.ts';
import type { Session } from '../job.ts';

const API = 'http://api.example';
const TLS = 'https://api.example';
const CORP = 'https://corp.example';
const plain = (run: string): Case => ({ run });
const python = (url: string): Case => plain(`python3 - <<'EOF'\nimport urllib.request as u\ntry: print(u.urlopen("${url}").read().decode())\nexcept OSError as e: print("failed")\nEOF`);
const requests = (url: string): Case => ({ run: `python3 - <<'EOF'\nimport requests\ntry: print(requests.get("${url}").text)\nexcept OSError as e: print("failed")\nEOF`, needs: 'requests' });
const node = (url: string): Case => plain(`node -e 'fetch("${url}").then((r) => r.text()).then(console.log, (e) => console.log(e.cause.code))'`);
const wget = (url: string): Case => ({ run: `wget -q --tries=1 -O- ${url} || echo failed`, differs: SAYS_PROXY_CONNECTION });

/** Every program, to a host that all trust, to one of the company, and to one that is not there. */
const ASKED: readonly Case[] = [
  plain(`curl -s ${API}/echo`),
  plain(`curl -s ${TLS}/echo || echo failed`),
  plain(`curl -s ${CORP}/echo || echo failed`),
  plain(`curl -si ${TLS}/plain || echo failed`),
  plain(`curl -s -X PURGE ${TLS}/method || echo failed`),
  { ...plain(`curl -sv ${TLS}/plain`), differs: SHOWS_THE_WAY },
  plain(`curl -s --noproxy '*' ${API}/echo`),
  plain(`curl -s -x '' ${TLS}/echo || echo failed`),
  plain('curl -s http://localhost:3000/echo'),
  plain('curl -s http://10.20.30.40/echo'),
  { run: 'curl -s http://dead.example:81/', differs: UNREACHABLE },
  wget(`${API}/echo`),
  wget(`${TLS}/echo`),
  wget(`${CORP}/echo`),
  python(`${API}/echo`),
  python(`${TLS}/echo`),
  python(`${CORP}/echo`),
  python('http://localhost:3000/echo'),
  requests(`${API}/echo`),
  requests(`${TLS}/echo`),
  requests(`${CORP}/echo`),
  node(`${API}/echo`),
  node(`${TLS}/echo`),
  node(`${CORP}/echo`),
  plain('git ls-remote http://git.example:8090/smart.git HEAD'),
  plain('git ls-remote https://git.example:8453/smart.git HEAD 2> /dev/null || echo failed'),
  { run: 'npm view tiny version --registry https://registry.example/npm/ --loglevel=error --fetch-retries=0 2> /dev/null || echo failed', needs: 'npm' },
  { run: 'pip download -q --no-deps --retries 0 --index-url https://registry.example/simple/ tinypy 2> /dev/null && ls *.whl || echo failed; rm -f *.whl', needs: 'pip' },
];

const LOCAL = 'localhost,127.0.0.1';
const PROXY = 'http://proxy.example:3128';
const CORP_PEM = '/mnt/home/certs/corp.pem';
const BOTH_PEM = '/mnt/home/certs/both.pem';
const person = (name: string, env: Readonly<Record<string, string>>): Session => ({ name, mode: 'skip', cases: ASKED, env });

export const PERSON_SESSIONS: readonly Session[] = [
  person('a proxy of their own', { http_proxy: PROXY, https_proxy: PROXY, HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, no_proxy: LOCAL, NO_PROXY: LOCAL }),
  person('a proxy for https alone, with a password', { HTTPS_PROXY: 'http://person:secret@proxy.example:3128', NO_PROXY: `${LOCAL},corp.example` }),
  person('a proxy for all', { ALL_PROXY: PROXY, all_proxy: PROXY, no_proxy: LOCAL, NO_PROXY: LOCAL }),
  person('exceptions and no proxy', { no_proxy: `${LOCAL},api.example`, NO_PROXY: `${LOCAL},api.example` }),
  person('SSL_CERT_FILE of the company alone', { SSL_CERT_FILE: CORP_PEM }),
  person('SSL_CERT_FILE of both', { SSL_CERT_FILE: BOTH_PEM }),
  person('a variable for each program', {
    CURL_CA_BUNDLE: BOTH_PEM,
    REQUESTS_CA_BUNDLE: BOTH_PEM,
    NODE_EXTRA_CA_CERTS: BOTH_PEM,
    GIT_SSL_CAINFO: BOTH_PEM,
    PIP_CERT: BOTH_PEM,
    AWS_CA_BUNDLE: BOTH_PEM,
    CARGO_HTTP_CAINFO: BOTH_PEM,
    DENO_CERT: BOTH_PEM,
    npm_config_cafile: BOTH_PEM,
  }),
  person('SSL_CERT_DIR and NODE_EXTRA_CA_CERTS', { SSL_CERT_DIR: '/etc/ssl/certs', NODE_EXTRA_CA_CERTS: CORP_PEM }),
  person('a proxy and a certificate', { http_proxy: PROXY, https_proxy: PROXY, no_proxy: LOCAL, NO_PROXY: LOCAL, SSL_CERT_FILE: BOTH_PEM, NODE_EXTRA_CA_CERTS: BOTH_PEM }),
];
