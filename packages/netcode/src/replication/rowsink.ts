/** What writes a client's lists, row by row: the fast codec's way (listwriter.ts) or the small one's (smallwriter.ts). */

import type { RowSchema } from '../wire/schema.ts';

/** What is said of a list that was held at the baseline. */
export const SECTION = 0;
export const KEPT_LIST = 1;
export const DROPPED_LIST = 2;

/** Order of the code for gaps between the keys of entered lists. */
export const KEY_ORDER = 3;

/** `expect` or `expectNew` come before whatever is said of a row. */
export interface RowSink {
  /** An earlier row of the same entity helps to expect this one. */
  readonly usesBefore: boolean;
  /** Bits that a sent row costs beyond what `measure` says, on average: its code, and the kept rows that it stands between. */
  readonly rowOverheadBits: number;
  /** Bits written so far. */
  readonly bits: number;
  /** The rows to come are of this table. */
  table(t: number): void;
  /** Keys of the lists that the client does not hold yet. */
  entered(keys: Int32Array, count: number): void;
  /** What becomes of a list that was held. */
  list(code: number): void;
  /** A list's rows begin; `kept` of those that were held stay as they are. */
  begin(kept: number): void;
  expect(
    base: Int32Array,
    at: number,
    ticks: number,
    before: Int32Array | undefined,
    beforeAt: number,
    beforeTicks: number,
  ): void;
  /** The next row is expected to be the empty one. */
  expectNew(schema: RowSchema): void;
  /** Whether the row is as it was last expected. */
  matches(data: Int32Array, at: number): boolean;
  asExpected(): void;
  changed(data: Int32Array, at: number, tick: number): void;
  gone(): void;
  left(): void;
  kept(): void;
  /** After the last row that was held. */
  endHeld(): void;
  /** Rows that are new to the list follow. */
  news(count: number): void;
  /** Id of the next row that is new to the list; `last` is the one before it, 0 for none. */
  id(id: number, last: number): void;
  /** The body of a row that the client held in another list. */
  moved(data: Int32Array, at: number, tick: number): void;
  /** The body of a row that is new to the client. */
  body(data: Int32Array, at: number, tick: number): void;
  /** Bits that a row costs: as expected from what was held, or new. Call `expect` before; nothing is written. */
  measure(data: Int32Array, at: number, tick: number): number;
}
