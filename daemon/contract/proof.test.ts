import { describe, expect, it } from 'vitest';
import { answerProof, createRequestCheck, MAX_AGE_MS, newNonce, requestProof, sameProof, type RequestFacts } from './proof.ts';

const token = 'a'.repeat(64);
const START = 1_000_000;
const facts: RequestFacts = { method: 'POST', target: '/v1/session?x=1', port: 4402, nonce: '0'.repeat(32), time: String(START + 10), body: '{"a":1}' };
const sent = (changes: Partial<RequestFacts & { proof: string }> = {}) => ({ ...facts, proof: requestProof(token, facts), ...changes });
const check = (port = 4402) => createRequestCheck({ token, port, startedAt: START });

describe('a request is let in', () => {
  it('when everything that gives it meaning is what was signed', () => {
    expect(check()(sent(), START + 20)).toBeNull();
    expect(check()(sent({ method: 'post' }), START + 20)).toBeNull();
  });

  it.each<[string, Partial<RequestFacts & { proof: string }>]>([
    ['method', { method: 'GET' }],
    ['path', { target: '/v1/stop?x=1' }],
    ['query', { target: '/v1/session?x=2' }],
    ['nonce', { nonce: '1'.repeat(32) }],
    ['time', { time: String(START + 11) }],
    ['body', { body: '{"a":2}' }],
    ['proof', { proof: 'b'.repeat(64) }],
    ['length of the proof', { proof: 'b' }],
  ])('never with another %s', (_what, change) => {
    expect(check()(sent(change), START + 20)).toBe('forged');
  });

  it('never at another port, where a stranger might pass it on', () => {
    expect(check(4403)(sent(), START + 20)).toBe('forged');
  });

  it('never without all three headers, nor with ones of another shape', () => {
    const { nonce: _nonce, ...noNonce } = sent();
    expect(check()({ ...noNonce, nonce: undefined }, START + 20)).toBe('unsigned');
    expect(check()(sent({ nonce: 'short' }), START + 20)).toBe('unsigned');
    expect(check()(sent({ time: '1e3' }), START + 20)).toBe('unsigned');
  });

  it('once', () => {
    const one = check();
    expect(one(sent(), START + 20)).toBeNull();
    expect(one(sent(), START + 30)).toBe('replayed');
  });

  it('only near its own time, and never when it was made for a daemon before this one', () => {
    expect(check()(sent(), START + 11 + MAX_AGE_MS)).toBe('late');
    const early = { ...facts, time: String(START - 1) };
    expect(check()({ ...early, proof: requestProof(token, early) }, START + 20)).toBe('late');
    const ahead = { ...facts, time: String(START + 30 + MAX_AGE_MS) };
    expect(check()({ ...ahead, proof: requestProof(token, ahead) }, START + 20)).toBe('late');
  });

  it('is remembered for as long as it could be sent again', () => {
    const one = check();
    let now = START + 20;
    for (let step = 0; step < 500; step += 1) {
      now += 1_000;
      const made = { ...facts, nonce: newNonce(), time: String(now + MAX_AGE_MS) };
      const request = { ...made, proof: requestProof(token, made) };
      expect(one(request, now)).toBeNull();
      expect(one(request, now + 2 * MAX_AGE_MS)).toBe('replayed');
    }
  });
});

describe('an answer is believed', () => {
  it('only for its own question, status and body, and only with the token', () => {
    const proof = answerProof(token, 'n', 200, 'body');
    expect(sameProof(answerProof(token, 'n', 200, Buffer.from('body')), proof)).toBe(true);
    for (const other of [answerProof(token, 'm', 200, 'body'), answerProof(token, 'n', 201, 'body'), answerProof(token, 'n', 200, 'bod'), answerProof('b'.repeat(64), 'n', 200, 'body')]) {
      expect(sameProof(other, proof)).toBe(false);
    }
    expect(sameProof(proof, undefined)).toBe(false);
  });
});
