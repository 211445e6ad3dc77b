import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flightKey, lookUpKey, normalUrl, variantKey, varyNames, type KeyedRequest } from './cache-key.ts';
import { coverUrl, isSecretName } from './credentials.ts';

/** Nothing lost: keys are equal when all that goes into them is. */
const plain = (data: string | Uint8Array): string => (typeof data === 'string' ? data : `bytes:${Buffer.from(data).toString('hex')}`);
const PLACE = { scope: 'session:s', wallet: '' };
const request = (more: Partial<KeyedRequest> = {}): KeyedRequest => ({ method: 'GET', url: 'https://api.example/doc', fields: {}, body: null, ...more });
const key = (more: Partial<KeyedRequest> = {}, withBody = false, place = PLACE): string => lookUpKey(place, request(more), withBody, plain);
const json = (text: string, type = 'application/json'): Partial<KeyedRequest> => ({ method: 'POST', fields: { 'content-type': type }, body: Buffer.from(text) });

describe('a key', () => {
  it('is never shared by two credentials, in whichever field they come', () => {
    const field = fc.constantFrom('authorization', 'cookie', 'x-api-key', 'api-key', 'x-auth-token', 'x-goog-api-key', 'ocp-apim-subscription-key', 'x-session-id', 'apikey', 'x-amz-security-token');
    fc.assert(
      fc.property(fc.dictionary(field, fc.string(), { maxKeys: 4 }), fc.dictionary(field, fc.string(), { maxKeys: 4 }), (a, b) => {
        const sorted = (fields: Record<string, string>): string => JSON.stringify(Object.entries(fields).sort());
        return (key({ fields: a }) === key({ fields: b })) === (sorted(a) === sorted(b));
      }),
    );
  });

  it('knows no fields but credentials until a server names some', () => {
    expect(key({ fields: { 'user-agent': 'curl', accept: '*/*' } })).toBe(key());
  });

  it('is another for another scope, wallet, method and URL', () => {
    const keys = [key(), key({}, false, { ...PLACE, scope: 'user' }), key({}, false, { ...PLACE, wallet: '0x1' }), key({ method: 'POST' }), key({ url: 'https://api.example/doc?a=1&b=2' }), key({ url: 'https://api.example/doc?b=2&a=1' })];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('of a read with a body never depends on the order of its JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 }), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        return key(json(JSON.stringify(value)), true) === key(json(JSON.stringify(turned, null, 2)), true);
      }),
    );
  });

  it('takes JSON that curl sends as a form for JSON, and every other body by its bytes', () => {
    const form = 'application/x-www-form-urlencoded';
    expect(key(json('{"a":1,"b":2}', form), true)).toBe(key(json('{"b":2,"a":1}', form), true));
    expect(key(json('a=1&b=2', form), true)).not.toBe(key(json('b=2&a=1', form), true));
    expect(key(json('{"a":1,"b":2}', 'application/xml'), true)).not.toBe(key(json('{"b":2,"a":1}', 'application/xml'), true));
    expect(key(json('{"a":1}', 'application/json;charset=utf-8'), true)).toBe(key(json('{"a":1}'), true));
    expect(key(json('{"a":1}'), true)).not.toBe(key(json('{"a":1}', form), true));
    expect(key({ method: 'POST', body: Buffer.from([0xff]) }, true)).not.toBe(key({ method: 'POST', body: Buffer.from([0xfe]) }, true));
  });

  it('has the body only where the call is declared a read', () => {
    expect(key(json('{"a":1}'))).toBe(key({ ...json('{"a":2}') }));
    expect(key(json('{"a":1}'), true)).not.toBe(key(json('{"a":2}'), true));
  });
});

describe('a URL', () => {
  it.each([
    ['HTTPS://API.Example:443/a/../b/./c', 'https://api.example/b/c'],
    ['http://a.example:80', 'http://a.example/'],
    ['https://a.example/%7euser/%e4%2f', 'https://a.example/~user/%E4%2F'],
    ['https://a.example/x?q=%41%20b#part', 'https://a.example/x?q=A%20b'],
    ['http://[::1]:8080/', 'http://[::1]:8080/'],
  ])('%s is %s', (written, normal) => {
    expect(normalUrl(written)).toBe(normal);
  });

  it.each([
    ['https://a.example/x', 'https://a.example/X'],
    ['https://a.example/x', 'https://a.example/x/'],
    ['https://a.example/x', 'https://a.example/x?'],
    ['https://a.example/x?a=1&b=2', 'https://a.example/x?b=2&a=1'],
    ['https://a.example/a%2Fb', 'https://a.example/a/b'],
    ['http://a.example/', 'https://a.example/'],
    ['https://a.example/', 'https://a.example:8443/'],
  ])('%s is not %s', (one, two) => {
    expect(normalUrl(one)).not.toBe(normalUrl(two));
  });

  it('stays itself when it is normal already', () => {
    fc.assert(fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => normalUrl(normalUrl(url)) === normalUrl(url)));
  });

  it('is shown without what only its sender should know', () => {
    expect(coverUrl('https://me:pw@a.example/x?api_key=k&q=cats&access_token=t&X-Amz-Signature=s')).toBe('https://a.example/x?api_key=…&q=cats&access_token=…&X-Amz-Signature=…');
    expect(coverUrl('https://a.example/x?q=a@b')).toBe('https://a.example/x?q=a@b');
    expect(coverUrl('//me:p@w@a.example/x?q=1#access_token=t&part=2')).toBe('//a.example/x?q=1#access_token=…&part=2');
    expect(['accept', 'content-type', 'user-agent', 'keywords', 'monkey', 'x-request-id'].filter(isSecretName)).toEqual([]);
  });
});

describe('variants', () => {
  it('differ in what Vary names and in nothing else', () => {
    const variant = (fields: Record<string, string | string[]>): string => variantKey('k', ['accept', 'foo'], fields, plain);
    expect(variant({ accept: 'a', other: '1' })).toBe(variant({ accept: 'a', other: '2' }));
    expect(variant({ foo: '1,2' })).toBe(variant({ foo: [' 1', '2 '] }));
    expect(variant({ foo: '' })).not.toBe(variant({}));
    expect(variant({ foo: '"a, b"' })).not.toBe(variant({ foo: '"a,b"' }));
    expect(variantKey('k', ['accept-language'], { 'accept-language': 'EN, de' }, plain)).toBe(variantKey('k', ['accept-language'], { 'accept-language': 'en,de' }, plain));
    expect(variantKey('k', [], {}, plain)).toBe('k');
  });

  it('have names in one order, and none for *', () => {
    expect(varyNames({ vary: ['Foo, Accept', 'accept'] })).toEqual(['accept', 'foo']);
    for (const vary of ['*', '*, *', ', *', 'Foo, *', ['', '*']]) expect(varyNames({ vary })).toBeNull();
  });

  it('that a server could tell apart do not share a flight', () => {
    expect(flightKey('k', { accept: 'a' }, plain)).not.toBe(flightKey('k', { accept: 'b' }, plain));
    expect(flightKey('k', { 'x-tenant': 'a' }, plain)).not.toBe(flightKey('k', { 'x-tenant': 'b' }, plain));
    expect(flightKey('k', { traceparent: 'a' }, plain)).toBe(flightKey('k', {}, plain));
    expect(flightKey('k', { 'user-agent': 'a' }, plain)).toBe(flightKey('k', { 'user-agent': 'b' }, plain));
  });
});
