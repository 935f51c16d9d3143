// Entities that come into sight, leave it, or cease to exist.

import { describe, expect, test } from 'vitest';
import { newReplica, type Replica } from '../replication/decode.ts';
import { defineGame } from '../simulation/game.ts';
import { int } from '../wire/fields.ts';
import { Presence } from './presence.ts';

const game = defineGame({
  name: 'presence',
  entities: { rock: { hue: int(0, 3) } },
  command: { go: int(0, 1) },
  step() {},
});
const ROCK = 2;

function snapshot(tick: number, baseline: number, ids: number[], gone: number[] = []): Replica {
  const replica = newReplica(game.schema, 1);
  replica.tick = tick;
  replica.baseline = baseline;
  for (const id of ids) {
    const at = replica.tables[ROCK]?.push(game.schema.rows[ROCK]?.empty as Int32Array, 0) ?? 0;
    (replica.tables[ROCK] as { data: Int32Array }).data[at] = id;
  }
  (replica.gone[ROCK] as Int32Array).set(gone);
  replica.goneCounts[ROCK] = gone.length;
  return replica;
}

function play(...snapshots: Replica[]): string[] {
  const presence = new Presence();
  const heard: string[] = [];
  for (const replica of snapshots) {
    presence.update(replica, {
      entered: (_, id) => heard.push(`${replica.tick}: ${id} enters`),
      left: (_, id, gone) => heard.push(`${replica.tick}: ${id} ${gone ? 'gone' : 'leaves'}`),
    });
  }
  return heard;
}

describe('presence', () => {
  test('[S4] tells an entity that left from one that is gone', () => {
    expect(play(snapshot(3, -1, [5, 8]), snapshot(6, 3, [8]), snapshot(9, 3, [], [8]))).toEqual([
      '3: 5 enters',
      '3: 8 enters',
      '6: 5 leaves',
      '9: 8 gone',
    ]);
  });

  test('an entity that a snapshot against an older baseline lacks is not missed until a newer baseline lacks it', () => {
    const heard = play(
      snapshot(3, -1, [5]),
      snapshot(6, 3, [5, 7]),
      // Written before the server knew that 7 had arrived.
      snapshot(9, 3, [5]),
      snapshot(12, 6, [5, 7]),
      snapshot(15, 9, [5]),
      snapshot(18, 15, [5]),
    );
    expect(heard).toEqual(['3: 5 enters', '6: 7 enters', '18: 7 leaves']);
  });

  test('one that comes back enters again', () => {
    const heard = play(snapshot(3, -1, [5]), snapshot(6, 3, []), snapshot(9, 6, [5]));
    expect(heard).toEqual(['3: 5 enters', '6: 5 leaves', '9: 5 enters']);
  });
});
