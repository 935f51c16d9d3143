import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { Rng } from '@tickwire/netcode';
import { afterAll, describe, expect, test } from 'vitest';
import { readScene } from '../../bench/scene/file.ts';

const folder = mkdtempSync(join(tmpdir(), 'tickwire-scene-'));
afterAll(() => rmSync(folder, { recursive: true }));

function save(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Objects that jump about within what a scene may hold, and the file that says so. */
function invent(seed: number, objects: number, frames: number, top: number) {
  const rng = new Rng(seed);
  const values = new Int32Array(frames * objects * 8);
  const words = new Int16Array(values.length);
  for (let f = 0; f < frames; f++)
    for (let i = 0; i < objects; i++)
      for (let k = 0; k < 8; k++) {
        const at = (f * objects + i) * 8 + k;
        values[at] =
          k === 0 ? rng.int(0, 3) : k < 4 ? rng.int(0, top) : k < 7 ? rng.int(-9000, 9000) : rng.int(0, 1);
        words[f * objects * 8 + k * objects + i] =
          (values[at] as number) - (f > 0 ? (values[at - objects * 8] as number) : 0);
      }
  return { values, file: brotliCompressSync(new Uint8Array(words.buffer)) };
}

describe('scene files', () => {
  test.each([
    { objects: 7, frames: 12, top: 511, lag: 6 },
    { objects: 30, frames: 4, top: 1414, lag: 3 },
    { objects: 1, frames: 50, top: 511, lag: 6 },
  ])('give back what was recorded: $objects objects, $frames frames', ({ objects, frames, top, lag }) => {
    const { values, file } = invent(objects, objects, frames, top);
    const scene = readScene(save('good.br', file));
    expect(scene).toMatchObject({ objects, frames, lag });
    expect(scene.values).toEqual(values);
  });

  test('say what is wrong with them', () => {
    const { file } = invent(1, 10, 5, 511);
    expect(() => readScene(join(folder, 'none.br'))).toThrow('is there such a file?');
    expect(() => readScene(save('plain.br', new Uint8Array(64).fill(7)))).toThrow(
      'not compressed with brotli',
    );
    expect(() => readScene(save('short.br', file.subarray(0, 40)))).toThrow(
      'not compressed with brotli, or cut off',
    );
    expect(() => readScene(save('odd.br', brotliCompressSync(new Uint8Array(30))))).toThrow(
      'not whole objects',
    );
    expect(() => readScene(save('text.br', brotliCompressSync(new Uint8Array(64).fill(99))))).toThrow(
      'no number of objects',
    );
    expect(() => readScene(save('good.br', file), 7)).toThrow('does not hold whole frames of 7 objects');
    expect(() => readScene(save('empty.br', brotliCompressSync(new Uint8Array(0))))).toThrow('0 bytes');
  });
});
