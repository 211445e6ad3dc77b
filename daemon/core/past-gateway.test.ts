import { describe, expect, it } from 'vitest';
import { readShell } from '../shell/syntax.ts';
import { setsOwnWay, takesOurCa } from './own-way.ts';
import { pastGateway, type ConfiguredProgram } from './past-gateway.ts';

function reasons(command: string, ownConfig: readonly ConfiguredProgram[] = []): string[] {
  return [...pastGateway(readShell(command), new Set(ownConfig)).values()];
}

describe('what comes to the gateway by the environment', () => {
  it.each([
    'curl https://a.com',
    `curl -sSfL -o x -w '%{http_code}' --fail "https://a.com/?q=$Q" | jq .`,
    'for q in a b; do curl "https://a.com/$q" > $q; done',
    'A=b timeout 5 "cu"rl https://a.com',
    'seq 3 | xargs -n1 curl -s',
    'curl $OPTIONS https://a.com',
    'curl "-$X" https://a.com',
    'curl -d x https://a.com --next https://b.com',
    `bash -c 'curl https://a.com'`,
    'C="curl -s"; $C https://a.com',
    'curl https://a.com & wait',
    'nohup curl -O https://a.com &',
    'setsid curl https://a.com',
    'curl --libcurl x.c https://a.com',
    'env A=b curl https://a.com',
    'wget -b https://a.com',
    'wget -e robots=off -r https://a.com',
    'http a.com',
    'curlie a.com',
    'curl https://a.com "',
    'which curl',
  ])('%s', (command) => expect(reasons(command)).toEqual([]));
});

describe('what goes past it, with the reason', () => {
  const OWN_PROXY = 'it sets its own proxy';
  const OWN_CA = 'it says itself which certificates it trusts';
  const CONNECTS = 'it says itself where it connects';
  const VARIABLES = 'it has variables of its own about proxies or certificates';
  const SET = 'the command sets variables about proxies or certificates';
  const BARE = 'it is run without the environment of its session';
  const OTHER_USER = 'it is run as another user, with an environment of its own';
  it.each([
    ['curl -x http://p:1 https://a.com', OWN_PROXY],
    ['curl -sxhttp://p:1 https://a.com', OWN_PROXY],
    ['curl https://a.com --socks5-host p', OWN_PROXY],
    ['curl --noproxy "*" https://a.com', OWN_PROXY],
    ['curl -p -U u:p https://a.com', OWN_PROXY],
    ['curl --cacert ca.pem https://a.com', OWN_CA],
    ['curl --pinnedpubkey x https://a.com', OWN_CA],
    ['curl -sk https://a.com', OWN_CA],
    ['wget --no-check-certificate https://a.com', OWN_CA],
    ['curl -E me.pem https://a.com', 'it shows a certificate of its own'],
    ['curl --unix-socket /s http://a.com', CONNECTS],
    ['curl --resolve a.com:443:1.2.3.4 https://a.com', CONNECTS],
    ['curl -6 https://a.com', CONNECTS],
    ['curl -4 https://a.com', CONNECTS],
    ['curl -K - https://a.com < conf', 'it reads options from a file of its own'],
    ['curl --http2-prior-knowledge https://a.com', 'it asks for something that passes no proxy'],
    ['wget --no-proxy https://a.com', OWN_PROXY],
    ['wget -e https_proxy=p https://a.com', OWN_PROXY],
    ['wget --ca-cert=x https://a.com', OWN_CA],
    ['wget --config=x https://a.com', 'it reads options from a file of its own'],
    ['https_proxy=p curl https://a.com', VARIABLES],
    ['http_proxy= http a.com', VARIABLES],
    ['env -u HTTPS_PROXY curl https://a.com', VARIABLES],
    ['CURL_CA_BUNDLE=x curl https://a.com', VARIABLES],
    ['export ALL_PROXY=p; curl https://a.com', SET],
    ['no_proxy="*"\ncurl https://a.com', SET],
    ['unset https_proxy; curl https://a.com', SET],
    ['env -i curl https://a.com', BARE],
    ['env - PATH=$PATH curl https://a.com', BARE],
    ['env -iu A curl https://a.com', BARE],
    ['exec -c curl https://a.com', BARE],
    ['torsocks curl https://a.com', 'it is run with a proxy of its own'],
    ['busybox wget https://a.com', 'it is another program of that name'],
    ['sudo -u bob curl https://a.com', OTHER_USER],
    ['sudo curl https://a.com', OTHER_USER],
    ['xh a.com', 'xh trusts no certificates but its own'],
    ['curl.exe https://a.com', 'it is a program of another system'],
  ])('%s', (command, why) => expect(reasons(command)).toEqual([why]));

  it('while the commands beside it come', () => {
    expect(reasons('curl -x p https://a.com; curl https://b.com')).toEqual([OWN_PROXY]);
    expect(reasons('f() { curl "$@" https://a.com; }; f -s; f -x p')).toEqual([OWN_PROXY]);
  });

  it('when its own configuration file says the way', () => {
    expect(reasons('curl a.com; wget a.com', ['wget'])).toEqual(['your own configuration of wget says which way it goes']);
    for (const line of ['https_proxy = p', '  Use-Proxy=on', 'proxy: "p"', '--proxy p', '-x p', 'a = b\nca_certificate = x', 'cacert=x', 'resolve = a:1:2']) expect(setsOwnWay(line)).toBe(true);
    for (const line of ['', '# proxy = p', 'user-agent = proxy', 'header = key: 1', 'passive_ftp = on', '-s', 'tries = 3', 'xattr = on', 'netrc']) expect(setsOwnWay(line)).toBe(false);
  });
});

describe('a program at work takes our word whom to trust', () => {
  const env = { CURL_CA_BUNDLE: '/h/.pag0/ca/bundle.pem', SSL_CERT_FILE: '/h/.pag0/ca/bundle.pem', WGETRC: '/h/.pag0/environment/wgetrc' };
  const takes = (program: string, argv: string[], more: Record<string, string> = {}) => takesOurCa(program, { argv: [program, ...argv], env: { ...env, ...more } }, ['/h/.pag0']);

  it('when it is curl or wget with what the environment names, and nothing of its own', () => {
    expect([takes('curl', ['-s', 'https://a.com']), takes('wget', ['-qO-', 'https://a.com'])]).toEqual([true, true]);
  });

  it.each([
    ['curl', ['--cacert', 'x', 'https://a.com'], {}],
    ['curl', ['-sk', 'https://a.com'], {}],
    ['curl', ['--pinnedpubkey', 'x', 'https://a.com'], {}],
    ['curl', ['--resolve', 'a.com:1:2', 'https://a.com'], {}],
    ['curl', ['-x', 'p', 'https://a.com'], {}],
    ['curl', ['https://a.com'], { CURL_CA_BUNDLE: '/mine.pem' }],
    ['curl', ['https://a.com'], { CURL_CA_BUNDLE: '/h/.pag0-of-mine/x' }],
    ['wget', ['https://a.com'], { WGETRC: '/mine' }],
    ['wget', ['--no-check-certificate', 'https://a.com'], {}],
    ['git', ['clone'], {}],
  ] as const)('and not %s %j %j', (program, argv, more) => expect(takes(program, [...argv], more)).toBe(false));
});
