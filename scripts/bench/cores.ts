import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

/**
 * What is measured on one core and whoever asks on another, where the machine lets us say so: else they fight for both.
 * Put before the command line of whatever is measured.
 */
export const ON_FIRST_CORE: readonly string[] = pin(process.pid, '1-') ? ['taskset', '-c', '0'] : [];

function pin(pid: number, cores: string): boolean {
  const last = cpus().length - 1;
  return last > 0 && spawnSync('taskset', ['-acp', `${cores}${last}`, String(pid)], { stdio: 'ignore' }).status === 0;
}
