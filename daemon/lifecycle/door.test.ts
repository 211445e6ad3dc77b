import { describe, expect, it } from 'vitest';
import { createDoor, type DoorOptions } from './door.ts';

function door(
  isOpen: boolean,
): (url: string, method?: string) => Promise<{ status: number; body: unknown }> {
  const never = (): never => {
    throw new Error('nobody asks for this');
  };
  const options: DoorOptions = {
    token: 't',
    check: never,
    clock: () => 0,
    hello: never,
    status: never,
    stop: never,
    app: () => (isOpen ? () => new Response('app') : null),
    forged: never,
  };
  const fetch = createDoor(options);
  return async (url, method = 'GET') => {
    const absolute = url.startsWith('/') ? `http://127.0.0.1:4402${url}` : url;
    const answer = await fetch(new Request(absolute, { method }), { incoming: { url, method } });
    return { status: answer.status, body: await answer.json() };
  };
}

/**
 * What MCP clients look for before they connect, and what browsers and scanners ask of any port.
 */
const ABSENT = [
  '/',
  '/favicon.ico',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/register',
  '/authorize',
  '/token',
  '/mcp',
  '/mcpx/https/a.example/',
  '/hookx',
  '/.well-known/oauth-protected-resource?x=/mcp/',
];

describe('a path that the daemon does not have', () => {
  it.each(ABSENT)('is answered 404 and not as a server out of order: %s', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      expect(await door(true)(path, method)).toEqual({
        status: 404,
        body: { error: { code: 'NOT_FOUND', message: 'pag0 has nothing at this path.' } },
      });
    }
  });

  it.each(ABSENT.filter((path) => !path.startsWith('/hook')))(
    'also while the daemon starts or ends: %s',
    async (path) => {
      expect((await door(false)(path)).status).toBe(404);
    },
  );

  it.each([
    '/hook',
    '/mcp/https/a.example/mcp',
    '/.well-known/oauth-protected-resource/mcp/https/a.example/mcp',
    'http://a.example/',
    'http://a.example/mcp',
  ])('is none of what it will have in a moment: %s', async (path) => {
    expect(await door(false)(path, 'POST')).toMatchObject({
      status: 503,
      body: { error: { code: 'DRAINING' } },
    });
  });
});
