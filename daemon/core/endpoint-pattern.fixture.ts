/** What matches what: the cases of the tests, and of the table in the reference. */
export interface MatchCase {
  pattern: string;
  url: string;
  matches: boolean;
}

export interface MatchGroup {
  title: string;
  says: string;
  cases: readonly MatchCase[];
}

const yes = (pattern: string, ...urls: string[]): MatchCase[] => urls.map((url) => ({ pattern, url, matches: true }));
const no = (pattern: string, ...urls: string[]): MatchCase[] => urls.map((url) => ({ pattern, url, matches: false }));

export const MATCHES: readonly MatchGroup[] = [
  {
    title: 'Host',
    says: 'A pattern without a path names the host with all its paths, on the port of the scheme. Case does not count.',
    cases: [
      ...yes('api.tavily.com', 'https://api.tavily.com', 'https://api.tavily.com/any/thing?q=1', 'http://API.Tavily.COM/x'),
      ...no('api.tavily.com', 'https://www.tavily.com/x', 'https://api.tavily.com.evil.example/x', 'https://evil.example/api.tavily.com'),
      ...no('api.tavily.com', 'https://xapi.tavily.com/', 'https://api-tavily.com/'),
    ],
  },
  {
    title: 'A star in the host',
    says: 'It stands for any run of characters of the host, dots included, and never for a slash: host, port and path are matched apart.',
    cases: [
      ...yes('*.tavily.com/*', 'https://api.tavily.com/x', 'https://a.b.tavily.com/'),
      ...no('*.tavily.com/*', 'https://tavily.com/x', 'https://free.example.com/x.tavily.com/y', 'https://tavily.com.evil.example/x'),
      ...no('*.tavily.com/*', 'https://free.example.com/?q=x.tavily.com/y', 'https://x.tavily.com@free.example.com/', 'https://free.example.com/#x.tavily.com/'),
      ...no('*.tavily.com', 'https://eviltavily.com/', 'https://free.example.com/x.tavily.com'),
      ...yes('api-*.example.com/v1', 'https://api-eu.example.com/v1'),
      ...no('api-*.example.com/v1', 'https://api.example.com/v1', 'https://api-eu.example.com/v2'),
      ...yes('*', 'https://anything.example/at/all', 'http://anything.example:8080/'),
      ...yes('*/*', 'https://anything.example/at/all'),
      ...yes('**.tavily.com/**', 'https://api.tavily.com/x'),
      ...no('*/search', 'https://a.example/v1/search'),
      ...yes('*/*/search', 'https://a.example/v1/search'),
    ],
  },
  {
    title: 'Path',
    says: 'A path is matched whole. `/*` at its end covers everything below and the path itself; a star elsewhere stands for any run of characters, slashes included. The query is not compared.',
    cases: [
      ...yes('api.tavily.com/search', 'https://api.tavily.com/search', 'https://api.tavily.com/search?q=1#top'),
      ...no('api.tavily.com/search', 'https://api.tavily.com/search/deep', 'https://api.tavily.com/searches', 'https://api.tavily.com/Search', 'https://api.tavily.com/v1/search'),
      ...yes('api.tavily.com/*', 'https://api.tavily.com/search/deep', 'https://api.tavily.com', 'https://api.tavily.com/'),
      ...yes('api.openai.com/v1/*', 'https://api.openai.com/v1', 'https://api.openai.com/v1/chat/completions'),
      ...no('api.openai.com/v1/*', 'https://api.openai.com/v10/chat', 'https://api.openai.com/', 'https://api.openai.com/x/v1/chat'),
      ...yes('a.example/models/*:generate', 'https://a.example/models/x:generate'),
      ...no('a.example/models/*:generate', 'https://a.example/models/x:stream'),
      ...yes('a.example/', 'https://a.example', 'https://a.example/'),
      ...no('a.example/', 'https://a.example/x'),
      ...yes('a.example/search?q=*', 'https://a.example/search?other=1'),
      ...no('a.example/b.c', 'https://a.example/bxc'),
      ...yes('a.example/b+c', 'https://a.example/b+c'),
    ],
  },
  {
    title: 'Slashes',
    says: 'A final slash does not count, and several in a row are one; a backslash is a slash. An encoded slash is a letter.',
    cases: [
      ...yes('a.example/search', 'https://a.example/search/', 'https://a.example//search', 'https://a.example\\search'),
      ...yes('a.example/search/', 'https://a.example/search'),
      ...yes('a.example/v1/*', 'https://a.example/v1/'),
      ...no('a.example/v1/*', 'https://a.example/v1%2Fx'),
    ],
  },
  {
    title: 'Percent letters and dot segments',
    says: 'Letters that need no encoding stand for themselves, once; `.` and `..` are resolved, encoded or not.',
    cases: [
      ...yes('a.example/search', 'https://a.example/%73earch', 'https://a.example/s%65arch', 'https://a.example/x/../search', 'https://a.example/./search', 'https://a.example/x/%2e%2E/search', 'https://a.example/x/.%2e/search'),
      ...no('a.example/search', 'https://a.example/search/..', 'https://a.example/%2573earch'),
      ...no('a.example/safe/*', 'https://a.example/safe/../admin', 'https://a.example/safe/%2e%2e/admin', 'https://a.example/safe\\..\\admin'),
      ...yes('a.example/%73earch', 'https://a.example/search'),
      ...yes('a.example/x/../search', 'https://a.example/search'),
      ...yes('a.example/검색', 'https://a.example/%EA%B2%80%EC%83%89', 'https://a.example/%ea%b2%80%ec%83%89', 'https://a.example/검색'),
      ...yes('a.example/m:run', 'https://a.example/m%3Arun'),
    ],
  },
  {
    title: 'Port',
    says: 'Without a port a pattern means 80 and 443; another has to be named. A star stands for digits, and a host that ends in a star covers its ports.',
    cases: [
      ...yes('a.example', 'https://a.example:443/', 'http://a.example:80/'),
      ...no('a.example', 'https://a.example:8443/', 'http://a.example:8080/'),
      ...yes('a.example:8443', 'https://a.example:8443/x', 'http://a.example:8443/'),
      ...no('a.example:8443', 'https://a.example/', 'https://a.example:84430/', 'https://a.example/:8443'),
      ...yes('a.example:443', 'https://a.example/'),
      ...no('a.example:443', 'http://a.example/'),
      ...yes('a.example:80/x', 'http://a.example/x'),
      ...yes('a.example:*/x', 'https://a.example/x', 'https://a.example:8443/x'),
      ...yes('127.0.0.1:48*', 'http://127.0.0.1:4801/'),
      ...yes('localhost*', 'http://localhost:3000/'),
      ...yes('127.0.0.1:4801/*', 'http://127.0.0.1:4801/a', 'http://127.0.0.1:4801'),
      ...no('127.0.0.1:4801/*', 'http://127.0.0.1:4802/a', 'http://127.0.0.1/a'),
    ],
  },
  {
    title: 'Scheme, user and final dot',
    says: 'None of them counts.',
    cases: [
      ...yes('https://API.tavily.com/Search', 'https://api.tavily.com/Search', 'http://api.tavily.com/Search'),
      ...yes('api.tavily.com', 'https://user:secret@api.tavily.com/', 'https://api.tavily.com./x', 'wss://api.tavily.com/x', 'http:/api.tavily.com/x', 'https:\\\\api.tavily.com\\x', 'api.tavily.com/x'),
      ...no('api.tavily.com', 'https://api.tavily.com@evil.example/', 'https://api.tavily.com%40evil.example/', 'https://evil.example\\@api.tavily.com/', 'ftp://api.tavily.com/'),
      ...yes('api.tavily.com./x', 'https://api.tavily.com/x'),
    ],
  },
  {
    title: 'Other scripts',
    says: 'Names in other scripts and their punycode are one; look-alikes are not.',
    cases: [
      ...yes('bücher.example', 'https://xn--bcher-kva.example/', 'https://BÜCHER.example/', 'https://b%C3%BCcher.example/'),
      ...yes('xn--bcher-kva.example', 'https://bücher.example/'),
      ...yes('*.bücher.example/*', 'https://api.xn--bcher-kva.example/x'),
      ...yes('api.exa.ai', 'https://ＡＰＩ.exa.ai/', 'https://api。exa。ai/', 'https://%61pi.exa.ai/'),
      ...no('api.exa.ai', 'https://аpi.exa.ai/'),
    ],
  },
  {
    title: 'Addresses',
    says: 'An IPv4 address is one however it is written, and so is an IPv6 address; brackets may be left out of a pattern without a port.',
    cases: [
      ...yes('93.184.216.34', 'http://93.184.216.34/', 'http://1572395042/', 'http://0x5db8d822/', 'http://0135.0270.0330.042/', 'http://93.184.55330/', 'http://[::ffff:93.184.216.34]/', 'http://[::ffff:5db8:d822]/'),
      ...no('93.184.216.34', 'http://93.184.216.35/'),
      ...yes('[2001:db8::5]:8080/*', 'http://[2001:db8::5]:8080/x', 'http://[2001:DB8:0:0:0:0:0:5]:8080/'),
      ...yes('2001:db8::5', 'http://[2001:db8::5]/'),
      ...no('[2001:db8::5]', 'http://[2001:db8::6]/'),
      ...yes('10.0.*', 'http://10.0.3.4:8080/'),
    ],
  },
  {
    title: 'This machine',
    says: 'All its names and addresses are one host: `localhost` and what is below it, 127.0.0.0/8, 0.0.0.0, `[::1]` and `[::]`. The port tells services apart.',
    cases: [
      ...yes('127.0.0.1:4801/*', 'http://localhost:4801/a', 'http://LOCALHOST.:4801/a', 'http://app.localhost:4801/', 'http://127.0.0.2:4801/', 'http://127.1:4801/', 'http://0x7f000001:4801/'),
      ...yes('127.0.0.1:4801/*', 'http://2130706433:4801/', 'http://0177.0.0.1:4801/', 'http://0.0.0.0:4801/', 'http://0:4801/', 'http://[::1]:4801/', 'http://[::]:4801/', 'http://[::ffff:127.0.0.1]:4801/', 'http://ip6-localhost:4801/'),
      ...no('127.0.0.1:4801/*', 'http://localhost:4802/', 'http://localhost.example.com:4801/', 'http://192.168.0.1:4801/'),
      ...yes('localhost:4801', 'http://127.0.0.1:4801/'),
      ...yes('[::1]:4801', 'http://localhost:4801/'),
      ...yes('127.*', 'http://localhost:4801/'),
    ],
  },
];

/** Addresses that are no endpoint: what goes there counts as a destination that nobody knows. */
export const NOWHERE: readonly string[] = ['ftp://x.com/', 'http://', 'not a url at all', 'file:///etc/passwd', 'https://a.com\\@b.com/', 'http:8080/x', 'http://a.com:99999/', 'http://[::1/', `https://a.com/${'a'.repeat(5_000)}`];

/** Patterns that name nothing, or less than they look like, with what the configuration says of them. */
export const MISTAKEN: readonly (readonly [pattern: string, problem: string])[] = [
  ['/v1/*', 'names no host'],
  [':8080', 'names a host that cannot exist'],
  ['me@api.exa.ai', 'names a user'],
  ['ftp://api.exa.ai/*', 'is of the scheme ftp'],
  ['api.exa.ai:port', 'no host[:port]'],
  ['api.exa.ai:99999', 'names the port 99999'],
  ['api exa ai', 'names a host that cannot exist'],
  ['[::1', 'no host[:port]'],
  ['*/search', 'names the path /search alone, at any host'],
];
