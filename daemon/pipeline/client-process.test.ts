import { describe, expect, it } from 'vitest';
import { lifeOf } from '../lifecycle/peer.ts';
import { clientRuns, clientsAmong, isStillClient } from './client-process.ts';

const LIFE = await lifeOf(process.pid);
const NOBODY = 2 ** 22 + 1;

describe('the client of a session', () => {
  it('is its process, while that works', async () => {
    const client = { clientPid: process.pid, clientLife: LIFE };
    expect(LIFE).not.toBeNull();
    expect([await isStillClient(client), await clientRuns(client), await clientsAmong([1, process.pid], [client])]).toEqual([true, true, [process.pid]]);
    expect(await clientRuns({ clientPid: NOBODY, clientLife: LIFE })).toBe(false);
  });

  it('is not a later process of the same number: those come again', async () => {
    const client = { clientPid: process.pid, clientLife: 'another boot 17' };
    expect([await isStillClient(client), await clientRuns(client), await clientsAmong([process.pid], [client])]).toEqual([false, false, []]);
  });

  it('is whoever has the number where nobody noted when it began', async () => {
    expect(await clientRuns({ clientPid: process.pid })).toBe(true);
    expect(await clientRuns({ clientPid: null })).toBe(false);
  });
});
