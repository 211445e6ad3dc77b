import { promptDigest } from '../daemon/contract/prompt-digest.ts';
import type { RegistrationEvent, SessionRegistration } from '../daemon/contract/routes.ts';

/** What the client writes to a command hook's stdin, as far as pag0 looks at it. The prompt's text goes no further than here. */
export interface HookPayload {
  sessionId: string;
  transcriptPath: string | null;
  cwd: string;
  source: string | null;
  promptId: string | null;
  author: SessionRegistration['author'];
  promptDigest: string | null;
  /** The slash command that the prompt begins with. */
  command: string | null;
  permissionMode: string | null;
}

/** `away`: in the place of an http hook that found nobody (`away.ts`). */
export type HookMode = RegistrationEvent | 'away';

const MODES: readonly HookMode[] = ['session-start', 'user-prompt-submit', 'ensure', 'away'];

export function hookMode(argument: string | undefined): HookMode | null {
  return MODES.find((mode) => mode === argument) ?? null;
}

/** null when it is not a payload of the client: then the daemon is still ensured, but there is no session to register. */
export function parsePayload(text: string, fallbackCwd: string): HookPayload | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Record<string, unknown>;
  const sessionId = textOf(fields['session_id']);
  const prompt = textOf(fields['prompt']);
  if (sessionId === null) return null;
  return {
    sessionId,
    transcriptPath: textOf(fields['transcript_path']),
    cwd: textOf(fields['cwd']) ?? fallbackCwd,
    source: textOf(fields['source']),
    promptId: textOf(fields['prompt_id']),
    author: authorOf(prompt ?? ''),
    promptDigest: prompt === null ? null : promptDigest(prompt),
    command: prompt === null ? null : commandOf(prompt),
    permissionMode: textOf(fields['permission_mode']),
  };
}

/** Nothing but the text of a prompt tells that the client wrote it itself. */
function authorOf(prompt: string): SessionRegistration['author'] {
  if (prompt.startsWith('<task-notification>')) return 'report';
  return prompt.startsWith('<<autonomous-loop') ? 'wakeup' : 'person';
}

/** `/ralph-loop:ralph-loop improve it`; not a path, such as `/tmp/x is full`. */
function commandOf(prompt: string): string | null {
  return /^\/([\w:.-]{1,128})(?=\s|$)/.exec(prompt)?.[1] ?? null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The client closes stdin at once; somebody trying the hook by hand may not. */
export async function readStdin(stream: NodeJS.ReadableStream & { destroy?(): void }, limitMs = 1_000): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const finish = (): void => {
      clearTimeout(limit);
      stream.destroy?.();
      resolve(text);
    };
    const limit = setTimeout(finish, limitMs);
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (text += chunk));
    stream.on('end', finish);
    stream.on('error', finish);
  });
}
