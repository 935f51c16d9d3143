// The views that travel with commands: what is written is read, and everything else is refused.

import { readFileSync } from 'node:fs';
import {
  BitReader,
  BitWriter,
  type CommandView,
  NO_NEWER,
  newView,
  readView,
  VIEW_UNITS,
  writeView,
} from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from './arbitrary.ts';

const interval = fc.constantFrom(1, 2, 3, 6);

/** Views of commands in a row: most go on by about a tick between neighbouring snapshots, some jump. */
const views = interval.chain((every) =>
  fc
    .record({
      first: fc.integer({ min: 100, max: 1_000_000 }),
      lag: fc.integer({ min: 0, max: 100 * VIEW_UNITS }),
      steps: fc.array(
        fc.record({
          drift: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -VIEW_UNITS, max: VIEW_UNITS })),
          back: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9 })),
          on: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 9 })),
        }),
        { minLength: 1, maxLength: 24 },
      ),
    })
    .map(({ first, lag, steps }) => {
      let time = first * VIEW_UNITS - lag;
      const list = steps.map(({ drift, back, on }, i) => {
        const tick = first + i;
        time = Math.min(tick * VIEW_UNITS, time + (i === 0 ? 0 : VIEW_UNITS) + drift);
        const last = Math.floor(time / VIEW_UNITS / every) * every;
        const view = {
          time,
          older: Math.max(0, last - back * every),
          newer: on === 0 ? NO_NEWER : last + on * every,
        };
        return { tick, view };
      });
      return { every, list };
    }),
);

function write(
  list: readonly { tick: number; view: CommandView }[],
  every: number,
): { bytes: Uint8Array; bits: number } {
  const bytes = new Uint8Array(1164);
  const w = new BitWriter(bytes);
  list.forEach(({ tick, view }, i) => {
    writeView(w, view, tick, list[i - 1]?.view, every);
  });
  const bits = w.bitLength;
  return { bytes: bytes.slice(0, w.finish()), bits };
}

function read(bytes: Uint8Array, ticks: readonly number[], every: number): CommandView[] | undefined {
  const r = new BitReader(bytes);
  const found: CommandView[] = [];
  ticks.forEach((tick, i) => {
    const view = newView();
    readView(r, view, tick, found[i - 1], every);
    found.push(view);
  });
  return r.align() && !r.failed && r.remaining === 0 ? found : undefined;
}

test('[W2] views of commands are read as they were written', () => {
  fc.assert(
    fc.property(views, ({ every, list }) => {
      const { bytes } = write(list, every);
      const ticks = list.map(({ tick }) => tick);
      expect(read(bytes, ticks, every)).toEqual(list.map(({ view }) => view));
    }),
    runs(500),
  );
});

test('[W1] any bits are views within reach, written in the one way, or refused', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 24 }),
      fc.integer({ min: 1, max: 5_000 }),
      interval,
      (bytes, tick, every) => {
        for (let count = 1; count < 8; count++) {
          const ticks = Array.from({ length: count }, (_, i) => tick + i);
          const found = read(bytes, ticks, every);
          if (found === undefined) continue;
          taken++;
          for (const [i, { time, older, newer }] of found.entries()) {
            expect(time >= 0 && time <= (tick + i) * VIEW_UNITS).toBe(true);
            expect(older >= 0 && older % every === 0 && older * VIEW_UNITS <= time).toBe(true);
            expect(newer === NO_NEWER || (newer % every === 0 && newer * VIEW_UNITS > time)).toBe(true);
          }
          const list = found.map((view, i) => ({ tick: tick + i, view }));
          expect(write(list, every).bytes).toEqual(bytes);
        }
      },
    ),
    runs(2_000),
  );
  expect(taken).toBeGreaterThan(0);
});

/** The worked example of the page: its bits, line by line. */
const lines =
  /^```section views\n([\s\S]*?)^```$/m
    .exec(readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8'))?.[1]
    ?.trim()
    .split('\n') ?? [];

test('[W2] the worked example of docs/wire-format.md is what is written', () => {
  const told = lines.map((line) => /^[01 ]+/.exec(line)?.[0].replace(/ /g, '') ?? '').join('');
  const { bytes, bits } = write(
    [
      { tick: 610, view: { time: 590.5 * VIEW_UNITS, older: 588, newer: 591 } },
      { tick: 611, view: { time: 591.5 * VIEW_UNITS, older: 591, newer: 597 } },
      { tick: 612, view: { time: 592.5 * VIEW_UNITS + 2, older: 591, newer: 597 } },
    ],
    3,
  );
  const r = new BitReader(bytes);
  expect(Array.from({ length: bits }, () => r.read(1)).join('')).toBe(told);
});

test('a view costs a few bits: the first of a packet 14, the others 4 while frames and snapshots come in time', () => {
  const list = Array.from({ length: 8 }, (_, i) => {
    const time = (1_000 + i) * VIEW_UNITS - 22 * VIEW_UNITS + (i % 2);
    const older = Math.floor(time / VIEW_UNITS / 3) * 3;
    return { tick: 1_000 + i, view: { time, older, newer: older + 3 } };
  });
  const first = write(list.slice(0, 1), 3).bits;
  expect(first).toBeLessThanOrEqual(16);
  expect((write(list, 3).bits - first) / 7).toBeLessThanOrEqual(4);
});
