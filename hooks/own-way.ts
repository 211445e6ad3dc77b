import { isAbsolute, join } from 'node:path';
import type { OwnWay } from '../daemon/contract/own-way.ts';
import { isExcepted, ownProxiesIn } from '../daemon/core/own-proxy.ts';
import { TRUST_FILES } from './trust.ts';

type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLE = /^(?:https?|all)_proxy$/i;

/** What of a person's own proxies a session's script has to know, to lead programs to us in their place. */
export interface Led {
  /** By name, what stands behind the credentials; a shell that has another value there is led by somebody else. */
  proxies: Readonly<Record<string, string>>;
  /** What the person excepts, as the variable has it, and the same without what would lead past us to a host that the rules name. */
  except: { is: string; becomes: string } | null;
}

/** How the client's programs reach the network without pag0. `unknown`: by a proxy that we cannot pass on to. */
export function ownWayIn(env: Env, cwd: string): OwnWay & { unknown: string | null } {
  const named = [...TRUST_FILES, 'SSL_CERT_DIR'].flatMap((name) => (name === 'SSL_CERT_DIR' ? (env[name] ?? '').split(':') : [env[name] ?? '']));
  const trust = [...new Set(named.filter((path) => path !== '').map((path) => (isAbsolute(path) ? path : join(cwd, path))))];
  return { ...ownProxiesIn(env), trust };
}

export function ledIn(env: Env, { unknown }: { unknown: string | null }, named: readonly string[]): Led {
  const set = Object.entries(env).filter(([name, value]) => PROXY_VARIABLE.test(name) && value !== undefined && value !== '');
  const is = env['no_proxy'] || env['NO_PROXY'] || '';
  const becomes = is.split(/[\s,]+/).filter((entry) => entry !== '' && !named.some((host) => coversSome(entry, host))).join(',');
  return {
    proxies: unknown !== null ? {} : Object.fromEntries(set.map(([name, value]) => [name, value!.slice(value!.lastIndexOf('@') + 1)])),
    except: is === '' ? null : { is, becomes },
  };
}

/** Whether an exception covers a host that a rule names, or some of those that its star stands for. */
function coversSome(entry: string, host: string): boolean {
  const name = host.replace(/:(?:\d+|\*)$/, '');
  if (entry === '*' || isExcepted(name.replaceAll('*', 'x'), entry)) return true;
  const some = new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, (one) => (one === '*' ? '.*' : `\\${one}`))}$`, 'i');
  return name.includes('*') && some.test(entry.replace(/^\./, ''));
}
