// Requests and large transfers beside play: answered once, moved whole, and no snapshot the later or the smaller for it.
import { type ClientEvent, type Outcome, type Transfer } from '@tickwire/netcode/client';
import { type ProfileName, Rig, type RigOptions } from '@tickwire/netcode/testing';
import { replay } from '@tickwire/server/core';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import { accountedFor, type BoxesRig, type BoxesShape, FULL, Hands, settle } from './play.ts';

const MIB = 1024 * 1024;
const PLAYERS = 4;

type RigClient = BoxesRig['clients'][number];

function start(options: Partial<RigOptions<BoxesShape>> = {}): { rig: BoxesRig; hands: Hands } {
  const hands = new Hands();
  const rig = new Rig({
    game: boxes,
    seed: 1,
    clients: PLAYERS,
    link: 'wifi',
    script: hands.script,
    ...options,
  });
  return { rig, hands };
}

/** Bytes that no codec would shrink, the same for the same seed. */
function mapData(length: number, seed = 7): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Bit for bit, without the seconds that a matcher takes for a million numbers. */
const same = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0;

const incoming = (client: RigClient): Transfer[] =>
  client.events.flatMap((event) => (event.type === 'transfer' ? [event.transfer] : []));

/** What the server sent to its clients, by what the datagrams held. */
class Tap {
  snapshots = 0;
  snapshotDatagrams = 0;
  lane = 0;
  bytes = 0;
  /** Snapshots that clients got, and the longest time between two of them, in ms. */
  applied = 0;
  longestGap = 0;
  readonly #last = new Map<number, number>();

  constructor(rig: BoxesRig) {
    rig.onDatagram = (from, _client, bytes) => {
      if (from !== 'server' || bytes[0] !== 5) return;
      this.bytes += bytes.length;
      // Header 80 bits, tick 32, report 1 or 19, then the bit that says whether a snapshot follows.
      const report = (bytes[14] ?? 0) & 1;
      const bit = report === 1 ? 80 + 32 + 19 : 80 + 32 + 1;
      if ((((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1) this.snapshotDatagrams++;
      else this.lane++;
    };
  }

  note(rig: BoxesRig, client: number, tick: number): void {
    const last = this.#last.get(client);
    this.applied++;
    if (last !== undefined && tick > last) this.longestGap = Math.max(this.longestGap, rig.now - last);
    this.#last.set(client, rig.now);
  }
}

interface Measured {
  readonly ms: number;
  readonly sent: number;
  readonly skipped: number;
  readonly applied: number;
  readonly tap: Tap;
  readonly rtt: number;
}

/** Plays for `ms` and measures what snapshots did meanwhile. */
function measure(rig: BoxesRig, ms: number, until: () => boolean = () => false): Measured {
  const sessions = rig.clients.map(({ core }) => rig.server.session(core.seat));
  const total = (key: 'snapshotsSent' | 'snapshotsSkipped'): number =>
    sessions.reduce((sum, session) => sum + (session?.[key] ?? 0), 0);
  const applied = (): number => rig.clients.reduce((sum, { core }) => sum + core.stats().snapshots, 0);
  const [sent, skipped, shown, from] = [total('snapshotsSent'), total('snapshotsSkipped'), applied(), rig.now];
  const tap = new Tap(rig);
  let rtt = 0;
  let samples = 0;
  while (rig.now < from + ms && !until()) {
    rig.run(50);
    for (const { core } of rig.clients) {
      rtt += core.stats().rtt;
      samples++;
    }
  }
  return {
    ms: rig.now - from,
    sent: total('snapshotsSent') - sent,
    skipped: total('snapshotsSkipped') - skipped,
    applied: applied() - shown,
    tap,
    rtt: rtt / samples,
  };
}

describe.each([
  ['wifi', 30],
  ['mobile', 45],
  ['terrible', 120],
] as const satisfies readonly (readonly [ProfileName, number])[])('1 MiB to each of 4 players on %s', (link, seconds) => {
  test('[M3] arrives whole, and snapshots keep their rate, their size and their round trip', async () => {
    const { rig, hands } = start({ link });
    rig.run(4_000);
    const bytes = mapData(MIB);
    const sent = rig.clients.map(({ core }) => rig.server.transfer(core.seat, 'map', bytes));
    const busy = measure(rig, seconds * 1_000, () => sent.every(({ over }) => over));
    for (const transfer of sent) expect(transfer.state).toBe('done');
    for (const client of rig.clients) {
      const [transfer] = incoming(client);
      expect([transfer?.name, transfer?.length, transfer?.state]).toEqual(['map', MIB, 'done']);
      expect(same(await transfer?.finished, bytes)).toBe(true);
    }
    // The same players on the same network for as long, with nothing to transfer.
    const quiet = start({ link }).rig;
    quiet.run(4_000);
    const alone = measure(quiet, busy.ms);
    console.log(
      link,
      JSON.stringify({
        seconds: busy.ms / 1000,
        kBps: (MIB / busy.ms).toFixed(0),
        perSnap: [busy.sent, alone.sent],
        skipped: [busy.skipped, alone.skipped],
        applied: [busy.applied, alone.applied],
        rtt: [busy.rtt, alone.rtt],
        lane: busy.tap.lane,
        deferred: [rig.server.stats().deferredRows, quiet.server.stats().deferredRows],
        stats: rig.server.session(1)?.channels.transfers.stats,
      }),
    );
    settle(rig, hands);
    rig.expectClean();
    accountedFor(rig);
    expect(hands.ran(rig)).toEqual(hands.pulls);
  }, 300_000);
});
