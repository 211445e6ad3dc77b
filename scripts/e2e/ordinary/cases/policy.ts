import { type Case, type Difference, SAYS_PROXY_CONNECTION } from '../case.ts';

const API = 'http://api.example';
const TLS = 'https://api.example';
const plain = (run: string): Case => ({ run });

/** What the plan's configuration says: one path has a price, three of it are affordable, and one that is kept has a price, too. */
export const POLICY_CONFIG = {
  policy: { sessionBudget: '$0.04' },
  prices: [
    { endpoint: 'api.example/counter', price: '$0.01' },
    { endpoint: 'api.example/fresh', price: '$0.01' },
  ],
  cache: { enabled: true, ttlRules: [{ pattern: '.*api\\.example/counter.*', ttl: 0 }] },
};

const REFUSED: Difference = { because: 'the budget is spent', of: ['text', 'failed', 'requests'] };
const FROM_THE_CACHE: Difference = { because: 'it was paid for once', of: ['requests'] };

export const POLICY: readonly Case[] = [
  plain(`curl -s ${API}/counter`),
  plain(`curl -s -d tell=me ${API}/counter -i`),
  plain(`curl -s ${API}/plain`),
  plain(`curl -s ${TLS}/plain -i`),
  plain(`curl -s ${API}/fresh`),
  { run: `curl -s ${API}/fresh -o kept.txt -w '%{http_code}\\n'`, name: 'the same once more', differs: { ...FROM_THE_CACHE, of: ['requests', 'files'] } },
  plain('curl -s http://other.example/counter'),
  plain(`python3 -c 'import urllib.request as u; print(u.urlopen("${TLS}/counter").read().decode())'`),
  { run: `python3 -c 'import urllib.request as u; print(u.urlopen("${TLS}/counter").read().decode())' 2> /dev/null; echo after`, differs: REFUSED },
  plain(`curl -s ${API}/echo`),
  plain(`curl -s ${TLS}/echo`),
  { run: `wget -qO- ${TLS}/echo`, differs: SAYS_PROXY_CONNECTION },
  plain(`curl -s -X LIST ${API}/method`),
  plain('for i in 1 2 3; do curl -s http://other.example/etag; done'),
  plain('git ls-remote https://git.example:8453/smart.git HEAD'),
  plain('ls; git status --short | wc -l'),
];
