import { randomUUID } from 'node:crypto';
import { names } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { callLabel } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import { looksAt } from '../core/passage.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { letsOut } from '../core/sandbox.ts';
import { MAIN } from '../core/tree.ts';
import type { Asker, Connection, Governor, WebRequest } from '../ports.ts';
import { toldElsewhere } from './attempts.ts';
import { brokenPart } from './broken.ts';
import type { Doorway } from './doorway.ts';
import type { Exchange, Spender } from './exchange.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';
import { alerts } from './settle.ts';
import { noteCalls, noteRefusal, reserve, upheld, weigh, type Weighed } from './weigh.ts';

/** The tickets as the gateway reads them. */
export interface TicketReader {
  whoAsks(proxyAuthorization: string): { asker: Asker } | { rejected: 'unknown' | 'expired' };
}

/** The pipeline as the gateway sees it: who asks, whether the request is looked at, and what comes of it. */
export function createGovernor(parts: Parts, tickets: TicketReader, doorway: Pick<Doorway, 'behind'>, exchange: Exchange): Governor {
  async function whoAsks(proxyAuthorization: string | undefined, connection: Connection): ReturnType<Governor['whoAsks']> {
    const read = proxyAuthorization === undefined ? null : tickets.whoAsks(proxyAuthorization);
    if (read === null || 'asker' in read) {
      const behind = await doorway.behind(connection, read !== null);
      const asker = read?.asker ?? (behind === null ? null : { session: behind.session, agent: MAIN, toolUseId: null, by: 'sandbox' as const });
      return { asker: asker !== null && behind?.confined === true ? { ...asker, confinedTo: behind.session } : asker };
    }
    const why = read.rejected === 'expired' ? 'its ticket ended with the call it was made for' : 'its ticket is not one of ours';
    return { rejected: refusal('TICKET_INVALID', `the request was not sent because ${why}; run the command anew`, { scope: 'ticket' }) };
  }

  return {
    whoAsks,
    passage(asker, { host, port, secure }) {
      const kept = asker?.confinedTo === undefined ? null : keptIn(asker.confinedTo, { host, port });
      if (kept !== null) return { passage: 'refuse', refusal: kept };
      const spender = asker === null ? null : spenderOf(asker);
      // Nobody of ours: a proxy that somebody set by hand, on the way to somewhere that is none of our business.
      if (spender === null) return { passage: 'tunnel' };
      const authority = port === (secure ? 443 : 80) ? host : `${host}:${port}`;
      const endpoint = endpointOf(`${secure ? 'https' : 'http'}://${authority}/`);
      if (endpoint === null) return { passage: 'refuse', refusal: refusal('BAD_REQUEST', `${authority} is no address`, { scope: 'request' }) };
      if (asker!.by !== 'ticket' && chargedAlready(spender, endpoint.host)) return { passage: 'tunnel' };
      const policy = parts.policies.of(spender.live.session)?.policy ?? null;
      return { passage: looksAt(asker!.by, endpoint, policy) ? 'look' : 'tunnel' };
    },
    async exchange(asker, request, signal) {
      const spender = asker === null ? null : spenderOf(asker);
      if (spender === null) return { refusal: SESSION_UNKNOWN };
      try {
        const exchanged = await exchange.send(spender, request, signal);
        if ('refusal' in exchanged) noteRefusal(parts, spender.live, spender.agent, exchanged.quotes, toldElsewhere(parts, spender.agent, exchanged.refusal));
        return exchanged;
      } catch (error) {
        // The upstream's own failures are the gateway's to tell.
        if (typeof (error as { sent?: unknown }).sent === 'boolean') throw error;
        return { refusal: brokenPart(error, 'the request') };
      }
    },
    async admitSocket(asker, request) {
      const spender = asker === null ? null : spenderOf(asker);
      if (spender === null) return SESSION_UNKNOWN;
      try {
        return await weighSocket(spender, request);
      } catch (error) {
        return brokenPart(error, 'the request');
      }
    },
  };

  /** No cache and no flight: nobody else can have a socket. What it costs is spent as it leaves, for no answer will tell. */
  async function weighSocket(spender: Spender, request: WebRequest): Promise<Refusal | null> {
    const { live, agent, tool } = spender;
    const inForce = parts.policies.of(live.session);
    const endpoint = endpointOf(request.url);
    const call = { tool, method: request.method, endpoint, known: endpoint !== null, times: 1 };
    if (inForce === null) return refusal('CONFIG_INVALID', `${callLabel(call)} was not sent because pag0 has no valid policy; ask the person to mend the configuration`, { scope: 'configuration' });
    const weighing = await weigh(parts, live, agent, [call], inForce);
    if (weighing.outcome === 'ungoverned') return null;
    if (weighing.outcome !== 'refused') {
      weighing.weighed.noted = spender.noted ?? false;
      upheld(parts, live, agent, weighing.weighed, weighing.weighed.would);
    }
    if (weighing.outcome === 'free') {
      noteCalls(parts, live, agent, weighing.weighed.quotes, { what: 'free' });
      return null;
    }
    const why = weighing.outcome === 'refused' ? weighing.refusal : await pay(spender, weighing.weighed);
    const quotes = weighing.outcome === 'refused' ? weighing.quotes : weighing.weighed.quotes;
    if (why !== null) noteRefusal(parts, live, agent, quotes, toldElsewhere(parts, agent, why));
    return why;
  }

  async function pay(spender: Spender, weighed: Weighed): Promise<Refusal | null> {
    const { live, agent, toolUseId } = spender;
    const { amount, quotes } = weighed;
    if (weighed.ask && amount > spender.approvedUpTo) {
      const text = `${names(quotes)} costs ${formatDollars(amount)}, above what needs a person's yes, and nobody could be asked, so it was not sent; go on without it`;
      const no = upheld(parts, live, agent, weighed, refusal('APPROVAL_REQUIRED', text, { scope: 'request', price: amount.toString() }));
      if (no !== null) return no;
    }
    const key = `${live.session.id}/${toolUseId ?? 'environment'}#${randomUUID()}`;
    parts.underway.add(key);
    try {
      const full = await reserve(parts, live, agent, key, weighed);
      if (full !== null) return full;
      await parts.ledger.post(key, parts.clock());
    } finally {
      parts.underway.delete(key);
    }
    const sentences = await alerts(parts, live, weighed.standing.scopes);
    live.notices.push(...sentences);
    spender.alerts?.push(...sentences);
    return null;
  }

  /** A ticket names its agent. Everything else a session started is charged to the one call in flight, else to the session. */
  function spenderOf(asker: Asker): Spender | null {
    const live = parts.sessions.get(asker.session);
    if (live === undefined) return null;
    const sole = asker.by === 'ticket' || live.running.size !== 1 ? undefined : [...live.running][0]!;
    const agent = live.session.agents.get(sole?.[1].agent ?? asker.agent) ?? parts.sessions.agentOf(live, undefined, undefined);
    const toolUseId = asker.toolUseId ?? sole?.[0] ?? null;
    const alerts = toolUseId === null ? null : (live.running.get(toolUseId)?.alerts ?? null);
    const noted = toolUseId === null ? false : (live.running.get(toolUseId)?.noted ?? false);
    const spender: Spender = { live, agent, tool: 'Bash', toolUseId, alerts, approvedUpTo: 0n, noted };
    if (asker.by !== 'ticket') return spender;
    // What a person said of a call is good for that call alone, and only its ticket proves a request to be of it.
    const run = toolUseId === null ? undefined : live.running.get(toolUseId);
    return { ...spender, approvedUpTo: run?.approvedUpTo ?? 0n, approvals: run?.approvals ?? [] };
  }

  /** The client asks nothing about hosts once its sandbox leads to another proxy than its own: that one answers for them. */
  function keptIn(session: string, to: { host: string; port: number }): Refusal | null {
    const live = parts.sessions.get(session);
    if (live === undefined) return null;
    const sandbox = parts.sandboxOf(live);
    const { allowed } = sandbox;
    switch (letsOut(sandbox, to, live.permissionMode)) {
      case 'yes':
        return null;
      case 'denied':
        return refusal('ENDPOINT_NOT_ALLOWED', `the sandbox's settings deny ${to.host}, so the request was not sent; go on without it`, { scope: 'sandbox' });
      case 'unlisted':
        return refusal('ENDPOINT_NOT_ALLOWED', `${to.host} is not among the ${allowed.length} in the sandbox's \`allowedDomains\`, so the request was not sent; go on without it, or ask the person to add it to \`sandbox.network.allowedDomains\``, { scope: 'sandbox' });
    }
  }

  /** A command that could carry no ticket has paid at the hook: for each of its requests one connection to there passes. */
  function chargedAlready({ live }: { live: Live }, host: string): boolean {
    for (const { charged } of live.running.values()) {
      const paid = charged.find((one) => one.host === host && one.left > 0);
      if (paid === undefined) continue;
      paid.left -= 1;
      return true;
    }
    return false;
  }
}

const SESSION_UNKNOWN = refusal('SESSION_UNKNOWN', 'the session this request belongs to is not known to pag0, so it was not sent; ask the person to start the session again', { scope: 'session' });
