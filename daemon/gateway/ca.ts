import type { SecureContext } from 'node:tls';
import { ensureCaPair, writeTrust, type CaFiles } from './ca-files.ts';
import { createLeafIssuer, LEAF_RENEW_MS, type LeafIssuer } from './leaf.ts';
import { trustedRoots } from './roots.ts';

export interface CaOptions {
  /** Owner-only, below `PAG0_HOME`. */
  dir: string;
  clock: () => number;
  /** What programs trust without us. */
  roots?: () => readonly string[];
  /** Hosts whose certificates are kept ready. */
  keep?: number;
}

/** A certificate authority of this user alone: nobody trusts it but the processes that are handed its certificate. */
export interface CertificateAuthority {
  /** Makes it, or finds it, and writes what others are to trust. Rejects when the folder cannot be written. */
  ready(): Promise<CaFiles>;
  contextFor(host: string): Promise<SecureContext>;
}

const KEEP = 512;

export function createCertificateAuthority({ dir, clock, roots = trustedRoots, keep = KEEP }: CaOptions): CertificateAuthority {
  /** In the order of their last use. */
  const leaves = new Map<string, { context: Promise<SecureContext>; until: number }>();
  const pair = once(() => ensureCaPair(dir, clock()));
  const issuer = once<LeafIssuer>(async () => createLeafIssuer(await pair()));

  return {
    // The system's roots may have changed since: a company's was added, one was withdrawn.
    ready: async () => writeTrust(dir, (await pair()).certificate, roots()),
    contextFor(host) {
      const now = clock();
      const known = leaves.get(host);
      const leaf = known !== undefined && now < known.until ? known : { context: issuer().then((made) => made.issue(host, now)), until: now + LEAF_RENEW_MS };
      leaves.delete(host);
      leaves.set(host, leaf);
      if (leaf !== known) leaf.context.catch(() => leaves.delete(host));
      if (leaves.size > keep) leaves.delete(leaves.keys().next().value!);
      return leaf.context;
    },
  };
}

/** One attempt at a time, kept when it succeeds: a full disk may have room again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
