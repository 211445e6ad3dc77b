import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { ownWayFile, readOwnWay, type OwnWay } from '../contract/own-way.ts';
import { proxyFor } from '../core/own-proxy.ts';
import type { FindWayOut } from '../ports.ts';
import { certificatesIn } from './roots.ts';

export interface WaysOutOptions {
  home: string;
  /** What the ways are sealed with. */
  token: string;
  /** Whom everybody trusts. */
  roots(): readonly string[];
}

/** Files looked at in a folder of certificates, and contexts kept. */
const MAX_FILES = 500;
const MAX_KEPT = 16;

/**
 * The way out of each session: by its person's proxies, and trusting whom its programs trust. What they were told is kept beside the
 * session's environment (`contract/own-way.ts`) and read again when it has changed.
 */
export function createWaysOut({ home, token, roots }: WaysOutOptions): FindWayOut {
  const ways = new Map<string, { at: number; way: OwnWay | null }>();
  const contexts = new Map<string, SecureContext>();

  function wayOf(session: string): OwnWay | null {
    const file = ownWayFile(home, session);
    const at = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const known = ways.get(session);
    if (known?.at === at) return known.way;
    const way = at === 0 ? null : readOwnWay(file, token);
    ways.delete(session);
    ways.set(session, { at, way });
    if (ways.size > 500) ways.delete(ways.keys().next().value!);
    return way;
  }

  /** Made once for the same files: reading a hundred certificates for each connection costs more than the handshake. */
  function trustOf(paths: readonly string[]): { name: string; context: SecureContext } | null {
    const files = paths.flatMap(filesAt);
    if (files.length === 0) return null;
    const name = files.map(({ path, state }) => `${path} ${state}`).join('\n');
    let context = contexts.get(name);
    if (context === undefined) {
      context = createSecureContext({ ca: [...new Set([...roots(), ...files.flatMap(({ path }) => certificatesIn(path))])] });
      contexts.set(name, context);
      if (contexts.size > MAX_KEPT) contexts.delete(contexts.keys().next().value!);
    }
    return { name, context };
  }

  return (session, to) => {
    const way = session === undefined ? null : wayOf(session);
    if (way === null) return STRAIGHT;
    const proxy = proxyFor(way.proxies, to);
    const trust = trustOf(way.trust);
    return { proxy, trust: trust?.context, name: `${proxy === null ? '' : JSON.stringify(proxy)} ${trust?.name ?? ''}` };
  };
}

export const STRAIGHT = { proxy: null, trust: undefined, name: ' ' };

function filesAt(path: string): { path: string; state: string }[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [{ path, state: `${stat.mtimeMs} ${stat.size}` }];
  try {
    return readdirSync(path).slice(0, MAX_FILES).flatMap((name) => filesIn(join(path, name)));
  } catch {
    return [];
  }
}

function filesIn(path: string): { path: string; state: string }[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? [{ path, state: `${stat.mtimeMs} ${stat.size}` }] : [];
}
