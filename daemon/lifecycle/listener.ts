import type { IncomingMessage, RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { ROUTES } from '../contract/routes.ts';
import { writePlain, type PlainAnswer } from '../http/plain.ts';
import type { Fetch } from './door.ts';

export interface ListenerOptions {
  door: Fetch;
  /** null while the daemon starts or ends: then the door says so. */
  hook(): ((incoming: IncomingMessage) => Promise<PlainAnswer>) | null;
  /** True while it ends: a connection that is kept would go on talking to it after another daemon has taken the port. */
  leaving(): boolean;
}

/** Who a request on the daemon's port is for: the client's hooks, which skip every layer they can, or the door. */
export function createListener({ door, hook, leaving }: ListenerOptions): RequestListener {
  const toDoor = getRequestListener(async (request, env) => {
    const answer = await door(request, env);
    if (leaving()) answer.headers.set('connection', 'close');
    return answer;
  });
  return (incoming, outgoing) => {
    const answer = incoming.url === ROUTES.hook && incoming.method === 'POST' ? hook() : null;
    if (answer === null) return void toDoor(incoming, outgoing);
    void answer(incoming).then((plain) => {
      if (leaving()) outgoing.setHeader('connection', 'close');
      writePlain(outgoing, plain);
    });
  };
}
