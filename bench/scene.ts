/** Bytes per frame on recorded scenes: each frame is coded against the frames of 100 ms ago and before, decoded and compared. */

import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { int } from '@tickwire/netcode';
import { compileRow, HistoryCodec, RangeDecoder, RangeEncoder } from '@tickwire/netcode/internal';
import { readScene, SCENE_FIELDS, type Scene } from './scene/file.ts';

const HELP = `npm run bench:scene -- FILE... [--lag=N] [--objects=N] [--frames=N] [--json]

Codes recorded scenes (brotli of int16[frames][8][objects] differences) without loss, frame by frame, decodes
every frame and compares it. A frame may use what its receiver is known to hold: frames up to N before it.

  --lag=N      frames until a frame is known to be held; otherwise 6 for scenes with 9-bit rotations (60 Hz)
               and 3 for scenes with rotations in thousandths (30 Hz): 100 ms
  --objects=N  objects per frame, if it does not follow from the file
  --frames=N   only the first N frames
  --json       one object as JSON, or {"scenes":[...]} for several files`;

/** Frames that do not count: there is nothing to code them against. */
const UNCOUNTED = 6;

/** Nothing but the kinds of the fields and what they mean together: a place, and a rotation. */
const FIELDS = {
  largest: int(0, 3),
  a: int(0, 2047),
  b: int(0, 2047),
  c: int(0, 2047),
  x: int(-(2 ** 20), 2 ** 20),
  y: int(-(2 ** 20), 2 ** 20),
  z: int(-(2 ** 20), 2 ** 20),
  interacting: int(0, 1),
};

interface Result {
  file: string;
  bytesPerFrame: number;
  encodeUs: number;
  decodeUs: number;
  checked: boolean;
}

function main(): void {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (positionals.length === 0) stop(`Name a scene file.\n\n${HELP}`);
  const results = positionals.map((file) => {
    try {
      const scene = readScene(resolve(process.env.INIT_CWD ?? '.', file), whole(values.objects, 'objects'));
      return measure(file, scene, whole(values.lag, 'lag') ?? scene.lag, whole(values.frames, 'frames'));
    } catch (error) {
      return stop(error instanceof Error ? error.message : String(error));
    }
  });
  if (values.json)
    console.log(JSON.stringify(results.length === 1 ? results[0] : { scenes: results }, null, 2));
  else for (const result of results) console.log(describe(result));
  if (results.some(({ checked }) => !checked)) process.exitCode = 1;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        json: { type: 'boolean' },
        lag: { type: 'string' },
        objects: { type: 'string' },
        frames: { type: 'string' },
      },
    });
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  }
}

function whole(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) stop(`--${name} takes a whole number from 1 on, got ${text}`);
  return Number(text);
}

function measure(file: string, scene: Scene, lag: number, limit = scene.frames): Result {
  const { objects } = scene;
  const frames = Math.min(scene.frames, limit);
  if (frames <= UNCOUNTED)
    throw new Error(`${file} has ${frames} frames; the first ${UNCOUNTED} do not count`);
  const schema = compileRow('body', 0, FIELDS, 60);
  const hints = {
    place: ['x', 'y', 'z'],
    rotation: { largest: 'largest', parts: ['a', 'b', 'c'], step: scene.step, zero: scene.zero },
  } as const;
  const encoder = new HistoryCodec(schema, hints, objects);
  const decoder = new HistoryCodec(schema, hints, objects);
  const rows = new Int32Array(objects * schema.stride);
  const read = new Int32Array(objects * schema.stride);
  const bytes = new Uint8Array(objects * 64 + 64);
  const output = new RangeEncoder();
  const input = new RangeDecoder();
  const first = schema.byName.get('largest')?.at ?? 0;
  let total = 0;
  let encodeMs = 0;
  let decodeMs = 0;
  let checked = true;
  for (let n = 0; n < frames; n++) {
    if (n % 100 === 0) progress(`${basename(file)}: frame ${n} of ${frames}`);
    for (let i = 0; i < objects; i++)
      for (let k = 0; k < SCENE_FIELDS; k++)
        rows[i * schema.stride + first + k] = scene.values[(n * objects + i) * SCENE_FIELDS + k] as number;
    const ahead = n < lag ? n + 1 : lag;
    const start = performance.now();
    if (n >= lag) encoder.know();
    output.open(bytes, 0, bytes.length);
    encoder.code(output, rows, ahead);
    const size = output.finish();
    const middle = performance.now();
    if (n >= lag) decoder.know();
    input.open(bytes, 0, size);
    decoder.code(input, read, ahead);
    input.finish();
    const end = performance.now();
    for (let i = 0; i < rows.length; i++) if (rows[i] !== read[i]) checked = false;
    if (input.failed || output.overflowed) checked = false;
    if (!checked)
      throw new Error(`${file}: frame ${n} was not decoded as it was encoded: a bug in the codec`);
    if (n < UNCOUNTED) continue;
    total += size;
    encodeMs += middle - start;
    decodeMs += end - middle;
  }
  progress('');
  const counted = frames - UNCOUNTED;
  return {
    file,
    bytesPerFrame: round(total / counted, 2),
    encodeUs: round((encodeMs * 1000) / counted, 0),
    decodeUs: round((decodeMs * 1000) / counted, 0),
    checked,
  };
}

function describe({ file, bytesPerFrame, encodeUs, decodeUs }: Result): string {
  return `${basename(file)}: ${bytesPerFrame} bytes per frame, ${encodeUs} us to encode and ${decodeUs} us to decode a frame; all frames compared`;
}

const round = (x: number, digits: number): number => Math.round(x * 10 ** digits) / 10 ** digits;

/** On a terminal the line is rewritten; elsewhere it is kept short. */
function progress(text: string): void {
  if (process.stderr.isTTY && process.env.NO_COLOR === undefined) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '' && / frame \d*(000|500| 0) of /.test(text)) console.error(text);
}

function stop(message: string): never {
  console.error(message);
  process.exit(1);
}

main();
