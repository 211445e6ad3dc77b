import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../shell/commands.fixture.ts';
import { readShell } from '../shell/syntax.ts';
import type { Endpoint } from './endpoint.ts';
import { setsOwnWay } from './own-way.ts';
import { planTickets, withTickets, type TicketOptions } from './ticketable.ts';

const FILES = { curl: '/t/c', wget: '/t/w' };
const OPTIONS: TicketOptions = { background: false, ownConfig: new Set() };
const abroad = (endpoint: Endpoint | null): boolean => endpoint === null || !endpoint.local;

function ticketed(command: string, options: Partial<TicketOptions> = {}, governed = abroad, files = FILES): string | null {
  const reading = readShell(command);
  return withTickets(command, reading, planTickets(reading, governed, { ...OPTIONS, ...options }), files, readShell);
}

function reasons(command: string, options: Partial<TicketOptions> = {}): string[] {
  return planTickets(readShell(command), abroad, { ...OPTIONS, ...options }).left.map(({ why }) => why);
}

describe('a ticket is put right after the program', () => {
  it.each([
    ['curl https://a.com', `curl -K '/t/c' https://a.com`],
    [`curl -sSfL -o x -w '%{http_code}' --fail "https://a.com/?q=$Q" | jq .`, `curl -K '/t/c' -sSfL -o x -w '%{http_code}' --fail "https://a.com/?q=$Q" | jq .`],
    ['for q in a b; do curl "https://a.com/$q" > $q; done', `for q in a b; do curl -K '/t/c' "https://a.com/$q" > $q; done`],
    [`X=$(curl -s https://a.com) && cat <<EOF\n$(curl https://b.com)\nEOF`, `X=$(curl -K '/t/c' -s https://a.com) && cat <<EOF\n$(curl -K '/t/c' https://b.com)\nEOF`],
    ['/usr/bin/curl https://a.com', `/usr/bin/curl -K '/t/c' https://a.com`],
    [String.raw`\curl https://a.com`, String.raw`\curl -K '/t/c' https://a.com`],
    [`A=b timeout 5 "cu"rl https://a.com`, `A=b timeout 5 "cu"rl -K '/t/c' https://a.com`],
    ['sudo curl -o /usr/bin/x https://a.com', `sudo curl -K '/t/c' -o /usr/bin/x https://a.com`],
    ['curl>out https://a.com', `curl -K '/t/c'>out https://a.com`],
    ['f() { curl "https://a.com/$1"; }; f x; f y', `f() { curl -K '/t/c' "https://a.com/$1"; }; f x; f y`],
    ['seq 3 | xargs -n1 curl -s', `seq 3 | xargs -n1 curl -K '/t/c' -s`],
    ['curl -s $URL', `curl -K '/t/c' -s $URL`],
    ['curl -d x https://a.com --next https://b.com', `curl -K '/t/c' -d x https://a.com --next -K '/t/c' https://b.com`],
    ['curl https://a.com -s: https://b.com', `curl -K '/t/c' https://a.com -s: -K '/t/c' https://b.com`],
    ['curl -q https://a.com', `curl -q -K '/t/c' https://a.com`],
    ['curl -qs https://a.com', `curl -qs -K '/t/c' https://a.com`],
    ['curl --disable https://a.com', `curl --disable -K '/t/c' https://a.com`],
    ['curl a.com/1 & curl a.com/2 & wait', `curl -K '/t/c' a.com/1 & curl -K '/t/c' a.com/2 & wait`],
    ['curl -X POST --request PUT https://a.com', `curl -K '/t/c' -X POST --request PUT https://a.com`],
    ['wget -qO- https://a.com | curl -T - https://b.com', `wget --config='/t/w' -qO- https://a.com | curl -K '/t/c' -T - https://b.com`],
    ['wget -e robots=off -r https://a.com', `wget --config='/t/w' -e robots=off -r https://a.com`],
    ['curl http://localhost:1/ https://a.com', `curl -K '/t/c' http://localhost:1/ https://a.com`],
  ])('%s', (command, rewritten) => {
    expect(ticketed(command)).toBe(rewritten);
    expect(reasons(command)).toEqual([]);
  });

  it.each(['curl http://localhost:3000/', 'curl 10.0.0.7/x -x p', 'git status', 'curl --version', 'echo "curl https://a.com"', 'curl ftp://a.com/x', 'which curl'])(
    'and nothing changes where nothing deserves one: %s',
    (command) => {
      expect(ticketed(command)).toBe(command);
      expect(reasons(command)).toEqual([]);
    },
  );

  it('also to a local address, when a rule names it', () => {
    expect(ticketed('curl localhost:3000/x', {}, (endpoint) => endpoint?.host === 'localhost:3000')).toBe(`curl -K '/t/c' localhost:3000/x`);
  });

  it('in a folder of any name', () => {
    expect(ticketed('curl a.com', {}, abroad, { curl: `/it's here/c`, wget: '' })).toBe(String.raw`curl -K '/it'\''s here/c' a.com`);
  });

  it('and is left out where another program would change its name', () => {
    expect(ticketed('seq 3 | xargs -I t curl https://a.com/t')).toBeNull();
    expect(ticketed('seq 3 | xargs -I % curl https://a.com/%')).not.toBeNull();
  });
});

describe('what goes its own way is left alone, with the reason', () => {
  const OWN_PROXY = 'it sets its own proxy';
  const VARIABLES = 'it has variables of its own about proxies or certificates';
  it.each([
    ['curl -x http://p:1 https://a.com', OWN_PROXY],
    ['curl -sxhttp://p:1 https://a.com', OWN_PROXY],
    ['curl https://a.com --socks5-host p', OWN_PROXY],
    ['curl --noproxy "*" https://a.com', OWN_PROXY],
    ['curl -p -U u:p https://a.com', OWN_PROXY],
    ['curl --cacert ca.pem https://a.com', 'it says itself which certificates it trusts'],
    ['curl --pinnedpubkey x https://a.com', 'it says itself which certificates it trusts'],
    ['curl -sk https://a.com', 'it says itself which certificates it trusts'],
    ['wget --no-check-certificate https://a.com', 'it says itself which certificates it trusts'],
    ['curl -E me.pem https://a.com', 'it shows a certificate of its own'],
    ['curl --unix-socket /s http://a.com', 'it says itself where it connects'],
    ['curl --resolve a.com:443:1.2.3.4 https://a.com', 'it says itself where it connects'],
    ['curl -6 https://a.com', 'it says itself where it connects'],
    ['curl -K - https://a.com < conf', 'it reads options from a file of its own'],
    ['curl --http2-prior-knowledge https://a.com', 'it asks for something that passes no proxy'],
    ['curl --libcurl x.c https://a.com', 'it asks for something that passes no proxy'],
    ['curl ftp://a.com https://b.com', 'it speaks another protocol than HTTP, too'],
    ['curl ftp.a.com', 'it speaks another protocol than HTTP, too'],
    ['curl $OPTIONS https://a.com', 'some of its options are not in the text'],
    ['curl "-$X" https://a.com', 'some of its options are not in the text'],
    ['curl https://a.com -:o x https://b.com', 'some of its options are not in the text'],
    ['curl -qo x https://a.com', 'some of its options are not in the text'],
    ['wget --no-proxy https://a.com', OWN_PROXY],
    ['wget -e https_proxy=p https://a.com', OWN_PROXY],
    ['wget --ca-cert=x https://a.com', 'it says itself which certificates it trusts'],
    ['wget --config=x https://a.com', 'it reads options from a file of its own'],
    ['wget -b https://a.com', 'it goes on after its call has ended'],
    ['https_proxy=p curl https://a.com', VARIABLES],
    ['env -u HTTPS_PROXY curl https://a.com', VARIABLES],
    ['CURL_CA_BUNDLE=x curl https://a.com', VARIABLES],
    ['export ALL_PROXY=p; curl https://a.com', 'the command sets variables about proxies or certificates'],
    ['no_proxy="*"\ncurl https://a.com', 'the command sets variables about proxies or certificates'],
    ['unset https_proxy; curl https://a.com', 'the command sets variables about proxies or certificates'],
    ['torsocks curl https://a.com', 'it is run with a proxy of its own'],
    ['busybox wget https://a.com', 'it is another program of that name'],
    ['sudo -u bob curl https://a.com', 'it is run as another user'],
    [`bash -c 'curl https://a.com'`, 'it is not literally in the text'],
    ['C="curl -s"; $C https://a.com', 'it is not literally in the text'],
    ['for c in echo curl; do $c https://a.com; done', 'its place in the text is another program, too'],
    ['http a.com', 'http takes a proxy only where everybody can read it'],
    ['xh a.com', 'xh takes a proxy only where everybody can read it'],
    ['nohup curl -O https://a.com &', 'it may go on after its call has ended'],
    ['curl https://a.com/x?a=1&b=2', 'it may go on after its call has ended'],
    ['curl.exe https://a.com', 'it is a program of another system'],
    ['curl https://a.com "', 'the command cannot be read'],
  ])('%s', (command, why) => {
    expect(reasons(command)).toEqual([why]);
    if (!readShell(command).unreadable) expect(ticketed(command)).toBe(command);
  });

  it('while the commands beside it get theirs', () => {
    expect(ticketed('curl -x p https://a.com; curl https://b.com')).toBe(`curl -x p https://a.com; curl -K '/t/c' https://b.com`);
  });

  it('when a place in the text runs with different options', () => {
    const command = 'f() { curl "$@" https://a.com; }; f -s; f -x p';
    expect(ticketed(command)).toBe(command);
    expect(reasons(command)).toEqual([OWN_PROXY, OWN_PROXY]);
    expect(ticketed('f() { curl "$@" https://a.com; }; f -s; f -i')).toContain(`curl -K '/t/c' "$@"`);
    expect(new Set(reasons('f() { curl "$@" https://a.com; }; f -s; f b.com --next'))).toEqual(new Set(['its place in the text is run with different options']));
  });

  it('when the client runs the whole command in the background', () => {
    expect(reasons('curl https://a.com', { background: true })).toEqual(['it runs in the background, beyond its call']);
  });

  it('when its own configuration file says the way', () => {
    expect(reasons('curl a.com; wget a.com', { ownConfig: new Set(['wget'] as const) })).toEqual(['your own configuration of wget says which way it goes']);
    for (const line of ['https_proxy = p', '  Use-Proxy=on', 'proxy: "p"', '--proxy p', '-x p', 'a = b\nca_certificate = x', 'cacert=x', 'resolve = a:1:2']) expect(setsOwnWay(line)).toBe(true);
    for (const line of ['', '# proxy = p', 'user-agent = proxy', 'header = key: 1', 'passive_ftp = on', '-s', 'tries = 3', 'xattr = on', 'netrc']) expect(setsOwnWay(line)).toBe(false);
  });
});

const EVERY_COMMAND = Object.values(COMMANDS).flatMap((rows) => rows.map(([command]) => command));

describe('rewriting', () => {
  it.each(EVERY_COMMAND.map((command) => ({ command })))('only puts in, and what runs stays the same: $command', ({ command }) => holds(command));

  it('does so for any commands in any arrangement', () => {
    const words = fc.constantFrom('curl', 'wget', '-s', '-q', '-o', 'x', 'https://a.com', '"$U"', '$U', '--next', '-:', '-x p', `'b.com'`, '> f', '2>&1', 'echo', '|', '&&', ';', '&', '\n', '$(', ')', '`', '(', 'f()', '{', '}', 'for i in 1 2; do', 'done', '-d', '<<EOF\nx\nEOF\n', 'wait', '\\\n');
    fc.assert(
      fc.property(fc.array(words, { maxLength: 16 }), (list) => {
        holds(list.join(' '));
      }),
      { numRuns: 2_000 },
    );
  });

  function holds(command: string): void {
    const reading = readShell(command);
    const plan = planTickets(reading, abroad, OPTIONS);
    const rewritten = withTickets(command, reading, plan, FILES, readShell);
    expect(rewritten).not.toBeNull();
    if (rewritten === null || reading.unreadable) return;
    expect(rewritten.replaceAll(` -K '/t/c'`, '').replaceAll(` --config='/t/w'`, '')).toBe(command);
    // One ticket for each request's own set of options, and none for anybody else.
    for (const [index, { words }] of readShell(rewritten).invocations.entries()) {
      const before = reading.invocations[index]!;
      const added = words.length - before.words.length;
      if (plan.ticketed.includes(before)) expect(added).toBeGreaterThan(0);
      else if (before.program === 'curl' || before.program === 'wget') expect([before, added]).toEqual([before, plan.places.some(({ at }) => at === before.ends[0]) ? added : 0]);
    }
  }
});
