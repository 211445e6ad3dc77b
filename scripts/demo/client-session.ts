import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Errand } from './errand.ts';
import type { Stage } from './stage.ts';

/** Who acts: `{}` is the main thread, whose events carry neither field. */
export interface Actor {
  agent_id?: string;
  agent_type?: string;
}

/** What pag0 answers to an event, in the words of the client's hook protocol. */
export interface HookAnswer {
  continue?: false;
  stopReason?: string;
  systemMessage?: string;
  hookSpecificOutput?: { permissionDecision?: 'deny' | 'ask'; permissionDecisionReason?: string; additionalContext?: string };
}

export type CallOutcome = { ran: true; stdout: string } | { ran: false; reason: string; ended: boolean };

/**
 * The part of the client that pag0 talks to: the events of `plugin/hooks/hooks.json` in the order in which the real client sends
 * them, with its fields. There is no model behind it; a scene says what the agents do.
 */
export interface ClientSession {
  readonly id: string;
  /** The person sends a prompt, or a slash command by its full name. */
  prompt(text: string, command?: string): Promise<void>;
  /** A Bash call: runs if, and only if, the hook lets it. `decided` is told before it runs. */
  bash(actor: Actor, errand: Errand, decided: (runs: boolean) => void): Promise<CallOutcome>;
  /** The main thread starts a subagent with the Agent tool and waits for its last message. */
  subagent(type: string, task: string, work: (actor: Actor) => Promise<string>): Promise<void>;
  /** The main thread wants to rest. `driven`: a Stop hook of another plugin answered the one before with more work. */
  stop(driven: boolean): Promise<HookAnswer>;
  end(): Promise<void>;
}

/** `hear` is told what the client would show to the person. */
export async function startSession(stage: Stage, hear: (sentence: string) => void): Promise<ClientSession> {
  const id = randomUUID();
  let promptId = randomUUID();
  const common = () => ({ session_id: id, transcript_path: join(stage.transcripts, `${id}.jsonl`), cwd: stage.cwd, permission_mode: 'default' });
  const subagents = join(stage.transcripts, id, 'subagents');
  await mkdir(subagents, { recursive: true });

  async function hook(mode: 'session-start' | 'user-prompt-submit', event: object): Promise<void> {
    const said = await stage.plugin.hook(mode, { ...common(), ...event });
    if (said.systemMessage !== undefined) hear(said.systemMessage);
  }

  async function post(name: string, actor: Actor, fields: object): Promise<HookAnswer> {
    const body = JSON.stringify({ ...common(), prompt_id: promptId, hook_event_name: name, ...actor, ...fields });
    const response = await fetch(stage.hookUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch((cause: unknown) => {
      throw new Error(`pag0's daemon did not answer ${name}`, { cause });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`pag0 did not take ${name}: ${text}`);
    const answer = JSON.parse(text) as HookAnswer;
    if (answer.systemMessage !== undefined) hear(answer.systemMessage);
    return answer;
  }

  await hook('session-start', { hook_event_name: 'SessionStart', source: 'startup' });

  return {
    id,
    async prompt(text, command) {
      promptId = randomUUID();
      await hook('user-prompt-submit', { hook_event_name: 'UserPromptSubmit', prompt_id: promptId, prompt: text });
      if (command !== undefined) await post('UserPromptExpansion', {}, { command_name: command, command_args: text });
    },
    async bash(actor, errand, decided) {
      const call = { tool_name: 'Bash', tool_input: { command: errand.command }, tool_use_id: toolUseId() };
      const before = await post('PreToolUse', actor, call);
      const { permissionDecision, permissionDecisionReason } = before.hookSpecificOutput ?? {};
      decided(permissionDecision === undefined);
      if (permissionDecision !== undefined) return { ran: false, reason: permissionDecisionReason ?? '', ended: before.continue === false };
      const began = Date.now();
      const { code, stdout, stderr } = await stage.shell(errand.command);
      const duration_ms = Date.now() - began;
      if (code === 0) await post('PostToolUse', actor, { ...call, tool_response: { stdout, stderr, interrupted: false, isImage: false }, duration_ms });
      else await post('PostToolUseFailure', actor, { ...call, error: `Exit code ${code}\n${stderr}${stdout}`, is_interrupt: false, duration_ms });
      return { ran: true, stdout };
    },
    async subagent(type, task, work) {
      const actor = { agent_id: `a${randomBytes(8).toString('hex')}`, agent_type: type };
      const call = { tool_name: 'Agent', tool_input: { description: task, prompt: task, subagent_type: type }, tool_use_id: toolUseId() };
      await post('PreToolUse', {}, call);
      await post('SubagentStart', actor, {});
      // Written after SubagentStart was answered; it says whose child the agent is.
      const meta = { agentType: type, description: task, toolUseId: call.tool_use_id, spawnDepth: 1 };
      await writeFile(join(subagents, `agent-${actor.agent_id}.meta.json`), JSON.stringify(meta));
      const last = await work(actor);
      await post('SubagentStop', actor, { stop_hook_active: false, agent_transcript_path: join(subagents, `agent-${actor.agent_id}.jsonl`), last_assistant_message: last });
      const result = { status: 'completed', prompt: task, agentId: actor.agent_id, agentType: type, content: [{ type: 'text', text: last }] };
      await post('PostToolUse', {}, { ...call, tool_response: result });
    },
    stop: (driven) => post('Stop', {}, { stop_hook_active: driven, last_assistant_message: 'Resting.' }),
    async end() {
      await post('SessionEnd', {}, { reason: 'prompt_input_exit' });
    },
  };
}

function toolUseId(): string {
  return `toolu_01${randomBytes(11).toString('hex')}`;
}
