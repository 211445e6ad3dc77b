/**
 * What can keep the daemon from running, as opposed to a refused call (`core/errors.ts`). Hooks and the CLI branch on the code
 * and show the sentence; it says what is wrong and what to do, once, in words a person can act on.
 */
export const PROBLEM_CODES = [
  'NODE_TOO_OLD',
  'HOME_UNWRITABLE',
  'HOME_FOREIGN',
  'DISK_FULL',
  'PORT_TAKEN',
  'DAEMON_SILENT',
  'DAEMON_SLOW',
  'DAEMON_DIED',
  'DRIVER_MISSING',
  'START_FAILED',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

export interface Problem {
  code: ProblemCode;
  sentence: string;
}

export function problem(code: ProblemCode, text: string): Problem {
  return { code, sentence: `pag0: ${text}` };
}

/** Thrown only where a value cannot travel (a failing start deep inside the daemon); the top turns it back into a `Problem`. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(value: Problem, options?: { cause?: unknown }) {
    super(value.sentence, options);
    this.name = 'ProblemError';
    this.problem = value;
  }
}

export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}

/** A failed file operation in the words of this list; null when it is none of these, and so a bug to be seen. */
export function fileProblem(error: unknown, path: string): Problem | null {
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return problem('DISK_FULL', `the disk that holds ${path} is full; free some space, then start the session again.`);
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return problem('HOME_UNWRITABLE', `${path} cannot be written; make it writable for you, or name another folder in PAG0_HOME.`);
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ELOOP':
    case 'ENOENT':
      return problem('HOME_UNWRITABLE', `${path} is not a folder pag0 can use; move it away, or name another folder in PAG0_HOME.`);
    default:
      return null;
  }
}
