import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DIRECT, goesDirect } from '../daemon/contract/direct-command.ts';
import { printOf } from '../daemon/core/command-print.ts';
import { environmentFile } from '../daemon/contract/home.ts';
import { daemonEnv } from '../daemon/contract/daemon-env.ts';
import { ownEnvironment } from '../daemon/contract/own-environment.ts';
import type { GatewayAccess } from '../daemon/contract/routes.ts';
import { hasProgram, startRecorder, type Recorder } from '../daemon/access/recorder.fixture.ts';
import { ledIn, ownWayIn } from './own-way.ts';
import { installSessionEnv, type SessionEnvOptions } from './session-env.ts';
import { TRUST_FILES } from './trust.ts';

const root = mkdtempSync(join(tmpdir(), "pag0-env-it's "));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ALIVE = JSON.stringify({ pid: process.pid, port: 4402 });
const GATEWAY: GatewayAccess = {
  url: 'http://127.0.0.1:4402',
  user: 'session-czE',
  secret: 'S3cret_-',
  ca: join(root, 'home', 'ca', 'ca.pem'),
  bundle: join(root, 'home', 'ca', 'bundle.pem'),
  hashed: join(root, 'home', 'ca', 'hashed'),
  direct: ['localhost', '127.0.0.1', '::1'],
  named: [],
  looks: true,
};
/** The shell's pid stands in it, which no test knows before. */
const PROXY = 'http://session-czE.PID:S3cret_-@127.0.0.1:4402';
const withoutPid = (text: string): string => text.replaceAll(/(session-\w+)\.\d+:/g, '$1.PID:');
let options: SessionEnvOptions;

beforeEach(() => {
  const home = join(root, 'home');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(GATEWAY.hashed, { recursive: true });
  const daemonFile = join(home, 'daemon.json');
  writeFileSync(daemonFile, ALIVE);
  writeFileSync(GATEWAY.bundle, 'all of them\n');
  writeFileSync(GATEWAY.ca, 'ours\n');
  options = { home, session: 's1', begins: true, gateway: GATEWAY, daemonFile, node: '24.1.0', userConfigs: [], env: {}, cwd: root, own: { proxies: {}, except: null }, system: { pip: [], wget: [] } };
});

const SHELLS = [['sh'], ['dash'], ['bash'], ['bash', '--posix'], ['zsh', '-f'], ['busybox', 'sh']].filter(([program]) => hasProgram(program!, ['-c', ':']) || hasProgram(program!, ['true']));

/** What a program sees that the shell starts after the line, by the names that matter. `PATH` alone is there before. */
function environment(line: string, given: Record<string, string> = {}, shell: readonly string[] = ['sh']): Record<string, string> {
  const [program, ...args] = shell;
  const script = `set -eu\n${line}env -0`;
  const text = execFileSync(program!, [...args, '-c', script], { env: { PATH: process.env['PATH'], HOME: root, ...given }, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
  const entries = text.split('\0').flatMap((entry): [string, string][] => (entry.includes('=') ? [[entry.slice(0, entry.indexOf('=')), withoutPid(entry.slice(entry.indexOf('=') + 1))]] : []));
  return Object.fromEntries(entries.filter(([name]) => /proxy|^ssl_|ca_(bundle|certs)|pag0|wgetrc|cert|cainfo|cafile|ca_file|roots_file|^git_config|curl_home/i.test(name)));
}

const line = (): string => installSessionEnv(options)!;
const ours = (): Record<string, string> => ({
  http_proxy: PROXY,
  https_proxy: PROXY,
  HTTPS_PROXY: PROXY,
  no_proxy: 'localhost,127.0.0.1,::1',
  NO_PROXY: 'localhost,127.0.0.1,::1',
  CURL_CA_BUNDLE: GATEWAY.bundle,
  SSL_CERT_FILE: GATEWAY.bundle,
  REQUESTS_CA_BUNDLE: GATEWAY.bundle,
  NODE_EXTRA_CA_CERTS: GATEWAY.ca,
  DENO_CERT: GATEWAY.ca,
  NODE_USE_ENV_PROXY: '1',
  WGETRC: join(options.home, 'environment', 'wgetrc'),
  CURL_HOME: join(options.home, 'environment', 'curl'),
  PAG0_TICKET_PROXY: PROXY,
  PAG0_TICKET_CA: GATEWAY.ca,
  PAG0_TICKET_NODE: '1',
});

describe("a session's environment", () => {
  it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))('is set by $name, once or several times, without a word', ({ shell }) => {
    expect(environment(line(), {}, shell)).toEqual(ours());
    expect(environment(line() + line() + line(), {}, shell)).toEqual(ours());
  });

  it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))('is nothing in $name while the daemon is gone, and goes when it goes', ({ shell }) => {
    const gone = String(execFileSync('sh', ['-c', 'echo $$'])).trim();
    for (const record of [null, '', '{}', 'rubbish', '{"pid":}', `{"pid":${gone},"port":4402}`]) {
      writeFileSync(options.daemonFile, record ?? '');
      if (record === null) unlinkSync(options.daemonFile);
      expect(environment(line(), {}, shell)).toEqual({});
      writeFileSync(options.daemonFile, ALIVE);
      expect(environment(`${line()}printf %s '${record ?? ''}' > "$DAEMON"\n${line()}`, { DAEMON: options.daemonFile }, shell)).toEqual({});
      writeFileSync(options.daemonFile, ALIVE);
    }
  });

  it('needs no other program', () => {
    for (const shell of ['/bin/sh', '/bin/bash']) {
      const text = execFileSync(shell, ['-c', `${line()}printf %s "$https_proxy"`], { env: { PATH: '/nowhere' }, stdio: ['ignore', 'pipe', 'inherit'] });
      expect(withoutPid(String(text))).toBe(PROXY);
      expect(String(text)).toMatch(/session-czE\.[1-9]\d*:/);
    }
  });

  it.each(['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'])('is not ours where the person has a proxy: %s', (name) => {
    expect(environment(line(), { [name]: 'http://mine:1', NO_PROXY: 'x' })).toEqual({ [name]: 'http://mine:1', NO_PROXY: 'x' });
  });

  it.each(['CLAUDE_CODE_HOST_HTTP_PROXY_PORT', 'CLAUDE_CODE_HOST_SOCKS_PROXY_PORT'])("is not ours in the client's sandbox: %s", (name) => {
    expect(environment(line(), { [name]: '3128' })).toEqual({ [name]: '3128' });
  });

  it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))("says only whom to trust in the client's sandbox, where that leads here: $name", ({ shell }) => {
    const sandbox = { CLAUDE_CODE_HOST_HTTP_PROXY_PORT: '4402', http_proxy: 'http://localhost:3128', HTTPS_PROXY: 'http://localhost:3128', no_proxy: 'localhost' };
    const { CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS, DENO_CERT, WGETRC, CURL_HOME, PAG0_TICKET_CA } = ours();
    const expected = { ...sandbox, CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS, DENO_CERT, WGETRC, CURL_HOME, PAG0_TICKET_CA };
    // The daemon's process is not to be seen from in there.
    unlinkSync(options.daemonFile);
    expect(environment(line(), sandbox, shell)).toEqual(expected);
    expect(environment(line() + line(), sandbox, shell)).toEqual(expected);
    expect(environment(`${line()}unset CLAUDE_CODE_HOST_HTTP_PROXY_PORT\n${line()}`, sandbox, shell)).toEqual({ http_proxy: sandbox.http_proxy, HTTPS_PROXY: sandbox.HTTPS_PROXY, no_proxy: 'localhost' });
  });

  it.each(['bash', 'zsh'].filter((shell) => hasProgram(shell, ['-c', ':'])))("names itself in the client's sandbox by a few counts of its command, as the daemon counts them: %s", (shell) => {
    const exit = 'http://localhost:3128';
    const sandbox = { CLAUDE_CODE_HOST_HTTP_PROXY_PORT: '4402', http_proxy: exit, HTTP_PROXY: exit, HTTPS_PROXY: exit, ALL_PROXY: 'socks5h://localhost:1080' };
    const asClient = (text: string): string => `${line()}: && eval '${text.replaceAll("'", `'"'"'`)}' < /dev/null && pwd -P >| /dev/null`;
    for (const command of ['env -0', `env -0; : 'it''s' "q /x/y.z?a=1_2-3"`, `env -0; : é서울 ${'long '.repeat(200)}`]) {
      for (const locale of ['C', 'C.UTF-8']) {
        const text = execFileSync(shell, ['-c', asClient(command)], { env: { PATH: process.env['PATH'], HOME: root, LC_ALL: locale, ...sandbox } }).toString();
        const found = Object.fromEntries(text.split('\0').map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
        const print = /^http:\/\/session-czE\.t([\d-]+):S3cret_-@localhost:3128$/.exec(found['http_proxy'] ?? '')?.[1];
        expect(printOf(command)).toContain(print);
        expect([found['HTTP_PROXY'], found['HTTPS_PROXY'], found['ALL_PROXY']]).toEqual([found['http_proxy'], found['http_proxy'], sandbox.ALL_PROXY]);
      }
    }
  });

  describe('beside what a person trusts', () => {
    const corp = join(root, 'corp.pem');
    const merged = (file = corp): string => join(options.home, 'environment', 'trust', file.replaceAll('/', '%'));
    const { CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE } = { CURL_CA_BUNDLE: GATEWAY.bundle, SSL_CERT_FILE: GATEWAY.bundle, REQUESTS_CA_BUNDLE: GATEWAY.bundle };
    beforeEach(() => writeFileSync(corp, 'corp'));

    it.each(TRUST_FILES)('puts our CA and nothing else: %s', (name) => {
      const seen = environment(line(), { [name]: corp });
      expect(seen).toMatchObject({ [name]: merged(), [`PAG0_TICKET_WAS_${name}`]: corp });
      expect(readFileSync(merged(), 'utf8')).toBe('corp\nours\n');
      expect(statSync(merged()).mode & 0o777).toBe(0o600);
      // Made before the first command as well: a sandbox lets nothing be written there.
      unlinkSync(merged());
      options.env = { [name]: corp };
      line();
      expect(readFileSync(merged(), 'utf8')).toBe('corp\nours\n');
    });

    it.each<[string, Record<string, string>, Record<string, string | undefined>]>([
      ['nothing is set', {}, { CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE }],
      ['curl has its own', { CURL_CA_BUNDLE: corp }, { CURL_CA_BUNDLE: 'merged', SSL_CERT_FILE, REQUESTS_CA_BUNDLE: undefined }],
      ['OpenSSL has its own, and curl with it', { SSL_CERT_FILE: corp }, { CURL_CA_BUNDLE: undefined, SSL_CERT_FILE: 'merged', REQUESTS_CA_BUNDLE }],
      ['OpenSSL has a folder', { SSL_CERT_DIR: '/mine:/too' }, { CURL_CA_BUNDLE: undefined, SSL_CERT_FILE: undefined, REQUESTS_CA_BUNDLE, SSL_CERT_DIR: `/mine:/too:${GATEWAY.hashed}` }],
      ['requests has its own', { REQUESTS_CA_BUNDLE: corp }, { CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE: 'merged' }],
      ['git has its own', { GIT_SSL_CAINFO: corp }, { CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, GIT_SSL_CAINFO: 'merged' }],
      ['what is set is not there', { CURL_CA_BUNDLE: '/nowhere.pem' }, { CURL_CA_BUNDLE: '/nowhere.pem', SSL_CERT_FILE, REQUESTS_CA_BUNDLE: undefined }],
      ['what is set is a folder', { REQUESTS_CA_BUNDLE: root }, { CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE: root }],
    ])('each program by its own variable, where %s', (_name, given, expected) => {
      const seen = environment(line(), given);
      for (const [name, value] of Object.entries(expected)) expect([name, seen[name]]).toEqual([name, value === 'merged' ? merged() : value]);
    });

    it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))('is what they trust now, in $name, and is taken back', ({ shell }) => {
      const given = { SSL_CERT_FILE: corp, SSL_CERT_DIR: '/mine', NODE_EXTRA_CA_CERTS: corp };
      expect(environment(line(), given, shell)).toMatchObject({ SSL_CERT_FILE: merged(), SSL_CERT_DIR: `/mine:${GATEWAY.hashed}`, NODE_EXTRA_CA_CERTS: merged() });
      writeFileSync(corp, 'another');
      utimesSync(merged(), 1, 1);
      expect(environment(line() + line(), given, shell)).toMatchObject({ SSL_CERT_FILE: merged(), PAG0_TICKET_WAS_SSL_CERT_FILE: corp });
      expect(readFileSync(merged(), 'utf8')).toBe('another\nours\n');
      expect(environment(`${line()}rm "$DAEMON"\n${line()}`, { ...given, DAEMON: options.daemonFile }, shell)).toEqual(given);
    });

    it('finds a file that is named from where the session works', () => {
      expect(environment(`cd '${root.replaceAll("'", "'\\''")}'\n${line()}`, { SSL_CERT_FILE: 'corp.pem' })).toMatchObject({ SSL_CERT_FILE: merged() });
    });

    it('for requests also what pip trusts, which it would lose', () => {
      const pipConf = join(root, '.config', 'pip', 'pip.conf');
      mkdirSync(dirname(pipConf), { recursive: true });
      for (const env of [{ PIP_CERT: corp }, { HOME: root }]) {
        writeFileSync(pipConf, `[global]\ncert = ${corp}\n`);
        options.env = env;
        expect(readFileSync(environment(line())['REQUESTS_CA_BUNDLE']!, 'utf8')).toBe('all of them\n\ncorp');
        unlinkSync(pipConf);
      }
      options.env = { HOME: root };
      expect(environment(line())['REQUESTS_CA_BUNDLE']).toBe(GATEWAY.bundle);
    });

    it("for wget in a copy of the person's own file", () => {
      const wgetrc = join(options.home, 'mine.wgetrc');
      for (const [text, trusted] of [['tries = 3', GATEWAY.bundle], [`ca_certificate = ${corp}`, merged()], [`CA-Certificate=${corp}\ntries = 3`, merged()]] as const) {
        writeFileSync(wgetrc, text);
        options.env = { WGETRC: wgetrc };
        const seen = environment(line(), { WGETRC: wgetrc });
        expect(readFileSync(seen['WGETRC']!, 'utf8')).toBe(`${text}\nca_certificate = ${trusted}\n`);
        expect(seen['PAG0_TICKET_WAS_WGETRC']).toBe(wgetrc);
      }
    });

    it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))('for git at addresses that the rules name, and nowhere else: $name', ({ shell }) => {
      options.gateway = { ...GATEWAY, named: ['api.example.com', '*.exa.ai', '127.0.0.1:8443', '[::1]:9', 'a*.b', '*', 'host:*'] };
      const added = { GIT_CONFIG_COUNT: '4', ...Object.fromEntries(['api.example.com', '*.exa.ai', '127.0.0.1:8443', '[::1]:9'].flatMap((host, at) => [[`GIT_CONFIG_KEY_${at}`, `http.https://${host}/.sslCAInfo`], [`GIT_CONFIG_VALUE_${at}`, GATEWAY.bundle]])) };
      expect(environment(line() + line(), {}, shell)).toEqual({ ...ours(), ...added, PAG0_TICKET_GIT: '4' });
      expect(environment(`${line()}rm "$DAEMON"\n${line()}`, { DAEMON: options.daemonFile }, shell)).toEqual({});
      writeFileSync(options.daemonFile, ALIVE);
      const mine = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'me' };
      expect(environment(line(), mine, shell)).toMatchObject({ GIT_CONFIG_COUNT: '5', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_4: GATEWAY.bundle });
      expect(environment(`${line()}rm "$DAEMON"\n${line()}`, { ...mine, DAEMON: options.daemonFile }, shell)).toEqual(mine);
    });

    it('for git what it was told of the address, and our CA', () => {
      options.gateway = { ...GATEWAY, named: ['git.corp.com', 'api.example.com'] };
      writeFileSync(join(options.home, '.gitconfig'), `[http "https://*.corp.com/"]\n\tsslCAInfo = ${corp}\n`);
      options.env = { ...process.env, HOME: options.home };
      expect(environment(line())).toMatchObject({ GIT_CONFIG_VALUE_0: merged(), GIT_CONFIG_VALUE_1: GATEWAY.bundle });
    });

    it('is nothing where nobody will meet our certificate', () => {
      options.gateway = { ...GATEWAY, looks: false };
      const { CURL_CA_BUNDLE: _c, SSL_CERT_FILE: _o, REQUESTS_CA_BUNDLE: _r, NODE_EXTRA_CA_CERTS: _n, DENO_CERT: _d, WGETRC: _w, ...rest } = ours();
      expect(environment(line(), { SSL_CERT_FILE: corp })).toEqual({ ...rest, SSL_CERT_FILE: corp });
      expect(existsSync(join(options.home, 'environment', 'trust'))).toBe(false);
    });
  });

  describe("where the person's proxy is one that we can pass on to", () => {
    it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))('programs come to us first, and the proxy is kept for whoever is started from here: $name', ({ shell }) => {
      const mine = { HTTPS_PROXY: 'http://me:pass@corp:3128', HTTP_PROXY: 'http://corp:3128/', all_proxy: 'http://corp:3128', NO_PROXY: '.corp.com,api.example.com' };
      options.gateway = { ...GATEWAY, named: ['api.example.com'] };
      options.own = ledIn(mine, { unknown: null }, options.gateway.named);
      const seen = environment(line() + line(), mine, shell);
      const except = '.corp.com,localhost,127.0.0.1,::1';
      expect(seen).toMatchObject({ http_proxy: PROXY, https_proxy: PROXY, HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, all_proxy: PROXY, no_proxy: except, NO_PROXY: except });
      expect(seen).not.toHaveProperty('ALL_PROXY');
      expect(ownEnvironment(seen)).toMatchObject(mine);
      expect(ownWayIn(ownEnvironment(seen), '/')).toEqual(ownWayIn(mine, '/'));
      expect(environment(`${line()}rm "$DAEMON"\n${line()}`, { ...mine, DAEMON: options.daemonFile }, shell)).toEqual(mine);
      expect(readFileSync(join(options.home, 'environment', readdirSync(join(options.home, 'environment')).find((name) => name.endsWith('.sh'))!), 'utf8')).not.toContain('pass');
    });

    it('a shell that is led by another one is left alone', () => {
      options.own = ledIn({ https_proxy: 'http://corp:3128' }, { unknown: null }, []);
      expect(environment(line(), { https_proxy: 'http://other:3128' })).toEqual({ https_proxy: 'http://other:3128' });
    });

    it.each<[string, string[], string]>([
      ['*', ['api.example.com'], ''],
      ['.example.com,x.org', ['api.example.com'], 'x.org'],
      ['localhost 10.0.0.0/8', ['10.1.2.3:8080'], 'localhost'],
      ['a.exa.ai,b.org', ['*.exa.ai'], 'b.org'],
      ['exa.ai', ['*.exa.ai:8443'], ''],
      ['localhost,127.0.0.1', ['api.example.com'], 'localhost,127.0.0.1'],
    ])('what is excepted leads past us nowhere that a rule names: %s, %j', (is, named, becomes) => {
      expect(ledIn({ NO_PROXY: is }, { unknown: null }, named).except).toEqual({ is, becomes });
    });
  });

  it("keeps a person's other settings", () => {
    const mine = { NODE_EXTRA_CA_CERTS: '/mine', WGETRC: '/mine', NODE_USE_ENV_PROXY: '0' };
    const { PAG0_TICKET_NODE: _node, ...rest } = ours();
    expect(environment(line(), { ...mine, NO_PROXY: 'a.com' })).toEqual({ ...rest, ...mine, no_proxy: 'a.com,localhost,127.0.0.1,::1', NO_PROXY: 'a.com,localhost,127.0.0.1,::1', PAG0_TICKET_WAS_NO_PROXY: 'a.com' });
    writeFileSync(join(options.home, '.wgetrc'), '');
    expect(environment(line(), { HOME: options.home })).not.toHaveProperty('WGETRC');
    expect(environment(line() + line(), { ...mine })).toMatchObject(mine);
  });

  it('of a session in a session is its own', () => {
    const outer = environment(line());
    options = { ...options, session: 's2', gateway: { ...GATEWAY, user: 'session-czI' } };
    const inner = environment(line(), outer);
    expect(inner).toEqual(JSON.parse(JSON.stringify(ours()).replaceAll('session-czE', 'session-czI')));
  });

  it('is not taken over by a daemon that is started in it', () => {
    expect(daemonEnv({ ...environment(line()), PATH: '/bin' }, {})).toEqual({ PATH: '/bin' });
  });

  it('asks Node 22 for nothing, which would complain', () => {
    options = { ...options, node: '22.23.3' };
    expect(environment(line())).not.toHaveProperty('NODE_USE_ENV_PROXY');
  });

  it('is nothing while there is nobody to be trusted', () => {
    unlinkSync(GATEWAY.bundle);
    expect(environment(line())).toEqual({});
  });
});

describe("the session's file", () => {
  it("is the owner's alone, and the client's file has no secret in it", () => {
    expect(line()).not.toContain('S3cret');
    const folder = join(options.home, 'environment');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(['trust', 'curl'].includes(name) ? 0o700 : 0o600);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  it('goes when the person wants none, which sessions at work feel at their next command', () => {
    const before = line();
    expect(installSessionEnv({ ...options, gateway: null })).toBeNull();
    expect(environment(before)).toEqual({});
    expect(installSessionEnv({ ...options, gateway: null })).toBeNull();
  });

  it('is there only for a session whose client reads it, and is renewed there alone', () => {
    expect(installSessionEnv({ ...options, begins: false })).toBeNull();
    expect(existsSync(environmentFile(options.home, 's1'))).toBe(false);
    const first = line();
    expect(installSessionEnv({ ...options, begins: false, gateway: null })).toBeNull();
    expect(environment(first)).toEqual({});
    installSessionEnv({ ...options, begins: false });
    expect(environment(first)).toEqual(ours());
  });

  it('of a session that nobody resumed for a month is forgotten', () => {
    line();
    const folder = join(options.home, 'environment');
    writeFileSync(join(folder, 'old.sh'), '');
    utimesSync(join(folder, 'old.sh'), 1, 1);
    line();
    expect(readdirSync(folder)).not.toContain('old.sh');
    expect(readFileSync(join(folder, 'wgetrc'), 'utf8')).toBe(`ca_certificate = ${GATEWAY.bundle}\n`);
  });
});

describe('real programs go where it says', () => {
  let recorder: Recorder;
  beforeAll(async () => {
    recorder = await startRecorder();
  });
  afterAll(() => recorder.close());
  beforeEach(() => {
    recorder.seen.length = 0;
    recorder.demanding = false;
    options.gateway = { ...GATEWAY, url: `http://127.0.0.1:${recorder.port}`, ca: recorder.ca, bundle: recorder.bundle };
    options.node = process.versions.node;
  });

  const CREDENTIALS = 'session-czE.PID:S3cret_-';
  const seen = () => recorder.seen.map(({ url, credentials }) => ({ url, credentials: credentials === null ? null : withoutPid(credentials) }));
  const PYTHON = (text: string): string[] => ['python3', '-c', text];
  const nodeMajor = Number(process.versions.node.split('.')[0]);
  const ROWS: readonly (readonly [name: string, isThere: boolean, command: readonly string[]])[] = [
    ['curl', true, ['curl', '-sS', 'https://a.example.com/x']],
    ['wget', hasProgram('wget'), ['wget', '-q', '-O-', 'https://a.example.com/x']],
    ["Python's urllib", hasProgram('python3'), PYTHON('import urllib.request as u; u.urlopen("https://a.example.com/x").read()')],
    ["Python's requests", hasProgram('python3', ['-c', 'import requests']), PYTHON('import requests; requests.get("https://a.example.com/x").raise_for_status()')],
    ['Ruby', hasProgram('ruby'), ['ruby', '-e', 'require "net/http"; Net::HTTP.get(URI("https://a.example.com/x"))']],
    ['httpie', hasProgram('http'), ['http', '--ignore-stdin', '--check-status', 'GET', 'https://a.example.com/x']],
    ['Node from 24', nodeMajor >= 24, [process.execPath, '-e', 'fetch("https://a.example.com/x").then((r) => r.text())']],
  ];
  for (const [name, isThere, command] of ROWS) {
    it.skipIf(!isThere)(`${name}, and trusts what it finds there`, async () => {
      const result = await recorder.run('sh', ['-c', `${line()}"$@"`, 'sh', ...command], { XDG_CONFIG_HOME: recorder.folder });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(seen()).toContainEqual({ url: 'https://a.example.com/x', credentials: CREDENTIALS });
    });
  }

  it('git, which shows who it is when it is asked', async () => {
    recorder.demanding = true;
    await recorder.run('sh', ['-c', `${line()}git ls-remote http://a.example.com/g`]);
    expect(seen()[0]).toEqual({ url: 'http://a.example.com/g/info/refs?service=git-upload-pack', credentials: CREDENTIALS });
  });

  it("curl, which shows nothing of the tunnel, also where the person has a configuration of their own", async () => {
    const answer = await recorder.run('sh', ['-c', `${line()}curl -sS -i -D - https://a.example.com/x`]);
    expect(answer.stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer.stdout).not.toMatch(/established|X-Tunnel/i);
    const mine = join(recorder.folder, 'my "curlrc"');
    writeFileSync(mine, 'write-out = "mine %{http_code}"\n');
    options.userConfigs = ['/nowhere/curlrc', mine];
    expect(await recorder.run('sh', ['-c', `${line()}curl -sS -i https://a.example.com/x`])).toMatchObject({ stdout: expect.stringMatching(/^HTTP\/1\.1 200 OK[^]*mine 200$/) as string, stderr: '' });
  });

  it.each(['sh', 'bash', 'zsh'].filter((shell) => hasProgram(shell, ['-c', ':'])))('and a curl that says itself where it connects asks whom it asked without pag0: %s', async (shell) => {
    const port = String(recorder.port);
    const direct = [`curl -sS --resolve a.example.com:${port}:127.0.0.1 http://a.example.com:${port}/x`, `curl -sS --connect-to ::127.0.0.1:${port} http://a.example.com/x`];
    for (const command of direct) {
      expect(goesDirect(command)).toBe(true);
      recorder.seen.length = 0;
      const { code } = await recorder.run(shell, ['-c', `${line()}${command}`]);
      // A plain sh has no variable with the text: there it goes the way that it is led.
      if (shell !== 'sh') expect({ code, seen: seen() }).toEqual({ code: 0, seen: [{ url: 'direct /x', credentials: null }] });
    }
  });

  it('and the shell and the daemon read such a command alike', () => {
    for (const { program, options: list } of DIRECT) {
      for (const option of list) {
        const command = `${option.includes(program) ? '' : `${program} `}${option} https://a.example.com/`;
        expect(goesDirect(command)).toBe(true);
        expect(environment(`${line()}: '${command}'\n`, {}, ['bash'])).not.toHaveProperty('https_proxy');
      }
    }
    for (const command of ['curl -s https://a.com | head -6', 'tail -4 x; curl https://a.com', 'echo --resolve', 'wget -q https://a.com']) {
      expect(goesDirect(command)).toBe(false);
      expect(environment(`${line()}: '${command}'\n`, {}, ['bash'])).toHaveProperty('https_proxy');
    }
  });

  it('but none of them on this machine', async () => {
    const local = `http://127.0.0.1:${recorder.port}/x`;
    const script = `${line()}curl -sS ${local}; ${hasProgram('python3') ? `python3 -c 'import urllib.request as u; u.urlopen("${local}")'` : `curl -sS ${local}`}`;
    expect(await recorder.run('sh', ['-c', script])).toMatchObject({ code: 0, stderr: '' });
    expect(recorder.seen).toEqual(Array(2).fill({ url: 'direct /x', credentials: null }));
  });

  it('and where they always went, when the daemon is gone', async () => {
    unlinkSync(options.daemonFile);
    const { code } = await recorder.run('sh', ['-c', `${line()}curl -sS https://a.example.com/x`]);
    expect(code).toBe(6);
    expect(recorder.seen).toEqual([]);
  });
});
