import { circle, grid, int } from '@tickwire/netcode';
import { type CommandView, defineGame, NO_NEWER, VIEW_UNITS } from '@tickwire/netcode/internal';
import { describe, expect, it } from 'vitest';
import { ViewQueue } from './views.ts';

const { schema } = defineGame({
  name: 'views',
  entities: { ship: { x: grid(0, 100), y: grid(0, 100) } },
  shapes: { ship: circle(2) },
  command: { dx: int(-1, 1) },
  step() {},
});

const view = (tick: number, older: number, newer = NO_NEWER): CommandView => ({
  time: tick * VIEW_UNITS,
  older,
  newer,
});

/** A queue for one client that was sent all snapshots but those named. */
function queue(...missing: number[]) {
  const views = new ViewQueue(schema);
  const counters = { viewsClamped: 0, viewsForged: 0 };
  let now = 0;
  const sent = (tick: number) => tick % 3 === 0 && tick < now && !missing.includes(tick);
  const take = (tick: number, given?: CommandView) => {
    now = tick;
    if (given !== undefined) views.add(tick, given);
    return { ...views.take(tick, sent, counters) };
  };
  return { views, counters, take };
}

describe('views of commands', () => {
  it('are taken as they came when nothing is wrong with them', () => {
    const { take, counters } = queue();
    expect(take(100, view(85.5, 84, 87))).toEqual(view(85.5, 84, 87));
    expect(take(101, view(88.25, 87, 93))).toEqual(view(88.25, 87, 93));
    expect(take(102, view(100, 99))).toEqual(view(100, 99));
    expect(counters).toEqual({ viewsClamped: 0, viewsForged: 0 });
  });

  it('[L3] go back no further than the game allows, and never behind an earlier one', () => {
    const { take, counters } = queue();
    expect(take(300, view(200, 198, 201))?.time).toBe((300 - schema.maxRewind) * VIEW_UNITS);
    expect(counters).toEqual({ viewsClamped: 1, viewsForged: 1 });
    expect(take(301, view(290, 288, 291))).toEqual(view(290, 288, 291));
    expect(take(302, view(280, 279, 282))).toEqual(view(290, 288, 291));
    expect(counters).toEqual({ viewsClamped: 2, viewsForged: 2 });
  });

  it('[L3] lie between snapshots that were sent', () => {
    const { take, counters } = queue(87, 90);
    // Not sent.
    expect(take(100, view(88, 87, 90))).toEqual(view(88, 84));
    // Sent, but not before the view's time.
    expect(take(101, view(92, 93, 96))).toEqual(view(92, 84, 93));
    // Not sent yet.
    expect(take(102, view(99, 99, 105))).toEqual(view(99, 99));
    // In the future.
    expect(take(103, view(110, 108))?.time).toBe(103 * VIEW_UNITS);
    expect(counters).toEqual({ viewsClamped: 1, viewsForged: 4 });
  });

  it('[L3] are not drawn from a snapshot that is much older than a rewind may go, though it was sent', () => {
    const { take, counters } = queue();
    const limit = 300 - schema.maxRewind - 4 * schema.ticksPerSnapshot;
    expect(take(300, view(290, 150))).toEqual(view(290, 288, 291));
    expect(take(301, view(291, 150, 297))).toEqual(view(291, 291, 294));
    expect(take(303, view(292, limit + 3))).toEqual(view(292, limit + 3));
    // A blackout does that to honest ones.
    expect(counters).toEqual({ viewsClamped: 0, viewsForged: 0 });
  });

  it('go on by a tick where a command is substituted, which is nobody’s fault', () => {
    const { take, counters } = queue();
    take(100, view(85, 84, 87));
    expect(take(101)).toEqual(view(86, 84, 87));
    expect(take(102)).toEqual(view(87, 87, 90));
    // A client whose view runs a little slower does not seem to go back.
    expect(take(103, view(87.5, 87, 90))).toEqual(view(87.5, 87, 90));
    expect(counters).toEqual({ viewsClamped: 0, viewsForged: 0 });
  });

  it('[L4] begin with what the page was sent, and never with the whole world', () => {
    const { views, take } = queue();
    expect(take(100)).toEqual(view(100, 99));
    take(101, view(95, 93, 96));
    views.forget();
    // What the former page held down is substituted.
    expect(take(102)).toEqual(view(102, 99));
    const blind = queue(...Array.from({ length: 70 }, (_, i) => 3 * i));
    expect(blind.take(102)).toEqual(view(102, 0));
  });

  it('begin anew for another page', () => {
    const { views, take, counters } = queue();
    take(100, view(95, 93, 96));
    views.forget();
    expect(take(102, view(80, 78, 81))).toEqual(view(80, 78, 81));
    expect(counters).toEqual({ viewsClamped: 0, viewsForged: 0 });
  });
});
