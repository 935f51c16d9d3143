/** The game's interest rules, bound to a room: what each client looks at, who is of which team, what may be seen and how urgent it is. */

import {
  type Area,
  assert,
  type Game,
  type InterestGrid,
  PLAYERS,
  type PositionWords,
  playerId,
  type Relevance,
  type Shape,
  type Table,
  type Viewer,
  type WorldCore,
} from '@tickwire/netcode/internal';
import type { Room } from './room.ts';

/** Player and room rows are few and matter to everybody. */
const BUILT_IN_WEIGHT = 4;

/**
 * Cells shown to one client, counted once per type with a position. Each is a list that costs two bits in every snapshot, and two more when
 * it is let go: this many leave room for rows, also when all of them change at once and messages claim their share.
 */
const MAX_LISTS = 1_000;

type Hook = (viewer: unknown, row: unknown, world: unknown) => unknown;

export class RoomInterest<S extends Shape = Shape> implements Relevance {
  readonly weights: readonly number[];
  readonly visible: readonly (((viewer: Viewer, id: number) => boolean) | undefined)[];
  readonly priority: readonly (((viewer: Viewer, id: number) => number) | undefined)[];
  readonly predicted: readonly (((viewer: Viewer, id: number) => boolean) | undefined)[];
  readonly #game: Game<S>;
  readonly #room: Room<S>;
  readonly #core: WorldCore;
  /** Types with a position. */
  readonly #placed: number;
  /** Teams by seat as of one tick. */
  readonly #teams: Int32Array;
  #teamsTick = -1;

  constructor(game: Game<S>, room: Room<S>) {
    this.#game = game;
    this.#room = room;
    this.#core = room.simulation.core;
    this.#placed = game.schema.positions.filter((position) => position !== undefined).length;
    this.#teams = new Int32Array(game.schema.maxPlayers + 1);
    const {
      priority = {},
      visible = {},
      predict = {},
    } = game.definition as unknown as {
      priority?: Readonly<Record<string, number | Hook | undefined>>;
      visible?: Readonly<Record<string, Hook | undefined>>;
      predict?: Readonly<Record<string, ((row: unknown, me: number) => unknown) | undefined>>;
    };
    const { rows } = game.schema;
    this.weights = rows.map(({ index, name }) => {
      const own = priority[name];
      return index <= 1 ? BUILT_IN_WEIGHT : typeof own === 'number' ? own : 1;
    });
    this.visible = rows.map(({ index, name }) => {
      const hook = index > 1 ? visible[name] : undefined;
      return hook === undefined ? undefined : (viewer, id) => this.#ask(hook, index, viewer, id) === true;
    });
    this.predicted = rows.map(({ index, name }) => {
      const rule = index > 1 ? predict[name] : undefined;
      if (rule === undefined) return undefined;
      return ({ seat }, id) => {
        const row = this.#core.table(index).get(id);
        return row !== undefined && rule(row, seat) === true;
      };
    });
    this.priority = rows.map(({ index, name }) => {
      const hook = index > 1 ? priority[name] : undefined;
      if (typeof hook !== 'function') return undefined;
      return (viewer, id) => {
        const weight = this.#ask(hook, index, viewer, id);
        return typeof weight === 'number' && Number.isFinite(weight) ? weight : 1;
      };
    });
  }

  /** Whether the game lets a client know the commands of a seat of which it may see an entity. */
  relays(viewer: Viewer, seat: number): boolean {
    const { relay } = this.#game.definition;
    return typeof relay === 'function' ? relay(this.#seer(viewer), seat) === true : relay === true;
  }

  /** Brings a client's team and cells up to date with the room's tick. */
  look(viewer: Viewer): void {
    viewer.team = this.teamOf(viewer.seat);
    const { grid } = this.#game.schema;
    if (grid === undefined) return;
    const { interest } = this.#game.definition;
    if (interest?.area === undefined) this.#lookAround(viewer, grid, interest?.radius ?? 0);
    else viewer.look(grid, this.#checked(interest.area(this.#seer(viewer), this.#room.world)));
    assert(
      viewer.count * this.#placed <= MAX_LISTS,
      `seat ${viewer.seat} is shown ${viewer.count} cells for each of ${this.#placed} types, together at most ${MAX_LISTS}: use a larger interest.cell or a smaller area`,
    );
  }

  teamOf(seat: number): number {
    const rule = this.#game.definition.team;
    if (rule === undefined) return -1;
    if (this.#teamsTick !== this.#room.tick) {
      this.#teamsTick = this.#room.tick;
      for (let other = 0; other < this.#teams.length; other++) {
        const team = this.#player(other) === undefined ? -1 : rule(this.#room.world, other);
        this.#teams[other] = Number.isInteger(team) && team >= 0 ? team : -1;
      }
    }
    return this.#teams[seat] ?? -1;
  }

  #ask(hook: Hook, index: number, viewer: Viewer, id: number): unknown {
    const row = this.#core.table(index).get(id);
    return row === undefined ? undefined : hook(this.#seer(viewer), row, this.#room.world);
  }

  /** A circle around the middle of the rows that the client owns. Without any it goes on looking where it did. */
  #lookAround(viewer: Viewer, grid: InterestGrid, radius: number): void {
    let x = 0;
    let y = 0;
    let count = 0;
    this.#game.schema.positions.forEach((position, t) => {
      if (position === undefined) return;
      const table = this.#core.table(t);
      for (const at of ownOffsets(table, viewer.seat)) {
        x += wordsOf(table, at, position.xAt, position.xStep);
        y += wordsOf(table, at, position.yAt, position.yStep);
        count++;
      }
    });
    if (count > 0) viewer.look(grid, { x: x / count, y: y / count, radius });
    else if (viewer.reach > 0) viewer.look(grid, { x: viewer.x, y: viewer.y, radius });
    else viewer.look(grid, undefined);
  }

  #checked(area: Area | undefined): Area | undefined {
    if (area === undefined) return undefined;
    const sizes = 'radius' in area ? [area.radius] : [area.width, area.height];
    assert(
      Number.isFinite(area.x) &&
        Number.isFinite(area.y) &&
        sizes.every((size) => size >= 0 && size < Infinity),
      'interest.area must give { x, y, radius } or { x, y, width, height } with finite numbers, or undefined',
    );
    return area;
  }

  readonly #seers = new Map<Viewer, { seat: number; team: number; player: unknown }>();

  /** What the hooks see of a client. */
  #seer(viewer: Viewer): never {
    let seer = this.#seers.get(viewer);
    if (seer === undefined) {
      seer = { seat: viewer.seat, team: -1, player: undefined };
      this.#seers.set(viewer, seer);
    }
    seer.team = viewer.team;
    seer.player = this.#player(viewer.seat);
    return seer as never;
  }

  /** A client that is gone needs nothing remembered. */
  forget(viewer: Viewer): void {
    this.#seers.delete(viewer);
  }

  #player(seat: number): unknown {
    return this.#core.table(PLAYERS).get(playerId(seat));
  }
}

function* ownOffsets(table: Table, seat: number): Generator<number> {
  for (let i = 0; i < table.count; i++) {
    const at = table.offset(i);
    const owner = (table.data[at] ?? 0) >> 16;
    if (owner === seat) yield at;
    if (owner > seat) return;
  }
}

function wordsOf(table: Table, at: number, word: number, step: PositionWords['xStep']): number {
  return (table.data[at + word] ?? 0) * step;
}
