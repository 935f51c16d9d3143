/** The arena's ships as stored rows: in snapshots, and in what a client has predicted. */

import type { ClientCore } from '@tickwire/netcode/client';
import type { Game, Replica, RowSet } from '@tickwire/netcode/internal';
import { game } from '../../examples/arena/game.ts';
import { MARK } from '../../packages/netcode/src/wire/schema.ts';

export type ArenaShape = typeof game extends Game<infer S> ? S : never;
export type ArenaCore = ClientCore<ArenaShape>;

export const TICK_MS = game.schema.tickMs;
export const TICK_RATE = game.schema.tickRate;
export const SNAPSHOT_RATE = game.schema.snapshotRate;

const SHIP = game.schema.rows.findIndex(({ name }) => name === 'ship');
const X = fieldOf('x');
const Y = fieldOf('y');

/** The seat that an entity's id was given by: its owner's. */
export const seatOf = (id: number): number => Math.floor(id / 65_536);

/** Every ship of a snapshot: id, place, and the tick that they are of. */
export function eachShip(
  snapshot: Replica,
  visit: (id: number, x: number, y: number, held: number) => void,
): void {
  eachRow(snapshot.tables[SHIP] as RowSet, visit);
}

/** The own ship after a tick, as the client has predicted it; nothing is visited when there is none or the tick is forgotten. */
export function predictedShip(
  core: ArenaCore,
  tick: number,
  visit: (id: number, x: number, y: number) => void,
): void {
  const rows = core.predictor?.at(tick)?.tables[SHIP];
  if (rows === undefined) return;
  eachRow(rows, (id, x, y) => {
    if (seatOf(id) === core.seat) visit(id, x, y);
  });
}

function eachRow(rows: RowSet, visit: (id: number, x: number, y: number, held: number) => void): void {
  const { stride } = rows.schema;
  for (let i = 0; i < rows.count; i++) {
    const at = i * stride;
    const x = (rows.data[at + X.at] ?? 0) * X.step;
    const y = (rows.data[at + Y.at] ?? 0) * Y.step;
    visit(rows.id(i), x, y, rows.data[at + MARK] ?? 0);
  }
}

function fieldOf(name: string): { readonly at: number; readonly step: number } {
  const found = game.schema.rows[SHIP]?.fields.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the arena's ships have no field "${name}"`);
  return { at: found.at, step: found.field.step };
}
