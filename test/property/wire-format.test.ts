// docs/wire-format.md is the source: its worked examples are parsed out of the page, read, and written again.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bitsOf, codedBytes, fromHex, readDocument, Translator, toHex } from './wire-format.ts';

const page = readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8');
const { game, examples, listings, decisions } = readDocument(page);

describe('the worked examples of docs/wire-format.md', () => {
  test('there are some of every kind of datagram', () => {
    expect(new Set(examples.map(({ kind }) => kind))).toEqual(
      new Set(['hello', 'welcome', 'refused', 'bye', 'probe', 'client', 'server']),
    );
    expect(examples.length).toBeGreaterThanOrEqual(9);
  });

  // Later snapshots name earlier ones, so both directions go through the page in order.
  test('[W2] each hex block is what its description is written as', () => {
    const translator = new Translator(game);
    for (const { kind, name, hex, told } of examples)
      expect(toHex(translator.encode(kind, told)), `${kind} ${name}`).toBe(hex);
  });

  test('[W1] each hex block reads as its description says', () => {
    const translator = new Translator(game);
    for (const { kind, name, hex, told } of examples)
      expect(translator.decode(kind, fromHex(hex)), `${kind} ${name}`).toEqual(told);
  });

  test('listings of bits are the bits of their examples', () => {
    expect(listings.length).toBeGreaterThanOrEqual(2);
    for (const { name, from, bits } of listings) {
      const example = examples.find((one) => `${one.kind} ${one.name}` === name);
      expect(example, name).toBeDefined();
      const all = bitsOf(fromHex(example?.hex ?? ''));
      expect(all.slice(from, from + bits.length), name).toBe(bits);
    }
  });

  test('listings of decisions are the bytes of their examples, to the last bit', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(1);
    for (const { name, from, tokens } of decisions) {
      const example = examples.find((one) => `${one.kind} ${one.name}` === name);
      const bits = bitsOf(codedBytes(tokens));
      expect(tokens.length, name).toBeGreaterThan(50);
      const rest = bitsOf(fromHex(example?.hex ?? '')).slice(from);
      expect(rest, name).toBe(bits.padEnd(rest.length, '0'));
      expect(rest.length - bits.length, name).toBeLessThan(8);
    }
  });

  test('any bit of a handshake example that is flipped is refused or says something else', () => {
    for (const { kind, hex } of examples) {
      if (kind === 'client' || kind === 'server') continue;
      const bytes = fromHex(hex);
      const said = JSON.stringify(new Translator(game).decode(kind, bytes));
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const mutant = bytes.slice();
        mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let read: string;
        try {
          read = JSON.stringify(new Translator(game).decode(kind, mutant));
        } catch {
          continue;
        }
        expect(read, `${kind} bit ${bit}`).not.toBe(said);
      }
    }
  });
});
