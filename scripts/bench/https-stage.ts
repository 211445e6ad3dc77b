import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { caFiles } from '../../daemon/gateway/ca-files.ts';
import type { Way } from './connection.ts';
import { FAR, startDaemon, type BenchDaemon } from './daemon.ts';
import { startSeller } from './seller.ts';
import { makeTestCa } from './test-ca.ts';
import { credentialsFor } from './credentials.ts';

/** A seller whose certificate a test CA signs, and a daemon that believes that CA. */
export interface HttpsStage {
  authority: string;
  daemon: BenchDaemon;
  /** PEM: who signs the seller's certificate. */
  ca: string;
  /** Straight to the seller, TLS with it. */
  direct: Way;
  /** Through the gateway, TLS with the seller. */
  tunnel: Way;
  /** Through the gateway with a session's credentials: TLS ends there, and the gateway has its own with the seller. */
  ended: Way;
  stop(): Promise<void>;
}

/** What is below `/priced` has a price. All else on this machine is left alone: nothing is weighed, noted or kept of it. */
export async function startHttpsStage(): Promise<HttpsStage> {
  const dir = mkdtempSync(join(tmpdir(), 'pag0-bench-ca-'));
  const world = await makeTestCa('servers of a benchmark');
  const trusts = join(dir, 'ca.pem');
  writeFileSync(trusts, world.certificate);
  const seller = await startSeller(await world.issue());
  const { authority, port } = seller;
  const prices = [{ endpoint: `${authority}/priced/*`, price: '$0.0001' }];
  const daemon = await startDaemon({ ...FAR, prices }, { trusts });
  const stop = async (): Promise<void> => {
    await daemon.stop();
    seller.close();
    rmSync(dir, { recursive: true });
  };
  try {
    const fields = await credentialsFor(daemon);
    const trust = believing(world.certificate);
    return {
      authority,
      daemon,
      ca: world.certificate,
      direct: { port, trust },
      tunnel: { port: daemon.port, tunnel: { authority, fields: {} }, trust },
      ended: { port: daemon.port, tunnel: { authority, fields }, trust: believing(readFileSync(caFiles(daemon.home.caDir).certificate, 'utf8')) },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function believing(ca: string): SecureContext {
  return createSecureContext({ ca });
}
