/** Fast 32-bit hashes for schema identity and state comparison. Not for security. */

/** Mixes one 32-bit word into a running hash (the MurmurHash3 body, Appleby 2011). */
export function mix32(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** Spreads the last words over all bits. Gives a u32. */
export function finish32(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function hash32(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = mix32(hash, text.charCodeAt(i));
  return finish32(hash ^ text.length);
}

export function hashWords(words: Int32Array, from: number, to: number, seed: number): number {
  let hash = seed;
  for (let i = from; i < to; i++) hash = mix32(hash, words[i] ?? 0);
  return hash;
}
