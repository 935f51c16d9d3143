// Commands: what is written is read, a pull is never lost, and every code that is accepted is the only one.

import { bool, defineGame, press, Rng } from '@tickwire/netcode';
import {
  BitReader,
  BitWriter,
  CommandSampler,
  type CommandSchema,
  type Game,
  readCommand,
  Simulation,
  writeCommand,
} from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { games, randomWord, runs } from './arbitrary.ts';

const MAX = 24;

const pressGame = defineGame({
  name: 'press',
  entities: {},
  command: { held: bool(), jump: press() },
  step() {},
});

function write(schema: CommandSchema, words: Int32Array, count: number): { bytes: Uint8Array; bits: number } {
  const w = new BitWriter(new Uint8Array(8_192));
  for (let i = 1; i <= count; i++)
    writeCommand(w, schema, words, i * schema.words, words, (i - 1) * schema.words);
  return { bits: w.bitLength, bytes: w.bytes.slice(0, w.finish()) };
}

function read(schema: CommandSchema, bytes: Uint8Array, count: number): { words: Int32Array; r: BitReader } {
  const words = new Int32Array((count + 1) * schema.words);
  words.set(schema.neutral);
  const r = new BitReader(bytes);
  for (let i = 1; i <= count && !r.failed; i++)
    readCommand(r, schema, words, i * schema.words, words, (i - 1) * schema.words);
  return { words, r };
}

function randomCommands(game: Game, count: number, rng: Rng): Int32Array {
  const { command } = game.schema;
  const words = new Int32Array((count + 1) * command.words);
  words.set(command.neutral);
  for (let i = 1; i <= count; i++) {
    for (let f = 0; f < command.words; f++) {
      const before = words[(i - 1) * command.words + f] ?? 0;
      const field = command.fields[f]?.field;
      words[i * command.words + f] =
        field !== undefined && rng.chance(0.3) ? randomWord(field, rng, 0) : before;
    }
  }
  return words;
}

describe('commands', () => {
  test('[W1] [W2] come back, and every code that is accepted is the only one', () => {
    let accepted = 0;
    fc.assert(
      fc.property(games, fc.integer(), fc.integer({ min: 1, max: MAX }), (game, seed, count) => {
        const rng = new Rng(seed);
        const { command } = game.schema;
        const words = randomCommands(game as unknown as Game, count, rng);
        const { bytes, bits } = write(command, words, count);
        const back = read(command, bytes, count);
        expect(back.r.failed).toBe(false);
        expect(bytes.length * 8 - back.r.remaining).toBe(bits);
        expect(back.words).toEqual(words);
        for (let n = 0; n < 10; n++) {
          const mutant = bytes.slice();
          for (let k = rng.int(1, 3); k > 0; k--) {
            const bit = rng.int(0, mutant.length * 8 - 1);
            mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          }
          const other = read(command, mutant, count);
          if (other.r.failed || !other.r.align() || other.r.remaining > 0) continue;
          accepted++;
          expect(write(command, other.words, count).bytes).toEqual(mutant);
        }
      }),
      runs(400),
    );
    console.log('command codes accepted after bit flips', accepted);
    expect(accepted).toBeGreaterThan(0);
  });

  test('[P1] pulls sampled at any rate and commands lost in any pattern add up to the pulls made', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            pulls: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }),
            arrives: fc.boolean(),
          }),
          {
            minLength: 1,
            maxLength: 80,
          },
        ),
        (ticks) => {
          const simulation = new Simulation(pressGame, {
            seed: 1,
            options: {},
            seat: -1,
            development: false,
          });
          const { core } = simulation;
          const sampler = new CommandSampler(pressGame.schema.command, core);
          const words = new Int32Array(pressGame.schema.command.words);
          let made = 0;
          let ran = 0;
          let unseen = 0;
          const run = (tick: number): void => {
            sampler.copyTo(words, 0);
            simulation.command(1, words, 0);
            ran += (simulation.commands.get(1) as { jump: number }).jump;
            core.tick = tick;
            unseen = 0;
          };
          ticks.forEach(({ pulls, arrives }, tick) => {
            for (const jump of pulls) {
              sampler.sample({ jump });
              made += jump;
              unseen += jump;
            }
            // A pull counter wraps at 256: a player silent for longer than that is long away.
            if (arrives || unseen > 240) run(tick);
          });
          run(ticks.length);
          expect(ran).toBe(made);
        },
      ),
      runs(300),
    );
  });
});
