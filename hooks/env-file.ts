import { appendFileSync } from 'node:fs';

/**
 * Lines for the file that the client runs before every Bash command of the session, subagents' too. A client that such a command
 * starts inherits them: that is how a nested session knows its parent.
 */
export function appendExports(file: string, values: Record<string, string>): void {
  const lines = Object.entries(values)
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  if (lines.length > 0) appendFileSync(file, lines.join(''));
}

/** A whole line of shell, as it is. */
export function appendLine(file: string, line: string): void {
  appendFileSync(file, line);
}

/** Inside single quotes a POSIX shell expands nothing; the quote itself is closed, escaped and opened again. */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
