import fc from 'fast-check';

/**
 * Laws are tried with the same inputs on every run, so that a red build is about the change. `PAG0_SEED=$RANDOM npm test`
 * tries others; a failure prints its seed.
 */
fc.configureGlobal({ seed: Number(process.env['PAG0_SEED'] ?? 4402) });
