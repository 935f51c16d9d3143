// Fog, cloaks, teams and secrets over bad networks: no bit that a client ever received tells it what it may not know.

import type { Game, RowSet, SnapshotCodec } from '@tickwire/netcode/internal';
import { Rig, type RigClient } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { readText } from '../../packages/netcode/src/simulation/entity.ts';
import { firstDifference } from '../../packages/netcode/src/simulation/rows.ts';
import { MARK } from '../../packages/netcode/src/wire/schema.ts';
import { fogGame, SIGHT } from '../games/fog.ts';
import { Eyes, Places, type Rules, type Sight } from '../property/eyes.ts';
import { BitSearch, bitsOfNumber, bitsOfText } from './bitsearch.ts';
import { FULL } from './play.ts';

const MS = FULL ? 10_000 : 6_000;
const PLAYERS = 4;
const SEATS = 12;

/** Snapshots that are remembered for the comparison; what is held longer is counted, not compared. */
const REMEMBERED = 200;

/** What the rules say, whatever the encoder does. The game of the rig may guard nothing; these rules are the guarded game's. */
const RULES_OF = fogGame(true) as unknown as Game;

interface Watched {
  readonly index: number;
  seat: number;
  readonly datagrams: Uint8Array[];
  lastTick: number;
}

interface Report {
  /** Planted values that the client may never have been told, and those of them that its bytes hold. */
  readonly secrets: number;
  readonly leaked: readonly string[];
  /** Values that it may know and that its bytes hold: shows that the search finds them. */
  readonly found: number;
  readonly rows: number;
  /** Rows that the client holds and should not, or with fields that it should not know. */
  readonly wrongRows: readonly string[];
  readonly bytes: number;
}

/** Notes at each snapshot tick what each seat may know, by plain code. */
class Watch {
  readonly planted = new Map<string, number[]>();
  readonly #allowed = Array.from({ length: SEATS + 1 }, () => new Set<string>());
  readonly #sights = new Map<number, Sight[]>();
  readonly #places = new Places(RULES_OF);
  readonly #eyes = Array.from({ length: SEATS + 1 }, (_, seat) => new Eyes(seat));
  readonly #rig: Rig<never>;
  readonly #rules: Rules;
  rows = 0;
  readonly wrongRows: string[] = [];

  constructor(rig: Rig<never>) {
    this.#rig = rig;
    const world = () => rig.server.room.world as unknown as ReturnType<typeof worldOf>;
    this.#rules = {
      visible: (t) => {
        const name = RULES_OF.schema.rows[t]?.name;
        if (name === 'spy')
          return (seat, id) => {
            const spy = world().spy.get(id);
            return spy?.cloak === 0 || spy?.side === this.#rules.teamOf(seat, 0);
          };
        if (name === 'vault')
          return (seat, id) => world().vault.get(id)?.side === this.#rules.teamOf(seat, 0);
        return undefined;
      },
      teamOf: (seat) => world().players.get(seat)?.side ?? -1,
    };
  }

  note(tick: number): void {
    const saved = this.#rig.server.room.history.get(tick);
    const { cells } = this.#places;
    if (saved === undefined || cells === undefined) return;
    this.#places.take(saved);
    saved.tables.forEach((rows) => {
      for (const [name, bits] of valuesOf(rows)) if (!this.planted.has(name)) this.planted.set(name, bits());
    });
    const players = (this.#rig.server.room.world as unknown as ReturnType<typeof worldOf>).players;
    const sights = this.#eyes.map((eyes, seat) => {
      const player = players.get(seat);
      eyes.look(cells, player === undefined ? undefined : { x: player.eyeX, y: player.eyeY, radius: SIGHT });
      const sight = player === undefined ? [] : eyes.see(RULES_OF, saved, this.#places, this.#rules);
      sight.forEach((rows, t) => {
        for (const row of rows.values())
          for (const [name] of valuesOfRow(RULES_OF.schema.rows[t] as RowSet['schema'], row, 0))
            this.#allowed[seat]?.add(name);
      });
      return sight;
    });
    this.#sights.set(tick, sights);
    this.#sights.delete(tick - REMEMBERED * 3);
  }

  /** Everything that the client holds, field by field, against what its seat could see at the held tick. */
  compare(client: RigClient<never>, watched: Watched): void {
    const { replica, seat } = client.core;
    if (replica === undefined || replica.tick === watched.lastTick) return;
    watched.lastTick = replica.tick;
    watched.seat = seat;
    replica.tables.forEach((rows, t) => {
      for (let i = 0; i < rows.count; i++) {
        const at = i * rows.schema.stride;
        const tick = rows.data[at + MARK] ?? 0;
        const sights = this.#sights.get(tick);
        if (sights === undefined) continue;
        this.rows++;
        const row = sights[seat]?.[t]?.get(rows.id(i));
        const field = row === undefined ? 'row' : firstDifference(rows.schema, rows.data, at, row, 0);
        if (field !== undefined) this.wrongRows.push(`${rows.schema.name} ${rows.id(i)} ${field} at ${tick}`);
      }
    });
  }

  report({ seat, datagrams }: Watched): Report {
    const allowed = this.#allowed[seat] as Set<string>;
    const search = new BitSearch();
    for (const [name, bits] of this.planted) search.add(name, bits);
    const leaked = new Set<string>();
    const found = new Set<string>();
    let bytes = 0;
    for (const datagram of datagrams) {
      bytes += datagram.length;
      search.search(datagram, (name) => (allowed.has(name) ? found : leaked).add(name));
    }
    return {
      secrets: [...this.planted.keys()].filter((name) => !allowed.has(name)).length,
      leaked: [...leaked],
      found: found.size,
      rows: this.rows,
      wrongRows: this.wrongRows,
      bytes,
    };
  }
}

const worldOf = () => new Rig({ game: fogGame(true), seed: 0, clients: 0 }).server.room.world;

type Value = readonly [name: string, bits: () => number[]];

/**
 * The rare values of a row: texts, lists, and pairs of numbers beside each other. Numbers by themselves are too short to be told from
 * chance in millions of bits; two neighbours are 64 bits of a fast snapshot when both are new, each whole and with `11` before the second.
 */
function valuesOfRow(schema: RowSet['schema'], row: Int32Array, at: number): Value[] {
  const values: Value[] = [];
  const word = (name: string): number => row[at + (schema.byName.get(name)?.at ?? 0)] ?? 0;
  for (const { name, field, at: from } of schema.fields) {
    if (field.kind === 'text' && name !== 'name') {
      const text = readText(row, at + from);
      if (text.length > 0) values.push([`"${text}"`, () => bitsOfText(text)]);
    }
    if (field.kind === 'list' && row[at + from] === 2) {
      const [one = 0, two = 0] = row.subarray(at + from + 1, at + from + 3);
      values.push([`[${one} ${two}]`, () => [...bitsOfNumber(one, 31), ...bitsOfNumber(two, 31)]]);
    }
  }
  for (const name of ['a', 'planA', 'codeA', 'purseA']) {
    const second = name === 'a' ? 'b' : name.replace('A', 'B');
    if (!schema.byName.has(name) || word(name) === 0 || word(second) === 0) continue;
    const [one, two] = [word(name), word(second)];
    values.push([`${one} ${two}`, () => [...bitsOfNumber(one, 31), 1, 1, ...bitsOfNumber(two, 31)]]);
  }
  return values;
}

function valuesOf(rows: RowSet): Value[] {
  const { schema, data, count } = rows;
  return Array.from({ length: count }, (_, i) => valuesOfRow(schema, data, i * schema.stride)).flat();
}

/** Plays with people who leave and come back, and gives what each client's bytes told it. */
function play(guarded: boolean, ms: number, codec: SnapshotCodec): Report[] {
  const rig = new Rig({
    game: fogGame(guarded),
    seed: 31,
    clients: PLAYERS,
    codec,
    link: 'mobile',
    drawRate: 5,
    script: (_client, _now, rng) => ({ dx: rng.int(-1, 1), dy: rng.int(-1, 1) }),
  });
  const watch = new Watch(rig as never);
  const watched = new Map<number, Watched>();
  const of = (index: number): Watched => {
    const known = watched.get(index) ?? { index, seat: 0, datagrams: [], lastTick: -1 };
    watched.set(index, known);
    return known;
  };
  rig.onDatagram = (from, client, bytes) => {
    if (from === 'server') of(client.index).datagrams.push(bytes.slice());
  };
  rig.onFrame = (client) => watch.compare(client as never, of(client.index));
  rig.onTick = (tick) => {
    if (tick % 3 === 0) watch.note(tick);
    // The server's spawn counter starts again, so that ids of the dead are soon used again.
    const { controls } = rig.server.room.simulation.core;
    if (tick % 200 === 0) controls[0] = 0;
  };
  rig.run(ms / 3);
  // One leaves and sits down on another seat, one loads the page again.
  const [first, second] = rig.clients;
  if (first !== undefined) rig.leave(first);
  rig.addClient();
  rig.run(ms / 6);
  if (second !== undefined) rig.reload(second);
  rig.run(ms / 2);
  rig.expectClean();
  expect(rig.server.stats().deferredRows).toBeGreaterThan(0);
  return [...watched.values()].map((one) => watch.report(one));
}

describe('secrecy', () => {
  test('[S4] what a client may not see is in no bit that it received, and in nothing that it holds', () => {
    const reports = play(true, MS, 'fast');
    log('secrecy, fast', reports);
    expect(reports.length).toBe(PLAYERS + 1);
    for (const { secrets, leaked, found, rows, wrongRows } of reports) {
      expect(secrets).toBeGreaterThan(MS / 4);
      expect(found).toBeGreaterThan(50);
      expect(rows).toBeGreaterThan(MS / 2);
      expect(wrongRows.slice(0, 5)).toEqual([]);
      expect(leaked.slice(0, 5)).toEqual([]);
    }
  });

  // No value stands in the bits of an arithmetic coder. That a small snapshot says nothing but what is then held shows
  // test/property: each one is written again, bit for bit, from what the client held before and after.
  test('[S4] what a client may not see is in nothing that it holds from small snapshots', () => {
    const reports = play(true, MS, 'small');
    log('secrecy, small', reports);
    for (const { secrets, rows, wrongRows } of reports) {
      expect(secrets).toBeGreaterThan(MS / 4);
      expect(rows).toBeGreaterThan(MS / 2);
      expect(wrongRows.slice(0, 5)).toEqual([]);
    }
  });

  test('[S4] the search would find it: the same game with nothing guarded', () => {
    for (const { leaked, wrongRows } of play(false, 1_500, 'fast')) {
      expect(wrongRows.length).toBeGreaterThan(100);
      expect(leaked.length).toBeGreaterThan(100);
    }
  });
});

function log(what: string, reports: readonly Report[]): void {
  const counts = reports.map(({ wrongRows, leaked, ...rest }) => ({
    ...rest,
    wrong: wrongRows.length,
    leaked: leaked.length,
  }));
  console.log(what, JSON.stringify(counts));
}
