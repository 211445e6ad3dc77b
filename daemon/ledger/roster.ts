import type { Agent, Session } from '../core/tree.ts';
import type { Directive, Roster } from '../ports.ts';
import type { Batch } from './batch.ts';
import type { Database } from './database.ts';

/**
 * Sessions, agents and directives beside the book. The tree is written behind: a crash may forget the end time of an
 * agent, never money. Directives are a person's word and are waited for.
 */
export function sqliteRoster(database: Database, batch: Batch): Roster {
  const putSession = database.prepare('INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body');
  const putAgent = database.prepare('INSERT INTO agents VALUES (?, ?, ?) ON CONFLICT (session, id) DO UPDATE SET body = excluded.body');
  const getSession = database.prepare('SELECT body FROM sessions WHERE id = ?');
  const getAgents = database.prepare('SELECT body FROM agents WHERE session = ?');
  const newest = database.prepare('SELECT body FROM sessions ORDER BY started DESC LIMIT ?');
  const putDirective = database.prepare('INSERT INTO directives (at, kind, scope, amount, author) VALUES (?, ?, ?, ?, ?)');
  const allDirectives = database.prepare('SELECT at, kind, scope, amount, author FROM directives ORDER BY no');
  allDirectives.setReadBigInts(true);
  return {
    saveSession(session) {
      const { agents: _, ...body } = session;
      const text = JSON.stringify(body);
      batch.behind(() => void putSession.run(session.id, session.startedAt, text));
    },
    saveAgent(sessionId, agent) {
      const text = JSON.stringify(agent);
      batch.behind(() => void putAgent.run(sessionId, agent.id, text));
    },
    session(id) {
      // What was written behind must be read back: a session is asked for right after it was saved.
      batch.flush();
      const row = getSession.get(id);
      if (row === undefined) return undefined;
      const agents = getAgents.all(id).map((agent) => JSON.parse(agent['body'] as string) as Agent);
      agents.sort((a, b) => a.startedAt - b.startedAt);
      return { ...(JSON.parse(row['body'] as string) as Omit<Session, 'agents'>), agents: new Map(agents.map((agent) => [agent.id, agent])) };
    },
    recent(limit) {
      batch.flush();
      return newest.all(limit).map((row) => JSON.parse(row['body'] as string) as Session);
    },
    saveDirective(directive) {
      return batch.run(() => void putDirective.run(directive.at, directive.kind, directive.scope, directive.limit, directive.by));
    },
    directives() {
      batch.flush();
      return allDirectives.all().map((row) => ({
        at: Number(row['at']),
        kind: row['kind'] as Directive['kind'],
        scope: row['scope'] as string,
        limit: row['amount'] as bigint | null,
        by: row['author'] as Directive['by'],
      }));
    },
  };
}

export function memoryRoster(): Roster {
  const sessions = new Map<string, Session>();
  const directives: Directive[] = [];
  return {
    saveSession: (session) => void sessions.set(session.id, session),
    saveAgent: () => {},
    session: (id) => sessions.get(id),
    recent: (limit) => [...sessions.values()].sort((a, b) => b.startedAt - a.startedAt).slice(0, limit),
    async saveDirective(directive) {
      directives.push(directive);
    },
    directives: () => [...directives],
  };
}
