import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

type Json = Record<string, unknown>;

export interface SettingsFile {
  file: string;
  /** null: there is none yet. */
  text: string | null;
  value: Json;
}

export type SettingsRead = { ok: true; settings: SettingsFile } | { ok: false; sentence: string };

/** The client's settings in a file of the user's. What cannot be read as such is not touched. */
export function readSettings(file: string): SettingsRead {
  let text: string | null = null;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code !== 'ENOENT') return { ok: false, sentence: `${file} cannot be read (${code}), so nothing was changed; mend that first.` };
  }
  if (text === null || text.trim() === '') return { ok: true, settings: { file, text, value: {} } };
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return { ok: true, settings: { file, text, value } };
  } catch {
    // Said below.
  }
  return { ok: false, sentence: `${file} is not a JSON object, so nothing was changed; mend it first.` };
}

/** What is under two names, one below the other. `wrong`: one of the names above it holds something else than fields. */
export function fieldIn({ value }: SettingsFile, [outer, inner, name]: Path): { value: unknown } | { wrong: string } {
  const above = value[outer];
  if (above === undefined) return { value: undefined };
  if (!isObject(above)) return { wrong: outer };
  const below = above[inner];
  if (below === undefined) return { value: undefined };
  return isObject(below) ? { value: below[name] } : { wrong: `${outer}.${inner}` };
}

export type Path = readonly [outer: string, inner: string, name: string];

/** One field set, or taken away with what it leaves empty; all others stay as they are and where they are. */
export function withField(value: Json, [outer, inner, name]: Path, field: unknown): Json {
  const above = isObject(value[outer]) ? value[outer] : {};
  const below = isObject(above[inner]) ? above[inner] : {};
  return put(value, outer, put(above, inner, put(below, name, field)));
}

function put(object: Json, name: string, value: unknown): Json {
  const { [name]: _former, ...others } = object;
  const isGone = value === undefined || (isObject(value) && Object.keys(value).length === 0);
  return isGone ? others : { ...object, [name]: value };
}

/** In one step, through a link to where it leads, indented and ended as it was. */
export function writeSettings({ file, text }: SettingsFile, value: Json): void {
  const indent = /^([ \t]+)"/m.exec(text ?? '')?.[1] ?? '  ';
  const plain = JSON.stringify(value, null, indent) + (text === null || text.trim() === '' || /\n\s*$/.test(text) ? '\n' : '');
  const target = text === null ? file : realpathSync(file);
  mkdirSync(dirname(target), { recursive: true });
  const mode = text === null ? 0o600 : statSync(target).mode & 0o777;
  const draft = `${target}.pag0-${process.pid}`;
  writeFileSync(draft, text?.includes('\r\n') === true ? plain.replaceAll('\n', '\r\n') : plain, { mode });
  chmodSync(draft, mode);
  renameSync(draft, target);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
