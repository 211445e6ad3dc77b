import type { z } from 'zod';
import { sayPlace, type PlaceOf } from './json-text.ts';
import { show } from './show.ts';

type FieldsAt = (path: readonly PropertyKey[]) => { here: readonly string[]; places: ReadonlyMap<string, readonly string[]> };

/** Problems of one file that are told at once. */
const MOST = 3;

/** What zod found, as a person can mend it: line and column, field, value, what is allowed there. */
export function explain(error: z.ZodError, placeOf: PlaceOf, fieldsAt: FieldsAt): string {
  const said = error.issues.flatMap((issue): string[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${sayPlace(placeOf([...issue.path, key], 'name'))}: ${[...issue.path, key].join('.')} is not a field pag0 knows${suggestion(key, issue.path, fieldsAt)}`);
    }
    const field = issue.path.join('.') || 'the file';
    const isSaid = issue.input === undefined || typeof issue.input === 'object' || issue.code === 'custom';
    return [`${sayPlace(placeOf(issue.path))}: ${field}${isSaid ? ':' : ` is ${show(issue.input)}:`} ${issue.message}`];
  });
  const rest = said.length - MOST;
  return said.slice(0, MOST).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}

function suggestion(key: string, path: readonly PropertyKey[], fieldsAt: FieldsAt): string {
  const { here, places } = fieldsAt(path);
  const nearest = closest(key, here);
  const elsewhere = [...places].find(([, names]) => names.includes(key))?.[0];
  const meant = nearest !== null ? `; did you mean ${nearest}?` : elsewhere === undefined ? '' : `; it belongs ${placeName(elsewhere)}`;
  return `${here.length === 0 ? '' : ` (known here: ${here.join(', ')})`}${meant}`;
}

function placeName(place: string): string {
  if (place === '') return 'at the top of the file';
  return place.endsWith('.*') ? `in an entry of "${place.slice(0, -2)}"` : `in "${place.replace('.*', '')}"`;
}

/** A name that is one slip or two away: letters left out, added, changed or turned around. */
function closest(word: string, names: readonly string[]): string | null {
  const ranked = names.map((name) => ({ name, slips: slipsBetween(word.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.slips - b.slips);
  const best = ranked[0];
  return best !== undefined && best.slips <= Math.min(2, Math.floor(word.length / 3)) ? best.name : null;
}

/** Damerau and Levenshtein, with neighbours that were turned around; a word longer than any field is none. */
function slipsBetween(a: string, b: string): number {
  if (a.length > 60) return Number.POSITIVE_INFINITY;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const turned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(changed, turned, rows[i - 1]![j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
