import { ownEnvironment } from './own-environment.ts';

type Env = Record<string, string | undefined>;

/** What a long-lived daemon may inherit. Whoever happens to start it, its surroundings are the same. */
const KEPT = /^(PATH|HOME|USER|LOGNAME|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|TEMP|TMP|TMPDIR|TZ|LANG|LC_[A-Z]+|NODE_EXTRA_CA_CERTS)$/i;

/**
 * pag0's own settings, but not the marks of one session or run: the daemon belongs to all of them. What opens the wallet goes
 * another way (`ensure.ts`).
 */
const OURS = /^PAG0_(?!PARENT_|RUN$|TICKET|WALLET_)/;

/** Read by npm only, when the driver has to be fetched (`ledger/driver.ts`); the daemon's own traffic takes no proxy. */
const FOR_FETCH = /^(https?_proxy|no_proxy|npm_config_(registry|cache|userconfig|cafile|strict_ssl|https?_proxy|proxy|noproxy))$/i;

export const FETCH_ENV = 'PAG0_FETCH_ENV';

/**
 * No CLAUDE* and no API key: the daemon needs neither, and a session that started it must not be the one it believes itself in.
 * No NODE_OPTIONS: a debugger or a preload of one project would follow every session.
 */
export function daemonEnv(env: Env, set: Record<string, string>): Record<string, string> {
  const kept: Record<string, string> = {};
  const fetch: Record<string, string> = {};
  // Started from a session: a daemon must not look for itself behind itself.
  for (const [name, value] of Object.entries(ownEnvironment(env))) {
    if (value === undefined) continue;
    if (KEPT.test(name) || OURS.test(name)) kept[name] = value;
    else if (FOR_FETCH.test(name)) fetch[name] = value;
  }
  if (Object.keys(fetch).length > 0) kept[FETCH_ENV] = JSON.stringify(fetch);
  return { ...kept, ...set };
}
