/**
 * Negative when `a` is older. Semantic versions as far as our own releases use them: three numbers, and a pre-release (`1.0.0-rc.1`)
 * before its release. Text that is not a version is older than any.
 */
export function compareVersions(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  if (left === null || right === null) return (left === null ? 0 : 1) - (right === null ? 0 : 1);
  for (let index = 0; index < 3; index += 1) {
    const difference = left.numbers[index]! - right.numbers[index]!;
    if (difference !== 0) return difference;
  }
  return comparePreReleases(left.pre, right.pre);
}

function parts(version: string): { numbers: number[]; pre: string[] } | null {
  const match = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(version);
  if (match === null) return null;
  return { numbers: match.slice(1, 4).map(Number), pre: match[4] === undefined ? [] : match[4].split('.') };
}

/** semver.org, rule 11: numbers by value and before words, words by character, the longer list later. */
function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const left = a[index];
    const right = b[index];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const numeric = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (numeric[0] && numeric[1]) return Number(left) - Number(right);
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

const OLDEST_NODE = '20.19.0';

/** One sentence when this Node cannot run pag0, else null. Called by the guard that old Nodes can still parse. */
export function nodeProblem(version: string): string | null {
  if (compareVersions(version, OLDEST_NODE) >= 0) return null;
  return `pag0: needs Node 20.19 or newer, and \`node\` here is ${version}; install a newer Node and start the session again. Nothing is limited or counted until then.`;
}

const BUILT_IN_SQLITE = '22.13.0';

/** `node:sqlite` is there without a flag since 22.13 and 23.4. */
export function hasBuiltInSqlite(version: string): boolean {
  return compareVersions(version, BUILT_IN_SQLITE) >= 0 && !(version.startsWith('23.') && compareVersions(version, '23.4.0') < 0);
}
