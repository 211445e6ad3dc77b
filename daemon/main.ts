import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assemble } from './assemble.ts';
import { runDaemon } from './lifecycle/run.ts';
import { takeSecrets } from './wallet/environment.ts';
import { seclude } from './wallet/seclusion.ts';

/** The daemon's program: started detached by a hook or `pag0 daemon start`, or by hand to watch it work. */
const unsecluded = seclude();
const secrets = takeSecrets(process.env);
await runDaemon({
  assemble: (parts) => assemble({ ...parts, secrets, unsecluded, threads: { pageReader: beside('./read-page.mjs', '../plugin/dist/read-page.mjs'), signer: beside('./payer.mjs', '../plugin/dist/payer.mjs') } }),
  driverSource: fileURLToPath(beside('../driver', '../plugin/driver')),
});

/** What is shipped beside the bundle; run from the sources, what was built last. */
function beside(shipped: string, inSources: string): URL {
  const url = new URL(shipped, import.meta.url);
  return existsSync(url) ? url : new URL(inSources, import.meta.url);
}
