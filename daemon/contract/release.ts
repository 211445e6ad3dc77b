/** Set by `scripts/build.ts`; from sources (tests, `tsx`) there is no build, and the version is one that replaces nothing. */
declare const PAG0_VERSION: string | undefined;
declare const PAG0_BUILD: string | undefined;

export const VERSION: string = typeof PAG0_VERSION === 'string' ? PAG0_VERSION : '0.0.0-source';
export const BUILD: string = typeof PAG0_BUILD === 'string' ? PAG0_BUILD : 'source';
