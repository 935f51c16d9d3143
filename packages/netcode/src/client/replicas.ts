/** The snapshots that this client holds: baselines for those to come, and what others are drawn from. */

import { History } from '../base/history.ts';
import { MAX_TICK, type Tick } from '../base/units.ts';
import { newReplica, type Replica, SnapshotDecoder } from '../replication/decode.ts';
import { BASELINE_BITS, BASELINE_WINDOW, readControls } from '../replication/packets.ts';
import { controlWords } from '../simulation/commands.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { BitReader } from '../wire/bits.ts';

/** Why a snapshot was not taken. */
export type SnapshotRefusal = 'bad-value' | 'stale-snapshot' | 'unknown-baseline' | 'malformed-snapshot';

/** The snapshots around a moment. `older` is undefined before the first, `newer` past the newest. */
export interface Around {
  older: Replica | undefined;
  newer: Replica | undefined;
}

/** Snapshots later than this are of no use, and what they may refer to may be forgotten. */
const MOST_LATE = 31;

export class Replicas {
  /** The snapshot with the highest tick. */
  newest: Replica | undefined;
  readonly #schema: GameSchema;
  readonly #decoder: SnapshotDecoder;
  /** By snapshot number (tick / ticksPerSnapshot), so that the ring has no holes. */
  readonly #ring = new History<Replica>(BASELINE_WINDOW + 1);
  readonly #byTick = {
    get: (tick: Tick): Replica | undefined => this.#ring.get(tick / this.#schema.ticksPerSnapshot),
  };
  /** What comes next is decoded into this one; the ring stays as it is until the packet is accepted. */
  #spare: Replica;
  #lost = false;
  readonly #around: Around = { older: undefined, newer: undefined };

  constructor(schema: GameSchema) {
    this.#schema = schema;
    this.#decoder = new SnapshotDecoder(schema);
    this.#spare = this.#fresh();
  }

  /** The tick to acknowledge; undefined for "none". */
  get acknowledged(): Tick | undefined {
    return this.#lost ? undefined : this.newest?.tick;
  }

  /** Reads a snapshot beside the ring. `keep` it once the whole packet is accepted. */
  read(r: BitReader, tick: Tick): Replica | SnapshotRefusal {
    const { ticksPerSnapshot } = this.#schema;
    if (tick % ticksPerSnapshot !== 0 || tick > MAX_TICK) return 'bad-value';
    const number = tick / ticksPerSnapshot;
    const newest = this.newest === undefined ? -1 : this.newest.tick / ticksPerSnapshot;
    if (number <= newest - MOST_LATE || this.#ring.get(number) !== undefined) return 'stale-snapshot';
    const age = r.read(BASELINE_BITS);
    const baseline = age === 0 ? undefined : this.#ring.get(number - age);
    if (age > 0 && baseline === undefined) {
      // What the server believes is held here is not: from now on "none" is acknowledged, until a snapshot fits [S1].
      if (number > newest) this.#lost = true;
      return 'unknown-baseline';
    }
    readControls(r, this.#spare.controls, baseline?.controls);
    this.#decoder.decode(r, baseline, tick, this.#spare, this.#byTick);
    return r.failed ? 'malformed-snapshot' : this.#spare;
  }

  /** Takes what `read` gave last. True when it is the newest now. */
  keep(replica: Replica): boolean {
    const number = replica.tick / this.#schema.ticksPerSnapshot;
    this.#spare = this.#ring.recycle(number) ?? this.#fresh();
    this.#ring.set(number, replica);
    if (this.newest !== undefined && replica.tick <= this.newest.tick) return false;
    this.newest = replica;
    this.#lost = false;
    return true;
  }

  /** The snapshot of a tick, while it is held. */
  at(tick: Tick): Replica | undefined {
    return tick < 0 ? undefined : this.#byTick.get(tick);
  }

  /** The snapshots on both sides of a fractional tick. One object is reused: read it before the next call. */
  around(tick: number): Readonly<Around> {
    const found = this.#around;
    found.older = undefined;
    found.newer = undefined;
    const { ticksPerSnapshot } = this.#schema;
    const first = (this.newest?.tick ?? -1) / ticksPerSnapshot;
    for (let back = 0; back <= BASELINE_WINDOW && back <= first; back++) {
      const replica = this.#ring.get(first - back);
      if (replica === undefined) continue;
      if (replica.tick <= tick) {
        found.older = replica;
        break;
      }
      found.newer = replica;
    }
    return found;
  }

  /** Holds nothing any more: the next snapshot comes against the empty baseline. */
  clear(): void {
    this.#ring.clear();
    this.newest = undefined;
    this.#lost = false;
  }

  #fresh(): Replica {
    return newReplica(this.#schema, controlWords(this.#schema.command));
  }
}
