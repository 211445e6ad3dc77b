import { lstatSync, mkdirSync, readdirSync, unlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';

export interface Folder {
  /** Makes a new file, readable by its owner alone, and gives its path. */
  write(name: string, text: string): string;
  remove(file: string): void;
}

/** A folder for secrets that do not outlive this daemon. What an earlier one left in it is removed. */
export function createFolder(dir: string): Folder {
  open(dir);
  for (const name of readdirSync(dir)) remove(join(dir, name));
  return {
    write(name, text) {
      const file = join(dir, name);
      try {
        writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
      } catch (error) {
        // Somebody tidied up while we run.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        open(dir);
        writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
      }
      return file;
    },
    remove,
  };
}

/** A link in its place is somebody else's idea of where our secrets should go. */
function open(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!lstatSync(dir).isDirectory()) throw new Error(`${dir} is not a folder; delete it and start the session again`);
  chmodSync(dir, 0o700);
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Gone already; and the secret in it admits nobody any more either way.
  }
}
