/** The input log: everything that enters a room, by tick. Recording it is recording the match. */

import { pack, unpack } from 'msgpackr';
import { assert } from '../base/assert.ts';

/** One thing that enters a room at the start of a tick. */
export type RoomInput =
  | { readonly type: 'join'; readonly seat: number; readonly name: string }
  | { readonly type: 'leave'; readonly seat: number }
  | { readonly type: 'status'; readonly seat: number; readonly status: 'present' | 'hidden' | 'away' }
  | { readonly type: 'message'; readonly seat: number; readonly name: string; readonly payload: unknown }
  | {
      readonly type: 'request';
      readonly seat: number;
      readonly id: number;
      readonly name: string;
      readonly question: unknown;
    }
  /** The command words that run in this tick, after substitution. */
  | {
      readonly type: 'command';
      readonly seat: number;
      readonly words: readonly number[];
      /** What the player saw, where shots are tested against it: time in 1/32 ticks, older and newer snapshot's tick (-1 for none). */
      readonly view?: readonly [time: number, older: number, newer: number] | undefined;
    }
  /**
   * Noted with the tick in which the rules asked what a seat saw: the rows of a type that it held after the snapshot of `tick`, each
   * as id, held tick and mask of the secrets told. Left out where it held the whole world of that tick. Tick -1 stands for the newest
   * snapshot that the seat was sent.
   */
  | {
      readonly type: 'held';
      readonly seat: number;
      readonly tick: number;
      readonly table: number;
      readonly rows: readonly number[];
    };

/** Enough to rebuild a room's every tick. */
export interface InputLog {
  readonly game: string;
  readonly schemaHash: readonly [number, number];
  readonly seed: number;
  readonly options: Readonly<Record<string, unknown>>;
  /** Inputs of tick `firstTick + index`. */
  readonly firstTick: number;
  readonly ticks: RoomInput[][];
}

/** Bytes of a log, for a file. */
export function encodeLog(log: InputLog): Uint8Array {
  return pack(log);
}

/** Reads a recorded log. Throws when the bytes are not one: a file is the caller's, not a peer's. */
export function decodeLog(bytes: Uint8Array): InputLog {
  const log = unpack(bytes) as InputLog | undefined;
  assert(Array.isArray(log?.ticks) && Array.isArray(log.schemaHash), 'these bytes are not an input log');
  return log;
}
