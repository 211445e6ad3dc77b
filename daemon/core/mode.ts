/**
 * `shadow`: pag0 watches. It refuses nothing, asks nobody, ends nothing and pays nothing, and writes down what it would have
 * done. Only what a policy says is relaxed so: pag0's own files, who counts as a person, and the wallet are as ever.
 */
export type Mode = 'enforce' | 'shadow';

/** A project's file can only lead out of the shadow. */
export function tightenMode(user: Mode, project: Mode | undefined): Mode {
  return user === 'enforce' || project === 'enforce' ? 'enforce' : 'shadow';
}

export function enforces(mode: Mode): boolean {
  return mode === 'enforce';
}

/** What becomes of a "no": it stands, or is only written down. Every verdict that a policy gives comes by here. */
export function ruled<No>(mode: Mode, no: No | null): { stands: No | null; shadow: No | null } {
  return enforces(mode) ? { stands: no, shadow: null } : { stands: null, shadow: no };
}
