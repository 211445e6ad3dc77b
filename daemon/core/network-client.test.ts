import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNKNOWN, programName, type Invocation, type ShellWord } from './invocation.ts';
import { mentionedClient, requestsOf, startsNestedClient } from './network-client.ts';

function invocation(words: readonly ShellWord[], more: Partial<Invocation> = {}): Invocation {
  return { program: programName(words[0]), words, ends: words.map(() => null), wrappers: [], assignments: {}, redirects: [], times: 1, timesKnown: true, background: false, ...more };
}

/** Words as they come from the shell: `…` is any number of unknown words, `?` unknown text. */
function words(line: string): ShellWord[] {
  return line.split(' ').map((word) => (word === '…' ? null : word.replaceAll('¿', UNKNOWN)));
}

function shown(line: string, more: Partial<Invocation> = {}): string[] {
  return requestsOf(invocation(words(line), more)).map(({ method, url, times, known }) =>
    [method, url ?? '?', ...(times > 1 ? [`x${times}`] : []), ...(known ? [] : ['unknown'])].join(' '),
  );
}

describe('curl', () => {
  test.each<[string, ...string[]]>([
    ['curl https://a.com', 'GET https://a.com'],
    ['curl'],
    ['curl -s'],
    ['curl -'],
    ['curl -sSLo out https://a.com', 'GET https://a.com'],
    ['curl -oout -Aagent -mfive https://a.com', 'GET https://a.com'],
    ['curl https://a.com -o https://b.com', 'GET https://a.com'],
    ['curl -H https://x.com -A https://y.com -b https://z.com -u me:https://w.com https://a.com', 'GET https://a.com'],
    ['curl --resolve a.com:443:1.2.3.4 --connect-to ::b.com: --retry 5 --retry-delay 1 --max-time 3 https://a.com', 'GET https://a.com'],
    ['curl --proxy http://p --preproxy http://q --doh-url https://d --url-query a=b --netrc-file n --cacert c https://a.com', 'GET https://a.com'],
    ['curl --fail --silent --show-error --location --compressed --insecure --parallel --no-buffer https://a.com', 'GET https://a.com'],
    ['curl -- https://a.com', 'GET https://a.com'],
    ['curl --data=x https://a.com', 'GET https://a.com'],
    // The method
    ['curl -X PATCH https://a.com', 'PATCH https://a.com'],
    ['curl -X post -d x https://a.com', 'POST https://a.com'],
    ['curl --request PUT -I https://a.com', 'PUT https://a.com'],
    ['curl -X GET -X DELETE https://a.com', 'DELETE https://a.com'],
    ['curl -X ¿ https://a.com', '* https://a.com'],
    ['curl -X … https://a.com', '* https://a.com'],
    ['curl -I https://a.com', 'HEAD https://a.com'],
    ['curl --head -d x https://a.com', 'HEAD https://a.com'],
    ['curl -T file https://a.com', 'PUT https://a.com'],
    ['curl --upload-file file -d x https://a.com', 'PUT https://a.com'],
    ['curl -d x https://a.com', 'POST https://a.com'],
    ['curl --data-urlencode x --data-raw y https://a.com', 'POST https://a.com'],
    ['curl --json {} https://a.com', 'POST https://a.com'],
    ['curl -Fa=@b https://a.com', 'POST https://a.com'],
    ['curl -G -d x https://a.com', 'GET https://a.com'],
    ['curl --get --data x https://a.com', 'GET https://a.com'],
    // Several URLs
    ['curl https://a.com https://b.com', 'GET https://a.com', 'GET https://b.com'],
    ['curl --url https://a.com https://b.com', 'GET https://a.com', 'GET https://b.com'],
    ['curl -d x https://a.com --next -I https://b.com -: https://c.com', 'POST https://a.com', 'HEAD https://b.com', 'GET https://c.com'],
    ['curl --next https://a.com', 'GET https://a.com'],
    // Globs
    ['curl https://{a,b}.com/{x,y}', 'GET https://a.com/x', 'GET https://a.com/y', 'GET https://b.com/x', 'GET https://b.com/y'],
    ['curl https://a.com/[1-3]', 'GET https://a.com/1', 'GET https://a.com/2', 'GET https://a.com/3'],
    ['curl https://a.com/[08-10]', 'GET https://a.com/08', 'GET https://a.com/09', 'GET https://a.com/10'],
    ['curl https://a.com/[1-9:4]', 'GET https://a.com/1', 'GET https://a.com/5', 'GET https://a.com/9'],
    ['curl https://a.com/[a-c]', 'GET https://a.com/a', 'GET https://a.com/b', 'GET https://a.com/c'],
    ['curl https://a.com/?p=[1-1000]', 'GET https://a.com/?p=* x1000'],
    ['curl https://a.com/[1-1000]', 'GET https://a.com/* x1000 unknown'],
    ['curl https://a.com/?p=[1-¿]', 'GET https://a.com/?p=* unknown'],
    ['curl https://a.com/?p={x,¿}', 'GET https://a.com/?p=x', 'GET https://a.com/?p=*'],
    ['curl https://a.com/?q={"a":1}', 'GET https://a.com/?q="a":1'],
    ['curl http://[::1]:3000/x', 'GET http://[::1]:3000/x'],
    ['curl https://a.com/?a[]=1&b[x]=2', 'GET https://a.com/?a[]=1&b[x]=2'],
    ['curl -g https://a.com/[1-3]', 'GET https://a.com/[1-3]'],
    ['curl --globoff https://a.com/{x,y}', 'GET https://a.com/{x,y}'],
    ['curl https://a.com/{x', 'GET https://a.com/{x'],
    ['curl https://a.com/[5-5]', 'GET https://a.com/5'],
    ['curl https://a.com/[5-1]', 'GET https://a.com/[5-1]'],
    ['curl https://a.com/[ab-cd]', 'GET https://a.com/[ab-cd]'],
    ['curl https://a.com/[1-3:0]', 'GET https://a.com/1', 'GET https://a.com/2', 'GET https://a.com/3'],
    ['curl https://a.com/[1-100]', ...Array.from({ length: 100 }, (_, index) => `GET https://a.com/${index + 1}`)],
    ['curl https://a.com/?p=[1-101]', 'GET https://a.com/?p=* x101'],
    ['curl https://a.com/?p=[1-200000]', 'GET https://a.com/?p=* unknown'],
    // What cannot be known
    ['curl ¿', 'GET ? unknown'],
    ['curl …', 'GET ? unknown'],
    ['curl … …', 'GET ? unknown'],
    ['curl … https://a.com', 'GET https://a.com unknown'],
    ['curl -o … -H ¿ https://a.com', 'GET https://a.com'],
    ['curl https://¿', 'GET ? unknown'],
    ['curl https://api.¿.com/x', 'GET ? unknown'],
    ['curl https://a.com¿/x', 'GET ? unknown'],
    ['curl https://a.com/¿/b?c=¿', 'GET https://a.com/*/b?c=* unknown'],
    ['curl https://a.com/b?c=¿#¿', 'GET https://a.com/b?c=*#*'],
    ['curl https://a.com?c=¿', 'GET https://a.com?c=*'],
    ['curl http://a.com:¿/x', 'GET http://a.com/x unknown'],
    ['curl http://a.com:80¿/x', 'GET http://a.com/x unknown'],
    ['curl ¿://a.com/x', 'GET https://a.com/x'],
    ['curl https://¿:¿@a.com/x', 'GET https://a.com/x'],
    ['curl https://me:secret@a.com/x', 'GET https://a.com/x'],
    ['curl a.com/¿', 'GET a.com/* unknown'],
    ['curl -K f', 'GET ? unknown'],
    ['curl --config f -d x https://a.com', 'POST https://a.com unknown'],
    ['curl -K f https://a.com --next https://b.com', 'GET https://a.com unknown', 'GET https://b.com'],
    ['curl --variable %X --expand-url https://a.com/{{X}}', 'GET ? unknown'],
    ['curl --expand-url https://a.com/', 'GET https://a.com/'],
    [`curl https://a.com/${'x'.repeat(9000)}`, 'GET ? unknown'],
    // No request
    ['curl --version'],
    ['curl -V'],
    ['curl -h'],
    ['curl --help all'],
    ['curl --manual'],
    ['curl file:///etc/passwd'],
    ['curl ftp://a.com/x'],
    ['curl https:///x'],
  ])('%s', (line, ...requests) => {
    expect(shown(line)).toEqual(requests);
  });
});

describe('wget', () => {
  test.each<[string, ...string[]]>([
    ['wget https://a.com/x', 'GET https://a.com/x'],
    ['wget https://a.com https://b.com', 'GET https://a.com', 'GET https://b.com'],
    ['wget -qO- https://a.com', 'GET https://a.com'],
    ['wget -O out -P dir -U agent --header=A:b --header C:d --timeout 3 --tries=2 https://a.com', 'GET https://a.com'],
    ['wget -nv -nc -nd -c -N https://a.com', 'GET https://a.com'],
    ['wget -e robots=off --referer https://r.com https://a.com', 'GET https://a.com'],
    ['wget --post-data=x https://a.com', 'POST https://a.com'],
    ['wget --post-file f https://a.com', 'POST https://a.com'],
    ['wget --method=PUT --body-data=x https://a.com', 'PUT https://a.com'],
    ['wget --method ¿ https://a.com', '* https://a.com'],
    ['wget --spider https://a.com', 'HEAD https://a.com'],
    ['wget -r -l 2 https://a.com', 'GET https://a.com unknown'],
    ['wget -m https://a.com', 'GET https://a.com unknown'],
    ['wget -p https://a.com', 'GET https://a.com unknown'],
    ['wget --page-requisites https://a.com', 'GET https://a.com unknown'],
    ['wget -i urls', 'GET ? unknown'],
    ['wget --input-file=- https://a.com', 'GET https://a.com unknown'],
    ['wget …', 'GET ? unknown'],
    ['wget … https://a.com', 'GET https://a.com unknown'],
    ['wget https://a.com/[1-3]', 'GET https://a.com/[1-3]'],
    ['wget ftp://a.com'],
    ['wget --version'],
    ['wget -h'],
    ['wget'],
  ])('%s', (line, ...requests) => {
    expect(shown(line)).toEqual(requests);
  });
});

describe('httpie and those that speak like it', () => {
  test.each<[string, ...string[]]>([
    ['http a.com', 'GET http://a.com'],
    ['https a.com/x', 'GET https://a.com/x'],
    ['xh a.com', 'GET http://a.com'],
    ['xhs a.com', 'GET https://a.com'],
    ['http https://a.com', 'GET https://a.com'],
    ['http localhost', 'GET http://localhost'],
    ['http :3000/x', 'GET http://localhost:3000/x'],
    ['http :/x', 'GET http://localhost/x'],
    ['http :', 'GET http://localhost:'],
    ['https ://a.com', 'GET https://a.com'],
    ['http --default-scheme=https a.com', 'GET https://a.com'],
    ['http POST a.com', 'POST http://a.com'],
    ['http delete a.com/1', 'DELETE http://a.com/1'],
    ['http ¿ a.com', '* http://a.com'],
    ['http a.com q==x H:v', 'GET http://a.com'],
    ['http a.com a=b', 'POST http://a.com'],
    ['http a.com a:=1', 'POST http://a.com'],
    ['http a.com a@file', 'POST http://a.com'],
    ['http a.com a=@file', 'POST http://a.com'],
    ['http a.com a:=@file', 'POST http://a.com'],
    ['http PUT a.com a=b', 'PUT http://a.com'],
    ['http -f a.com', 'POST http://a.com'],
    ['http --raw {} a.com', 'POST http://a.com'],
    ['http -a me:pw --timeout 3 -p hb --session s --verify=no -o out a.com', 'GET http://a.com'],
    ['http -h a.com', 'GET http://a.com'],
    ['http …', 'GET ? unknown'],
    ['http ¿', 'GET ? unknown'],
    ['http a.com …', 'GET http://a.com unknown'],
    ['http ¿/x', 'GET ? unknown'],
    ['http ¿://a.com', 'GET https://a.com'],
    ['http a.com/¿', 'GET http://a.com/* unknown'],
    ['http --offline POST a.com a=b'],
    ['http --version'],
    ['http --help'],
    ['xh --curl a.com'],
    ['http'],
    ['curlie a.com', 'GET http://a.com'],
    ['curlie -s POST a.com/x a=b', 'POST http://a.com/x'],
    ['curlie -d x a.com', 'POST http://a.com'],
    ['curlie -o out PUT a.com a=b', 'PUT http://a.com'],
    ['curlie --url https://a.com', 'GET https://a.com'],
    ['curlie --version'],
  ])('%s', (line, ...requests) => {
    expect(shown(line)).toEqual(requests);
  });
});

describe('A request', () => {
  test('runs as often as its command', () => {
    expect(shown('curl https://a.com', { times: 3 })).toEqual(['GET https://a.com x3']);
    expect(shown('curl https://a.com/?p=[1-200]', { times: 3 })).toEqual(['GET https://a.com/?p=* x600']);
    expect(shown('curl https://a.com/?p=[1-200]', { times: 1_000_000_000 })).toEqual(['GET https://a.com/?p=* x1000000000']);
  });

  test('of a command in a loop without end is not known', () => {
    expect(shown('curl https://a.com', { timesKnown: false })).toEqual(['GET https://a.com unknown']);
  });

  test('is made by the program at the end of a path', () => {
    const [request] = requestsOf(invocation(['/usr/bin/curl', 'https://a.com']));
    expect(request).toEqual({ program: 'curl', method: 'GET', url: 'https://a.com', times: 1, known: true });
  });

  test('of an empty word is none', () => {
    expect(requestsOf(invocation(['curl', '', '-s']))).toEqual([]);
  });

  test.each(['git', 'python3', 'constructor', '__proto__', '¿', '…'])('is none of ours to guess in what %s does', (program) => {
    expect(shown(`${program} https://a.com`)).toEqual([]);
  });

  test('never holds the placeholder for unknown text, whatever the words', () => {
    const word = fc.oneof(fc.constant(null), fc.string({ unit: fc.constantFrom(...`abc/:.?#@[]{}-,=XdK${UNKNOWN}19`), maxLength: 24 }));
    fc.assert(
      fc.property(fc.constantFrom('curl', 'wget', 'http', 'curlie', 'xhs'), fc.array(word, { maxLength: 6 }), (program, rest) => {
        for (const { method, url, times } of requestsOf(invocation([program, ...rest]))) {
          expect(method + (url ?? '')).not.toContain(UNKNOWN);
          expect(times).toBeGreaterThanOrEqual(1);
          expect(Number.isSafeInteger(times)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('In a text that cannot be read', () => {
  test.each([
    ['curl https://a.com "', 'curl'],
    ['x; wget "', 'wget'],
    ['/usr/bin/curl "', 'curl'],
    ['(xh a.com "', 'xh'],
    ['http POST a.com "', 'http'],
    ['x && https a.com "', 'https'],
    ['for u in a; do http a.com', 'http'],
    ['$(curl', 'curl'],
    ['my-curl "', null],
    ['libcurl "', null],
    ['curl-config "', null],
    ['curl.h "', null],
    ['"see https://a.com', null],
    ['echo "the http server', null],
    ['', null],
  ])('%j mentions %j', (text, name) => {
    expect(mentionedClient(text)).toBe(name);
  });
});

describe('Another client', () => {
  test.each([
    'claude',
    'claude -p hello',
    '/opt/bin/claude --resume x',
    'npx @anthropic-ai/claude-code -p x',
    'npx -y @anthropic-ai/claude-code@latest',
    'npx --package=@anthropic-ai/claude-code claude -p x',
    'bunx claude',
    'pnpm dlx @anthropic-ai/claude-code',
    'npm exec -- @anthropic-ai/claude-code',
    'claude …',
    'claude ¿',
  ])('is started by: %s', (line) => {
    expect(startsNestedClient(invocation(words(line)))).toBe(true);
  });

  test.each([
    'claude --version',
    'claude -h',
    'claude mcp list',
    'claude plugin install x',
    'npx @anthropic-ai/claude-code --version',
    'npx vitest claude.ts',
    'npm install @anthropic-ai/claude-code',
    'npm test',
    'claude-monitor',
    'echo claude',
    'npx claude-flow',
    '…',
    'grep claude x',
  ])('is not started by: %s', (line) => {
    expect(startsNestedClient(invocation(words(line)))).toBe(false);
  });
});
