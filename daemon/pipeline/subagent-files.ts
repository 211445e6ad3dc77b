import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Session } from '../core/tree.ts';

/** What the client writes down of a subagent when it starts it. */
export interface Meta {
  /** Of the Agent call that it came of. */
  toolUseId?: string;
  parentAgentId?: string;
  /** 1: the main thread's own. */
  spawnDepth?: number;
  agentType?: string;
  /** The type of a teammate in the client's own process, whose `agentType` is its name. */
  spawnedAgentType?: string;
  name?: string;
}

/** Runs of the Workflow tool that are looked through, newest last as the client names them. */
const MAX_WORKFLOWS = 256;

/**
 * `<transcript dir>/<session>/subagents/agent-<id>.meta.json`; for the agents of a workflow in `workflows/wf_*` below
 * that. The client writes it after SubagentStart was answered and before the agent's first model call, so it is there at
 * the first tool call of every agent, also of twenty at once.
 */
export function readMeta(session: Session, agentId: string): Meta | undefined {
  for (const file of filesOf(session, agentId, 'meta.json')) {
    const meta = parsed(file);
    if (meta !== undefined) return meta;
  }
  return undefined;
}

/** Where the transcript of a subagent may lie. */
export function transcriptsOf(session: Session, agentId: string): string[] {
  return filesOf(session, agentId, 'jsonl');
}

function filesOf({ id, transcript }: Session, agentId: string, ending: string): string[] {
  if (transcript === null || !/^[\w-]{1,128}$/.test(agentId)) return [];
  const folder = join(dirname(transcript), id, 'subagents');
  return [folder, ...workflowsIn(join(folder, 'workflows'))].map((one) => join(one, `agent-${agentId}.${ending}`));
}

function workflowsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('wf_')).slice(-MAX_WORKFLOWS).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function parsed(file: string): Meta | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const fields = value as Record<string, unknown>;
    const texts = ['toolUseId', 'parentAgentId', 'agentType', 'spawnedAgentType', 'name'] as const;
    return {
      ...Object.fromEntries(texts.flatMap((name) => (typeof fields[name] === 'string' && fields[name] !== '' ? [[name, fields[name]]] : []))),
      ...(typeof fields['spawnDepth'] === 'number' ? { spawnDepth: fields['spawnDepth'] } : {}),
    };
  } catch {
    return undefined;
  }
}
