import { readToken, type Home } from '../contract/home.ts';
import { newNonce, NONCE_HEADER, PROOF_HEADER, requestProof, TIME_HEADER } from '../contract/proof.ts';

/** Headers of a request as our own client would sign it, for tests that send it some other way. */
export function createRequest(home: Home, port: number, method: string, target: string, body = '', time = Date.now()): Record<string, string> {
  const found = readToken(home);
  if (found === null || !found.ok) throw new Error('There is no token to sign with.');
  const nonce = newNonce();
  return { [NONCE_HEADER]: nonce, [TIME_HEADER]: String(time), [PROOF_HEADER]: requestProof(found.token, { method, target, port, nonce, time: String(time), body }) };
}
