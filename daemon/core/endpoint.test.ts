import { describe, expect, it } from 'vitest';
import { endpointOf } from './endpoint.ts';
import { isLocalHost } from './local-host.ts';
import { NOWHERE } from './endpoint-pattern.fixture.ts';

describe('an endpoint', () => {
  it.each([
    ['https://API.Tavily.com/search?q=1#x', 'api.tavily.com/search'],
    ['https://api.exa.ai', 'api.exa.ai/'],
    ['http://127.0.0.1:4801/v1/chat', '127.0.0.1:4801/v1/chat'],
    ['https://user:secret@api.exa.ai:443/a', 'api.exa.ai/a'],
    ['api.exa.ai/search', 'api.exa.ai/search'],
    ['http://[::1]:80/x', '[::1]/x'],
  ])('%s is %s', (url, name) => {
    expect(endpointOf(url)?.name).toBe(name);
  });

  it.each(NOWHERE)('%s is none', (url) => {
    expect(endpointOf(url)).toBeNull();
  });

  it.each(['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '[::1]', '::', 'fd00::1', 'fe80::1', '::ffff:127.0.0.1', '::ffff:7f00:1', 'printer', 'nas.local', 'db.internal'])(
    '%s is the developer’s own',
    (host) => {
      expect(isLocalHost(host)).toBe(true);
    },
  );

  it.each(['api.exa.ai', '8.8.8.8', '172.32.0.1', '100.128.0.1', '11.0.0.1', '2606:4700::1', '::ffff:8.8.8.8', 'localhost.example.com'])('%s is out in the world', (host) => {
    expect(isLocalHost(host)).toBe(false);
  });

  it('sees through other spellings of loopback', () => {
    for (const url of ['http://0x7f000001/', 'http://2130706433/', 'http://127.1/', 'http://LOCALHOST:3000/']) expect(endpointOf(url)?.local).toBe(true);
  });
});
