import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assemble } from './assemble.ts';
import { runDaemon } from './lifecycle/run.ts';

/** The daemon's program: started detached by a hook or `pag0 daemon start`, or by hand to watch it work. */
const shipped = fileURLToPath(new URL('../driver', import.meta.url));
const inSources = fileURLToPath(new URL('../plugin/driver', import.meta.url));
await runDaemon({ assemble, driverSource: existsSync(shipped) ? shipped : inSources });
