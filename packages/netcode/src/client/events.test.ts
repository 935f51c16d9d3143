import { describe, expect, it } from 'vitest';
import { event } from '../simulation/events.ts';
import { defineGame } from '../simulation/game.ts';
import { int } from '../wire/fields.ts';
import { ClientEvents } from './events.ts';
import type { ClientEvent } from './types.ts';

const { schema } = defineGame({
  name: 'shown',
  maxPlayers: 4,
  entities: {},
  command: { go: int(0, 1) },
  events: { beep: event({ n: int(0, 99) }), blip: event({ n: int(0, 99) }) },
  step() {},
});
const ME = 1;

/** A client's side by hand: what is simulated, what the server tells, what comes out. */
class Page {
  readonly out: ClientEvent[] = [];
  readonly events = new ClientEvents(
    schema,
    (one) => this.out.push(one),
    () => undefined,
  );

  constructor() {
    this.events.seat = ME;
  }

  /** Simulates a tick in which the rules raise these. */
  tick(tick: number, ...numbers: number[]): this {
    this.events.begin(tick);
    numbers.forEach((n, index) => {
      this.events.raise(raised(tick, n, ME, index));
    });
    return this;
  }

  draw(viewTick: number): string[] {
    this.events.release(viewTick);
    return this.said();
  }

  said(): string[] {
    return this.out.splice(0).map((one) => {
      if (one.type === 'event') return `${one.fields['n']}${one.predicted ? '?' : ''}`;
      return one.type === 'event-settled' ? `${one.id} ${one.verdict}` : one.type;
    });
  }
}

function raised(tick: number, n: number, owner = ME, index = 0, type = 0) {
  const row = schema.events[type]?.row;
  const words = row?.empty.slice() ?? new Int32Array(0);
  words[row?.byName.get('n')?.at ?? 0] = n;
  return { tick, type, owner, index, words };
}

describe('events of a client', () => {
  it('[E1] shows its own once, however often their tick is replayed', () => {
    const page = new Page();
    expect(page.tick(10, 1, 2).draw(5)).toEqual(['1?', '2?']);
    page.tick(11).tick(10, 1, 2).tick(11).tick(10, 1, 2).tick(11).tick(12);
    expect(page.draw(6)).toEqual([]);
    page.events.take([raised(10, 1), raised(10, 2, ME, 1)]);
    page.events.settle(12);
    expect(page.said()).toEqual(['1 confirmed', '2 confirmed']);
    // A repeated packet.
    page.events.take([raised(10, 1)]);
    expect(page.draw(20)).toEqual([]);
    expect(page.events.stats).toMatchObject({ predicted: 2, confirmed: 2, confirmedLate: 0, repeated: 1 });
  });

  it('[E1] takes a press that a replay moves to a later tick, and again to a later one, for the same', () => {
    const page = new Page();
    page.tick(10, 7).tick(11).tick(12).tick(13).tick(14);
    expect(page.draw(3)).toEqual(['7?']);
    // Snapshots 11 and 13 came without it; each time the next command brings it.
    page.events.settle(11);
    page.tick(12, 7).tick(13).tick(14);
    page.events.settle(13);
    page.tick(14, 7).tick(15);
    page.events.take([raised(14, 7)]);
    expect(page.draw(4)).toEqual(['1 confirmed']);
    expect(page.events.stats).toMatchObject({ predicted: 1, confirmedLate: 1, rejected: 0 });
  });

  it('[E1] takes what the server raised at another tick for it, in the order of the presses', () => {
    const page = new Page();
    page.tick(10, 1).tick(12, 2).tick(20);
    page.draw(3);
    page.events.take([raised(12, 2), raised(13, 1)]);
    expect(page.draw(3)).toEqual(['2 confirmed', '1 confirmed']);
    // Of another type, or another player's, it is another event.
    page.tick(21, 3);
    page.events.take([raised(21, 3, ME, 0, 1), raised(21, 3, 2)]);
    page.tick(22);
    expect(page.draw(30)).toEqual(['3?', '3', '3']);
  });

  it('[E2] rejects what the server settled without, a moment later, and not in the middle of a replay', () => {
    const page = new Page();
    page.tick(10, 1).tick(11).tick(30);
    page.draw(3);
    page.events.settle(15);
    expect(page.said()).toEqual([]);
    page.tick(20);
    page.events.settle(18);
    expect(page.said()).toEqual([]);
    page.tick(31);
    page.events.settle(19);
    expect(page.said()).toEqual(['1 rejected']);
    expect(page.events.stats.rejected).toBe(1);
  });

  it('[E2] one that was rejected before a frame showed it leaves no trace; one that was confirmed is shown then', () => {
    const page = new Page();
    page.tick(10, 1).tick(11, 2).tick(40);
    page.events.take([raised(11, 2)]);
    page.events.settle(30);
    expect(page.draw(12)).toEqual(['2']);
  });

  it('[E2] calls it unknown when nothing was heard for longer than it lives', () => {
    const page = new Page();
    page.tick(10, 1).tick(200);
    page.draw(3);
    page.events.settle(150);
    expect(page.said()).toEqual(['1 unknown']);
  });

  it("[E5] holds others' back until the view is there, in order, and drops what is too old by then", () => {
    const page = new Page();
    page.events.take([raised(30, 2, 3), raised(25, 1, 2), raised(26, 9)]);
    // Its own, which it had not predicted, comes at once.
    expect(page.draw(24.9)).toEqual(['9']);
    expect(page.draw(30)).toEqual(['1', '2']);
    page.events.take([raised(31, 3, 2)]);
    expect(page.draw(92)).toEqual([]);
    expect(page.events.stats).toMatchObject({ told: 3, expired: 1 });
  });

  it('holds a bounded number of everything', () => {
    const page = new Page();
    for (let tick = 1; tick <= 2_000; tick++) {
      page.tick(tick, 1);
      page.events.take([raised(tick, 2, 2)]);
    }
    expect(page.events.stats.dropped).toBe(2 * 2_000 - 2 * 256);
    expect(page.draw(2_000).length).toBe(61 + 61);
  });
});
