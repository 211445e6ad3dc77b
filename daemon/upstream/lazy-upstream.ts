import type { Upstream } from '../ports.ts';
import { UpstreamError } from './upstream-error.ts';
import type { UpstreamOptions } from './upstream.ts';

/**
 * The upstream, loaded when the first request needs it: most daemons start for a session that has none yet. One attempt at a
 * time, kept when it succeeds; a request for which there was none was not sent, so nobody can have been paid for it.
 */
export function lazyUpstream(options: () => UpstreamOptions): Upstream {
  let made: Promise<Upstream> | null = null;
  const get = (): Promise<Upstream> =>
    (made ??= import('./upstream.ts').then(({ createUpstream }) => createUpstream(options())).catch((error: unknown) => {
      made = null;
      throw new UpstreamError('UPSTREAM_FAILED', `Nothing can be sent: ${error instanceof Error ? error.message : String(error)}.`, { sent: false, cause: error });
    }));
  return {
    send: async (request, signal) => (await get()).send(request, signal),
    close: async () => {
      const upstream = await made?.catch(() => null);
      await upstream?.close();
    },
  };
}
