import { describe, expect, test } from 'vitest';
import { readShell } from '../shell/syntax.ts';
import { classify } from './classify.ts';
import type { Call } from './call.ts';

function calls(tool: string, input: Record<string, unknown>): readonly Call[] {
  return classify(tool, input, readShell);
}

function shown(command: string): string[] {
  return calls('Bash', { command }).map(({ program, method, endpoint, known, times }) => {
    const notes = [...(known ? [] : ['unknown']), ...(endpoint?.local === true ? ['local'] : [])];
    return [program, method, endpoint?.name ?? '?', `x${times}`, ...notes].join(' ');
  });
}

describe('A tool of the client', () => {
  test('WebFetch is one request, and http is the same endpoint as https', () => {
    const [call] = calls('WebFetch', { url: 'http://Docs.a.com/x?y=1', prompt: 'p' });
    const endpoint = { name: 'docs.a.com/x', host: 'docs.a.com', hostname: 'docs.a.com', port: 443, path: '/x', local: false };
    expect(call).toEqual({ tool: 'WebFetch', method: 'GET', endpoint, known: true, times: 1 });
    expect(calls('WebFetch', { url: 'https://docs.a.com/x' })[0]!.endpoint).toEqual(call!.endpoint);
  });

  const unfetchable = [{}, { url: 7 }, { url: '' }, { url: 'not a url' }, { url: 'ftp://a.com' }, { url: 'http://' }];
  test.each(unfetchable.map((input) => [input]))('WebFetch without a URL it could fetch is a call to nowhere known: %j', (input) => {
    expect(calls('WebFetch', input)).toEqual([{ tool: 'WebFetch', method: 'GET', endpoint: null, known: false, times: 1 }]);
  });

  test.each(['WebSearch', 'mcp__exa__search', 'mcp__a__b__c'])('%s is one call without an endpoint', (tool) => {
    expect(calls(tool, { query: 'x' })).toEqual([{ tool, method: 'CALL', endpoint: null, known: true, times: 1 }]);
  });

  test.each(['Read', 'Edit', 'Task', 'Skill', 'BashOutput', 'mcp', '', 'constructor'])('%s makes no request', (tool) => {
    expect(calls(tool, { url: 'https://a.com', command: 'curl https://a.com' })).toEqual([]);
  });
});

describe('A Bash command', () => {
  test.each<[string, ...string[]]>([
    ['git status'],
    ['curl https://API.exa.ai/search?q=$Q', 'curl GET api.exa.ai/search x1'],
    ['curl http://127.0.0.1:4801/v1 localhost:3000', 'curl GET 127.0.0.1:4801/v1 x1 local', 'curl GET localhost:3000/ x1 local'],
    ['curl "http://localhost:$PORT/x"', 'curl GET localhost/x x1 unknown local'],
    ['curl https://a.com/$ID', 'curl GET a.com/* x1 unknown'],
    ['curl $URL', 'curl GET ? x1 unknown'],
    ['curl "https://a b"', 'curl GET ? x1 unknown'],
    ['for q in a b c; do curl "https://a.com/s?q=$q"; done', 'curl GET a.com/s x3'],
    ['curl https://a.com; curl -d x https://a.com; curl http://a.com; wget https://a.com', 'curl GET a.com/ x2', 'curl POST a.com/ x1', 'wget GET a.com/ x1'],
    ['curl https://a.com; while x; do curl https://a.com; done', 'curl GET a.com/ x1', 'curl GET a.com/ x1 unknown'],
    ['curl $A; wget $B', 'curl GET ? x1 unknown', 'wget GET ? x1 unknown'],
    ['python3 -c "import requests"'],
  ])('%s', (command, ...expected) => {
    expect(shown(command)).toEqual(expected);
  });

  test.each([[{}], [{ command: 1 }], [{ command: null }]])('that is not there makes no request: %j', (input) => {
    expect(calls('Bash', input)).toEqual([]);
  });

  test('that cannot be read is one unknown call when it mentions a client, else none', () => {
    expect(shown('curl https://a.com "')).toEqual(['curl * ? x1 unknown']);
    expect(shown(`${'curl https://a.com; '.repeat(1001)}`)).toEqual(['curl * ? x1 unknown']);
    expect(shown(`: ${'x'.repeat(70_000)} && wget https://a.com`)).toEqual(['wget * ? x1 unknown']);
    expect(shown('for f (*.ts) print $f "')).toEqual([]);
  });
});
