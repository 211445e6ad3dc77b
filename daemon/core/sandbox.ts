/** The client's Bash sandbox, as far as the way of a request depends on it. */
export interface Sandbox {
  /** Where the network of a command in it ends: nowhere in particular, at pag0, or at another proxy and past pag0. */
  exit: 'open' | 'pag0' | 'other';
  /** The model may ask for a command to be run outside. */
  mayLeave: boolean;
  /** `api.example.com`, `*.example.com`, either with `:port`. */
  allowed: readonly string[];
  denied: readonly string[];
}

export const NO_SANDBOX: Sandbox = { exit: 'open', mayLeave: true, allowed: [], denied: [] };

/** Where the network of one Bash call ends. */
export function exitOf(sandbox: Sandbox, input: Readonly<Record<string, unknown>>): Sandbox['exit'] {
  return input['dangerouslyDisableSandbox'] === true && sandbox.mayLeave ? 'open' : sandbox.exit;
}

/**
 * Whether the sandbox lets a request out. The client asks its own proxy this; another proxy that is named in its
 * settings it asks nothing, so that one has to. Where nothing is said about a host the client would ask the person,
 * which nobody can from here, and lets everything pass where it never asks (`bypassPermissions`); a list that is there
 * holds all the same.
 */
export function letsOut({ allowed, denied }: Sandbox, to: { host: string; port: number }, permissionMode: string | null): 'yes' | 'denied' | 'unlisted' {
  const names = (pattern: string): boolean => namesDomain(pattern, to);
  if (denied.some(names)) return 'denied';
  if (allowed.some(names) || (allowed.length === 0 && permissionMode === 'bypassPermissions')) return 'yes';
  return 'unlisted';
}

/** As the client reads it: `*.example.com` is every host below example.com and not that host itself. */
function namesDomain(pattern: string, { host, port }: { host: string; port: number }): boolean {
  const [, name, ownPort] = /^(\[.*\]|[^:]*|.*:.*:.*?)(?::([1-9]\d{0,4}))?$/.exec(pattern.trim().toLowerCase()) ?? [];
  if (name === undefined || (ownPort !== undefined && Number(ownPort) !== port)) return false;
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  if (bare === '*') return true;
  return bare.startsWith('*.') ? host.endsWith(bare.slice(1)) : host === bare;
}
