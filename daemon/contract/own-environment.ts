import { dirname } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** What stood in a variable before pag0 set it; see `hooks/session-env.ts`. */
export const WAS = 'PAG0_TICKET_WAS_';

/**
 * An environment as it would be without pag0: what a session's script has set is taken back, and what it stands in for is put there
 * again. For whoever runs in a shell of a session and must not take our proxy, or our files, for the person's.
 */
export function ownEnvironment(env: Env): Record<string, string | undefined> {
  const { PAG0_TICKET_CA: ca, PAG0_TICKET_PROXY: proxy } = env;
  if (ca === undefined || ca === '') return { ...env };
  const home = dirname(dirname(ca));
  const isOurs = (name: string, value: string): boolean =>
    value === proxy ||
    (proxy !== undefined && /^no_proxy$/i.test(name)) ||
    [`${home}/ca/`, `${home}/environment/`].some((folder) => value.startsWith(folder) || value.endsWith(`:${folder}hashed`)) ||
    (name === 'NODE_USE_ENV_PROXY' && env['PAG0_TICKET_NODE'] === '1');
  const own: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('PAG0_TICKET_')) continue;
    if (value === undefined || !isOurs(name, value)) own[name] = value;
    else if (env[WAS + name] !== undefined) own[name] = env[WAS + name];
  }
  return own;
}
