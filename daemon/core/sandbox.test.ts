import { describe, expect, it } from 'vitest';
import { exitOf, letsOut, NO_SANDBOX, type Sandbox } from './sandbox.ts';

const sandbox = (allowed: string[], denied: string[] = []): Sandbox => ({ ...NO_SANDBOX, exit: 'pag0', allowed, denied });
const to = (host: string, port = 443) => ({ host, port });

describe("the sandbox's domains", () => {
  it.each([
    ['api.example.com', 'api.example.com', 443, 'yes'],
    ['API.Example.com', 'api.example.com', 443, 'yes'],
    ['example.com', 'api.example.com', 443, 'unlisted'],
    ['*.example.com', 'a.b.example.com', 443, 'yes'],
    ['*.example.com', 'example.com', 443, 'unlisted'],
    ['*.example.com', 'notexample.com', 443, 'unlisted'],
    ['example.com:8443', 'example.com', 8443, 'yes'],
    ['example.com:8443', 'example.com', 443, 'unlisted'],
    ['*', 'example.com', 443, 'yes'],
    ['*:22', 'example.com', 443, 'unlisted'],
    ['127.0.0.1', '127.0.0.1', 4801, 'yes'],
    ['[::1]:80', '::1', 80, 'yes'],
    ['::1', '::1', 80, 'yes'],
    ['[::1]:80', '::1', 443, 'unlisted'],
    ['', 'example.com', 443, 'unlisted'],
  ] as const)('%s and %s:%i: %s', (pattern, host, port, expected) => {
    expect(letsOut(sandbox([pattern]), to(host, port), 'default')).toBe(expected);
  });

  it('deny before they allow', () => {
    expect(letsOut(sandbox(['*.example.com'], ['no.example.com']), to('no.example.com'), 'bypassPermissions')).toBe('denied');
  });

  it('let nothing out where the client would ask a person, and everything where it never asks and no list is there', () => {
    for (const mode of [null, 'default', 'plan', 'acceptEdits']) expect(letsOut(sandbox([]), to('example.com'), mode)).toBe('unlisted');
    expect(letsOut(sandbox([]), to('example.com'), 'bypassPermissions')).toBe('yes');
    expect(letsOut(sandbox(['a.example.com']), to('example.com'), 'bypassPermissions')).toBe('unlisted');
  });
});

describe('the way out of a call', () => {
  const outside = { command: 'curl x', dangerouslyDisableSandbox: true };

  it("is the sandbox's, unless the model asks to leave it and may", () => {
    expect(exitOf(sandbox([]), { command: 'curl x' })).toBe('pag0');
    expect(exitOf(sandbox([]), outside)).toBe('open');
    expect(exitOf({ ...sandbox([]), mayLeave: false }, outside)).toBe('pag0');
    expect(exitOf(NO_SANDBOX, { command: 'curl x' })).toBe('open');
  });
});
