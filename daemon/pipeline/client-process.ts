import { isRunning, lifeOf } from '../lifecycle/peer.ts';
import type { Session } from '../core/tree.ts';

type Client = Pick<Session, 'clientPid' | 'clientLife'>;

/** Whether the process with that number is the client, and not one that came after it. Where that cannot be told, it is. */
export async function isStillClient({ clientPid, clientLife = null }: Client): Promise<boolean> {
  if (clientPid === null || clientLife === null) return clientPid !== null;
  const life = await lifeOf(clientPid);
  return life === null || life === clientLife;
}

export async function clientRuns(client: Client): Promise<boolean> {
  return client.clientPid !== null && (await isRunning(client.clientPid)) && isStillClient(client);
}

/** Of these processes those that are a session's client. */
export async function clientsAmong(pids: readonly number[], sessions: readonly Client[]): Promise<number[]> {
  const held = sessions.filter(({ clientPid }) => clientPid !== null && pids.includes(clientPid));
  const still = await Promise.all(held.map(isStillClient));
  const clients = new Set(held.filter((_, index) => still[index]).map(({ clientPid }) => clientPid));
  return pids.filter((pid) => clients.has(pid));
}
