/** Values as nodes and contracts write them. What is odd is an error: an answer in doubt is none. */

/** A number as JSON-RPC writes it. */
export function quantity(value: unknown): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(value)) throw new Error('not a number');
  return BigInt(value);
}

/** One word as a contract returns it. An address without a contract returns nothing, which is not zero. */
export function word(value: unknown): bigint {
  return BigInt(bytes32(value));
}

/** 32 bytes, in lower case. */
export function bytes32(value: unknown): string {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(value)) throw new Error('not a word');
  return value.toLowerCase();
}

export function hex(number: bigint): string {
  return `0x${number.toString(16)}`;
}

/** 32 bytes of hex without their `0x`. */
export function padded(value: string): string {
  return value.slice(2).toLowerCase().padStart(64, '0');
}
