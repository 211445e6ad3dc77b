import { randomUUID } from 'node:crypto';
import { names } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { callLabel } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import { looksAt } from '../core/passage.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { letsOut } from '../core/sandbox.ts';
import { commonAncestor } from '../core/tree.ts';
import type { Asker, Connection, Governor, Passage, Process, ShellHint, WebRequest } from '../ports.ts';
import { toldElsewhere } from './attempts.ts';
import { brokenPart } from './broken.ts';
import type { Doorway } from './doorway.ts';
import type { Exchange, Spender } from './exchange.ts';
import type { Parts } from './parts.ts';
import type { Live, Running } from './sessions.ts';
import { takesOurCa } from '../core/own-way.ts';
import { PAYING } from './gateway-calls.ts';
import type { Whose } from './shell-calls.ts';
import { alerts } from './settle.ts';
import { noteCalls, noteRefusal, reserve, upheld, weigh, type Weighed } from './weigh.ts';

/** The proxy credentials as the gateway reads them. */
export interface CredentialsReader {
  read(proxyAuthorization: string): { session: string; shell: ShellHint | null } | null;
}

/** The pipeline as the gateway sees it: who asks, whether the request is looked at, and what comes of it. */
export function createGovernor(parts: Parts, credentials: CredentialsReader, doorway: Pick<Doorway, 'behind'>, exchange: Exchange): Governor {
  async function whoAsks(proxyAuthorization: string | undefined, connection: Connection): ReturnType<Governor['whoAsks']> {
    const shown = proxyAuthorization === undefined ? null : credentials.read(proxyAuthorization);
    if (shown === null && proxyAuthorization !== undefined) {
      return { rejected: refusal('PROXY_CREDENTIALS_INVALID', 'the request was not sent because the user and password of its proxy are none of ours; run the command anew, and if that is refused as well, start the session again', { scope: 'session' }) };
    }
    const behind = await doorway.behind(connection, shown !== null);
    const session = shown?.session ?? behind?.session;
    if (session === undefined) return { asker: null };
    const asker: Asker = { session, by: shown === null ? 'sandbox' : 'environment', shell: shown?.shell ?? null, connection };
    return { asker: behind?.confined === true ? { ...asker, confinedTo: behind.session } : asker };
  }

  return {
    whoAsks,
    passage(asker, { host, port, secure }) {
      const kept = asker?.confinedTo === undefined ? null : keptIn(asker.confinedTo, { host, port });
      if (kept !== null) return { passage: 'refuse', refusal: kept };
      const live = asker === null ? undefined : parts.sessions.get(asker.session);
      // Nobody of ours: a proxy that somebody set by hand, on the way to somewhere that is none of our business.
      if (asker === null || live === undefined) return { passage: 'tunnel' };
      const name = host.includes(':') ? `[${host}]` : host;
      const authority = port === (secure ? 443 : 80) ? name : `${name}:${port}`;
      const endpoint = endpointOf(`${secure ? 'https' : 'http'}://${authority}/`);
      if (endpoint === null) return { passage: 'refuse', refusal: refusal('BAD_REQUEST', `${authority} is no address`, { scope: 'request' }) };
      const looked = looksAt(endpoint, parts.policies.of(live.session)?.policy ?? null, parts.wallet() !== '');
      // What is a tunnel in any case waits for nothing.
      if (looked === 'no') return { passage: 'tunnel' };
      return passageOf(live, asker, endpoint.host, looked);
    },
    async exchange(asker, request, signal) {
      const spender = await spenderOf(asker);
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
      const spender = await spenderOf(asker);
      if (spender === null) return SESSION_UNKNOWN;
      try {
        return await weighSocket(spender, request);
      } catch (error) {
        return brokenPart(error, 'the request');
      }
    },
    failed(asker, why) {
      void spenderOf(asker).then((spender) => {
        const alerts = spender?.alerts ?? null;
        // Once is enough: a loop asks the same host again and again.
        if (alerts === null || alerts.length >= MAX_FAILURES_TOLD || alerts.includes(why)) return;
        alerts.push(why);
        // Whose it was cannot be told any more: the log has the reason.
      }, () => {});
    },
  };

  /** No cache and no flight: nobody else can have a socket. What it costs is spent as it leaves, for no answer will tell. */
  async function weighSocket(spender: Spender, request: WebRequest): Promise<Refusal | null> {
    const { live, agent, tool } = spender;
    const inForce = parts.policies.of(live.session);
    const endpoint = endpointOf(request.url);
    const call = { tool, method: request.method.toUpperCase(), endpoint, known: endpoint !== null, times: 1 };
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

  async function passageOf(live: Live, asker: Asker, host: string, looked: 'yes' | 'if-client'): Promise<Passage> {
    const isPaid = withCredit(live, host).length > 0;
    if (looked === 'yes' && !isPaid) return { passage: 'look' };
    const whose = await whoseIs(live, asker);
    if (isPaid && chargedAlready(live, host, whose)) return { passage: 'tunnel' };
    return { passage: looked === 'yes' || (await isPayingClient(whose.program)) ? 'look' : 'tunnel' };
  }

  /** A program that reads a demand for payment, that takes our word whom to trust, and that goes no way of its own. */
  async function isPayingClient(program: Process | null): Promise<boolean> {
    if (program === null || !PAYING.has(program.name)) return false;
    const launch = await parts.shells?.launchOf(program);
    return launch != null && takesOurCa(program.name, launch, parts.protectedPaths);
  }

  async function whoseIs(live: Live, asker: Asker): Promise<Whose> {
    if (parts.shells !== null) return parts.shells.whose(live, asker);
    const among = [...live.running.values(), ...live.background.values()];
    return { agent: commonAncestor(live.session, among.map(({ agent }) => agent)), call: null, among, program: null };
  }

  /** Whose Bash call it is the system tells; what it does not tell is charged to whoever is above all it may be. */
  async function spenderOf(asker: Asker | null): Promise<Spender | null> {
    const live = asker === null ? undefined : parts.sessions.get(asker.session);
    if (asker === null || live === undefined) return null;
    const { agent: id, call } = await whoseIs(live, asker);
    const agent = live.session.agents.get(id) ?? parts.sessions.agentOf(live, undefined, undefined);
    // What a person said of a call is good for that call alone.
    return { live, agent, tool: 'Bash', toolUseId: call?.id ?? null, alerts: call?.alerts ?? null, noted: call?.noted ?? false, approvedUpTo: call?.approvedUpTo ?? 0n, approvals: call?.approvals ?? [] };
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

  function withCredit(live: Live, host: string): Running[] {
    return [...live.running.values(), ...live.background.values()].filter(({ charged }) => charged.some((one) => one.host === host && one.left > 0));
  }

  /** What the gateway cannot read has paid at the hook: for each of its requests one connection to there passes. */
  function chargedAlready(live: Live, host: string, { call, among }: Whose): boolean {
    const may = call === null ? among : [call];
    const paid = withCredit(live, host).find((one) => may.includes(one))?.charged.find((one) => one.host === host && one.left > 0);
    if (paid === undefined) return false;
    paid.left -= 1;
    return true;
  }
}

/** Of one call; its own output says the rest. */
const MAX_FAILURES_TOLD = 5;

const SESSION_UNKNOWN = refusal('SESSION_UNKNOWN', 'the session this request belongs to is not known to pag0, so it was not sent; ask the person to start the session again', { scope: 'session' });
