import { afterAll, beforeAll, expect, it } from 'vitest';
import { unlessDraining } from '../assemble.ts';
import { createStage, raw, type Stage } from './stage.fixture.ts';

let stage: Stage;
let host: string;
let draining = false;

beforeAll(async () => {
  stage = await createStage();
  host = new URL(await stage.serve((_incoming, outgoing) => outgoing.end('hello'))).host;
  Object.assign(stage.governor, unlessDraining({ ...stage.governor }, () => draining));
});
afterAll(() => stage.close());

it('a tunnel that stands starts nothing new once the daemon is being replaced', async () => {
  const within = async (text: string): Promise<string[]> => {
    draining = false;
    const got = await raw(stage.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n${text}`);
    return got.match(/HTTP\/1.1 \d+|begun before|"DRAINING"/g)!;
  };
  stage.governor.answer = async () => {
    draining = true;
    return { status: 200, fields: {}, body: Buffer.from('begun before') };
  };
  const get = `GET /x HTTP/1.1\r\nHost: ${host}\r\n`;
  expect(await within(`${get}\r\n${get}Connection: close\r\n\r\n`)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'begun before', 'HTTP/1.1 503', '"DRAINING"']);
  expect(stage.governor.seen).toHaveLength(1);
  const { passage } = stage.governor;
  stage.governor.passage = async (asker, authority) => {
    const found = await passage(asker, authority);
    draining = true;
    return found;
  };
  expect(await within(`${get}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503', '"DRAINING"']);
  expect(stage.governor.sockets).toEqual([]);
});

it('what is only passed on is passed on to the last', async () => {
  draining = true;
  stage.governor.rule = 'tunnel';
  expect(await stage.governor.passage(null, { host: 'a.example', port: 443, secure: true })).toEqual({ passage: 'tunnel' });
});
