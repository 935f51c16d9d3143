// Looks for patterns of bits at every bit offset of many datagrams.

/** Bits that every pattern has at least; their number decides how seldom a wrong place is looked at twice. */
const PREFIX_BITS = 24;

const MASK = 2 ** PREFIX_BITS - 1;

/** A pattern is its bits in the order of writing, at least 24 of them. */
export class BitSearch {
  readonly #seen = new Uint8Array(2 ** PREFIX_BITS / 8);
  readonly #byPrefix = new Map<number, { readonly name: string; readonly bits: readonly number[] }[]>();

  add(name: string, bits: readonly number[]): void {
    let prefix = 0;
    for (let i = 0; i < PREFIX_BITS; i++) prefix |= (bits[i] ?? 0) << i;
    this.#seen[prefix >> 3] = (this.#seen[prefix >> 3] ?? 0) | (1 << (prefix & 7));
    const known = this.#byPrefix.get(prefix);
    if (known === undefined) this.#byPrefix.set(prefix, [{ name, bits }]);
    else known.push({ name, bits });
  }

  /** Calls `found` with the name of each pattern that stands anywhere in the bytes. */
  search(bytes: Uint8Array, found: (name: string, bit: number) => void): void {
    const total = bytes.length * 8;
    let window = 0;
    for (let i = 0; i < total; i++) {
      window = ((window >>> 1) | (((bytes[i >> 3] ?? 0) >> (i & 7)) << (PREFIX_BITS - 1))) & MASK;
      if (i < PREFIX_BITS - 1 || ((this.#seen[window >> 3] ?? 0) & (1 << (window & 7))) === 0) continue;
      const start = i - PREFIX_BITS + 1;
      for (const { name, bits } of this.#byPrefix.get(window) ?? [])
        if (start + bits.length <= total && bits.every((bit, k) => bitAt(bytes, start + k) === bit))
          found(name, start);
    }
  }
}

const bitAt = (bytes: Uint8Array, at: number): number => ((bytes[at >> 3] ?? 0) >> (at & 7)) & 1;

/** The low `count` bits of a number, lowest first. */
export const bitsOfNumber = (value: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (value >>> i) & 1);

export const bitsOfText = (text: string): number[] =>
  [...new TextEncoder().encode(text)].flatMap((byte) => bitsOfNumber(byte, 8));
