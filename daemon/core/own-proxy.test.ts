import { describe, expect, it } from 'vitest';
import { isExcepted, ownProxiesIn, proxyAuthorization, proxyFor, withoutCredentials } from './own-proxy.ts';

const at = (host: string, port: number, more: object = {}) => ({ host, port, secure: false, credentials: null, ...more });

describe('the proxies of a person', () => {
  it.each<[string, Record<string, string>, object | null, object | null]>([
    ['none', {}, null, null],
    ['an empty one is none', { HTTPS_PROXY: '', https_proxy: '' }, null, null],
    ['one for https alone', { HTTPS_PROXY: 'http://corp:3128' }, null, at('corp', 3128)],
    ['small letters before capitals', { https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:2' }, null, at('a', 1)],
    ['one for all', { ALL_PROXY: 'corp:8080' }, at('corp', 8080), at('corp', 8080)],
    ["the scheme's own before the one for all", { all_proxy: 'a:1', http_proxy: 'b:2' }, at('b', 2), at('a', 1)],
    ['HTTP_PROXY, which most programs read', { HTTP_PROXY: 'http://corp:1/' }, at('corp', 1), null],
    ['without a port', { http_proxy: 'http://corp', https_proxy: 'https://corp' }, at('corp', 1080), at('corp', 443, { secure: true })],
    ['with credentials', { https_proxy: 'http://us%40er:p%3Aw@corp:3128' }, null, at('corp', 3128, { credentials: { user: 'us@er', password: 'p:w' } })],
    ['with an @ that nobody wrote otherwise', { https_proxy: 'http://user:p@ss@corp:3128' }, null, at('corp', 3128, { credentials: { user: 'user', password: 'p@ss' } })],
    ['with a name alone', { https_proxy: 'http://user@corp:3128' }, null, at('corp', 3128, { credentials: { user: 'user', password: '' } })],
    ['by an IPv6 address', { https_proxy: 'http://[2001:db8::5]:3128/' }, null, at('2001:db8::5', 3128)],
  ])('%s', (_name, env, http, https) => {
    const { proxies, unknown } = ownProxiesIn(env);
    expect([proxies?.http ?? null, proxies?.https ?? null, unknown]).toEqual([http, https, null]);
  });

  it.each(['socks5://user:pw@corp:1080', 'socks5h://corp', 'SOCKS4://corp:1', 'http://', 'http://corp:99999', 'http://corp:x'])('is not guessed where it is of another kind: %s', (text) => {
    expect(ownProxiesIn({ https_proxy: text })).toEqual({ proxies: null, unknown: withoutCredentials(text) });
    expect(withoutCredentials(text)).not.toContain('pw');
  });

  it('is shown its credentials and nobody else', () => {
    const { proxies } = ownProxiesIn({ https_proxy: 'http://user:pw@corp:3128' });
    expect(proxyAuthorization(proxies!.https!)).toBe(`Basic ${Buffer.from('user:pw').toString('base64')}`);
    expect(proxyAuthorization(at('corp', 1))).toBeNull();
  });
});

describe('what goes past them', () => {
  it.each<[string, string, boolean]>([
    ['api.example.com', '', false],
    ['api.example.com', '*', true],
    ['api.example.com', 'example.com', true],
    ['api.example.com', '.example.com', true],
    ['example.com', '.example.com', true],
    ['notexample.com', 'example.com', false],
    ['api.example.com', 'localhost, EXAMPLE.com', true],
    ['api.example.com', 'localhost example.com', true],
    ['api.example.com', 'example.com.', true],
    ['api.example.com.', 'example.com', true],
    ['api.example.com', 'api', false],
    ['api.example.com', '*.example.com', false],
    ['api.example.com', 'api.example.com:443', false],
    ['10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '2.3', false],
    ['127.0.0.2', '127.0.0.1', false],
    ['2001:db8::5', '2001:db8::/32', true],
    ['[2001:db8::5]', '2001:0db8:0:0::5', true],
    ['2001:db9::5', '[2001:db8::]/32', false],
    ['::1', '::1', true],
    ['api.example.com', '10.0.0.0/8,*,x', false],
  ])('%s by %j: %s', (host, except, covered) => {
    expect(isExcepted(host, except)).toBe(covered);
  });

  it('goes by its scheme', () => {
    const { proxies } = ownProxiesIn({ https_proxy: 'a:1', http_proxy: 'b:2', no_proxy: 'x.com' });
    expect(proxyFor(proxies, { host: 'y.com', secure: true })).toMatchObject({ host: 'a' });
    expect(proxyFor(proxies, { host: 'y.com', secure: false })).toMatchObject({ host: 'b' });
    expect(proxyFor(proxies, { host: 'x.com', secure: false })).toBeNull();
    expect(proxyFor(null, { host: 'y.com', secure: true })).toBeNull();
  });
});
