/**
 * Scene files: recorded rigid bodies, eight integers each, for comparing codecs on the same motion.
 *
 *     brotli of int16[frames][8][objects]: per field, the difference to the frame before (the first frame: to zero)
 *     the eight: rotation_largest 0..3, rotation_a, _b, _c, position_x, _y, _z, interacting 0 or 1
 *
 * The file does not say how many objects it has, nor its rate: both follow from the numbers.
 */

import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** Integers per object and frame. */
export const SCENE_FIELDS = 8;

export interface Scene {
  readonly objects: number;
  readonly frames: number;
  /** [frame][object][field]. */
  readonly values: Int32Array;
  /** Frames between a frame and the newest that its receiver is known to hold: 100 ms. */
  readonly lag: number;
  /** Rotation parts are (stored - zero) * step. */
  readonly step: number;
  readonly zero: number;
}

/** The two forms in use. Parts are 9 bits over +-sqrt(1/2) at 60 Hz, or in thousandths from -sqrt(1/2) on at 30 Hz. */
const NINE_BITS = { lag: 6, step: Math.SQRT2 / 511, zero: 255.5 };
const THOUSANDTHS = { lag: 3, step: 0.001, zero: Math.SQRT1_2 / 0.001 };
const LARGEST_NINE_BIT_PART = 511;
const LARGEST_THOUSANDTH = 1415;

/** Reads a scene, or throws with a sentence that says what is wrong with the file. */
export function readScene(path: string, objects?: number): Scene {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    throw new Error(`cannot read ${path}: is there such a file?`);
  }
  let bytes: Buffer;
  try {
    bytes = brotliDecompressSync(file);
  } catch {
    throw new Error(`${path} is not a scene: it is not compressed with brotli, or cut off`);
  }
  if (bytes.length === 0 || bytes.length % (2 * SCENE_FIELDS) !== 0)
    throw new Error(`${path} is not a scene: ${bytes.length} bytes are not whole objects of 8 int16`);
  const words = new Int16Array(bytes.length / 2);
  for (let i = 0; i < words.length; i++) words[i] = bytes.readInt16LE(i * 2);
  const count = objects ?? findObjects(words);
  if (count === undefined || words.length % (count * SCENE_FIELDS) !== 0)
    throw new Error(
      objects === undefined
        ? `${path} is not a scene: no number of objects makes its rotations valid`
        : `${path} does not hold whole frames of ${objects} objects`,
    );
  const values = addUp(words, count);
  const top = largestPart(values);
  if (!isScene(values) || top > LARGEST_THOUSANDTH)
    throw new Error(`${path} is not a scene of ${count} objects: rotations or flags are out of range`);
  return {
    objects: count,
    frames: words.length / (count * SCENE_FIELDS),
    values,
    ...(top > LARGEST_NINE_BIT_PART ? THOUSANDTHS : NINE_BITS),
  };
}

/** The one number of objects for which every object of every frame has one of four largest parts, and a flag. */
function findObjects(words: Int16Array): number | undefined {
  const total = words.length / SCENE_FIELDS;
  for (let frames = 1; frames <= total; frames++) {
    if (total % frames !== 0) continue;
    const objects = total / frames;
    if (fits(words, objects, 0, 3) && fits(words, objects, 7, 1)) return objects;
  }
  return undefined;
}

/** Whether a field stays within 0..top in all frames. */
function fits(words: Int16Array, objects: number, field: number, top: number): boolean {
  const sums = new Int32Array(objects);
  for (let at = field * objects; at < words.length; at += SCENE_FIELDS * objects)
    for (let i = 0; i < objects; i++) {
      const sum = (sums[i] as number) + (words[at + i] as number);
      if (sum < 0 || sum > top) return false;
      sums[i] = sum;
    }
  return true;
}

function addUp(words: Int16Array, objects: number): Int32Array {
  const size = objects * SCENE_FIELDS;
  const values = new Int32Array(words.length);
  for (let frame = 0; frame < words.length; frame += size)
    for (let field = 0; field < SCENE_FIELDS; field++)
      for (let i = 0; i < objects; i++) {
        const to = frame + i * SCENE_FIELDS + field;
        const before = frame > 0 ? (values[to - size] as number) : 0;
        values[to] = before + (words[frame + field * objects + i] as number);
      }
  return values;
}

function isScene(values: Int32Array): boolean {
  for (let at = 0; at < values.length; at += SCENE_FIELDS) {
    const largest = values[at] as number;
    const flag = values[at + 7] as number;
    if (largest < 0 || largest > 3 || flag < 0 || flag > 1) return false;
    for (let i = 1; i < 4; i++) if ((values[at + i] as number) < 0) return false;
  }
  return true;
}

function largestPart(values: Int32Array): number {
  let top = 0;
  for (let at = 0; at < values.length; at += SCENE_FIELDS)
    for (let i = 1; i < 4; i++) if ((values[at + i] as number) > top) top = values[at + i] as number;
  return top;
}
