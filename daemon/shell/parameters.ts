import { UNKNOWN } from '../core/invocation.ts';
import { valueOf, type Scope, type Value } from './scope.ts';

/** null: cannot be told. `nonEmpty` is the colon of `:-`. */
export function isSet(value: Value | undefined, nonEmpty: boolean, sourced: boolean): boolean | null {
  if (value === undefined) return sourced ? null : false;
  if (typeof value !== 'string') {
    if (value.length !== 1) return value.includes(null) ? null : value.length > 0;
    return isSet(value[0] ?? UNKNOWN, nonEmpty, sourced);
  }
  if (value.replaceAll(UNKNOWN, '') !== '') return true;
  return value !== '' ? null : !nonEmpty;
}

/** `${x%/}` and `${x#https://}` with plain text to remove; a pattern would have to be matched as the shell does it. */
export function removed(value: Value | undefined, operator: string, pattern: string): Value {
  if (typeof value !== 'string' || /[*?[\]\\()]/.test(pattern) || pattern.includes(UNKNOWN)) return UNKNOWN;
  if (operator.startsWith('%')) {
    if (value.endsWith(UNKNOWN)) return UNKNOWN;
    return value.endsWith(pattern) ? value.slice(0, value.length - pattern.length) : value;
  }
  if (value.startsWith(UNKNOWN)) return UNKNOWN;
  return value.startsWith(pattern) ? value.slice(pattern.length) : value;
}

export function parameterValue(name: string, scope: Scope): Value | undefined {
  if (name === '@' || name === '*') return scope.positional;
  if (name === '#') return scope.positional.includes(null) ? UNKNOWN : String(scope.positional.length);
  if (/^[1-9]\d*$/.test(name)) return positional(scope, Number(name));
  return /^[A-Za-z_]/.test(name) ? valueOf(scope, name) : UNKNOWN;
}

function positional(scope: Scope, number: number): string {
  const before = scope.positional.slice(0, number);
  return before.includes(null) ? UNKNOWN : (scope.positional[number - 1] ?? '');
}

export function positionalFrom(scope: Scope, number: number): Value {
  return scope.positional.slice(0, number - 1).includes(null) ? [null] : scope.positional.slice(number - 1);
}

export function elementOf(value: Value | undefined, index: string | undefined): Value | undefined {
  if (index === undefined || index === '@' || index === '*' || value === undefined) return value;
  if (typeof value === 'string') return index === '0' ? value : UNKNOWN;
  if (!/^\d+$/.test(index) || value.slice(0, Number(index) + 1).includes(null)) return UNKNOWN;
  return value[Number(index)] ?? '';
}

export function lengthOf(value: Value | undefined): string {
  if (value === undefined || value.includes(UNKNOWN) || (typeof value !== 'string' && value.includes(null))) return UNKNOWN;
  return String(value.length);
}
