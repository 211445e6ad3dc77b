import type { Upstream } from '../ports.ts';
import type { UpstreamOptions } from './upstream.ts';

/** The upstream, loaded when the first request needs it: most daemons start for a session that has none yet. */
export function lazyUpstream(options: () => UpstreamOptions): Upstream {
  let made: Promise<Upstream> | null = null;
  const get = (): Promise<Upstream> => (made ??= import('./upstream.ts').then(({ createUpstream }) => createUpstream(options())));
  return {
    send: async (request, signal) => (await get()).send(request, signal),
    close: async () => {
      if (made !== null) await (await made).close();
    },
  };
}
