import { describe, expect, it } from 'vitest';
import { relocated, targetOf, type McpTarget } from './target.ts';

describe('a proxied address', () => {
  it.each([
    ['/mcp/https/api.example.com/mcp', 'https://api.example.com/mcp'],
    ['/mcp/https/API.example.com:443/a%2Fb/../c?x=1&y=%20', 'https://api.example.com/a%2Fb/../c?x=1&y=%20'],
    ['/mcp/http/127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp'],
    ['/mcp/http/[::1]:3000', 'http://[::1]:3000/'],
    ['/mcp/https/api.example.com?key=1', 'https://api.example.com/?key=1'],
  ])('%s means %s', (path, url) => {
    expect(targetOf(path, 4402)).toMatchObject({ url });
  });

  it.each(['/mcp/', '/mcp/https/', '/mcp/ftp/x.example/', '/mcp/https//x', '/mcp/https/user@x.example/', '/mcp/https/x.example/#f', '/mcp/https/x..example/'])('%s means nobody', (path) => {
    expect(targetOf(path, 4402)).toMatchObject({ problem: { code: 'BAD_REQUEST' } });
  });

  it.each(['http/127.0.0.1:4402/mcp', 'http/localhost:4402/mcp/http/x', 'https/127.1:4402/', 'http/0x7f000001:4402/', 'http/0.0.0.0:4402/', 'http/[::1]:4402/', 'http/[::ffff:127.0.0.1]:4402/', 'https/a.localhost:4402/'])('%s would lead back to the daemon', (path) => {
    expect(targetOf(`/mcp/${path}`, 4402)).toMatchObject({ problem: { code: 'GATEWAY_LOOP', status: 508 } });
  });

  it.each(['169.254.169.254/latest', '10.0.0.1/', '192.168.1.1:8080/', '0.0.0.0:3000/', 'example.com/mcp', '127.example.com/', 'a.localhost/', '[fe80::1]/', '[::ffff:10.0.0.1]/'])('http to %s is refused: without TLS there is this machine alone', (path) => {
    expect(targetOf(`/mcp/http/${path}`, 4402)).toMatchObject({ problem: { code: 'BAD_REQUEST', message: expect.stringContaining('/mcp/https/') as string } });
  });

  it.each(['localhost:3000/', '127.0.0.1/', '127.8.9.10:3000/', '127.1:3000/', '[::1]:3000/'])('http to %s is this machine', (path) => {
    expect(targetOf(`/mcp/http/${path}`, 4402)).toHaveProperty('url');
  });

  it('is kept by a redirect within the server, and by no other', () => {
    const target = targetOf('/mcp/https/api.example.com/mcp', 4402) as McpTarget;
    expect(relocated('/mcp/', target)).toBe('/mcp/https/api.example.com/mcp/');
    expect(relocated('https://api.example.com/v2?x=1', target)).toBe('/mcp/https/api.example.com/v2?x=1');
    for (const away of ['https://other.example/mcp', 'http://api.example.com/mcp', '//other.example', 'http://[']) expect(relocated(away, target)).toBe(away);
  });
});
