/** Hits: what each rail shot was found to hit by its shooter's page, when it was on the screen, and by the server. */

import type { Seen } from '@tickwire/netcode';
import { game } from '../../examples/arena/game.ts';
import type { ArenaShape } from './ships.ts';

type ArenaSeen = Seen<ArenaShape>;
type Context = Parameters<typeof game.definition.step>[1];

/** A shot and what it hit. */
interface Verdict {
  readonly tick: number;
  /** Id of the ship, 0 for none. */
  readonly hit: number;
  /** Ticks by which the shooter's view lay back. */
  readonly lag: number;
}

/** A press that missed its tick runs in the next command: up to so much later a shot is the same one. Guns need longer to load. */
const SAME_SHOT_TICKS = 60;

export class Hits {
  /** The arena's own rules, overheard: every question of a shot is noted, and answered as ever. */
  readonly game = this.#overheard();
  judged = 0;
  agreed = 0;
  /** Of the judged ones, those that the server ruled to have hit. */
  landed = 0;
  /** Shots at what lay further back than the server goes. They are not judged. */
  clamped = 0;
  /** Shots that only one side knows of: the shooter had been destroyed, say. They are not judged. */
  lonely = 0;
  readonly #seen = new Map<number, Verdict[]>();
  readonly #ruled = new Map<number, Verdict[]>();

  /** Compares the shots of one player that were fired in the ticks [from, to). */
  judge(seat: number, from: number, to: number): void {
    const seen = this.#seen.get(seat) ?? [];
    const ruled = (this.#ruled.get(seat) ?? []).slice();
    for (const shot of seen) {
      const at = ruled.findIndex(({ tick }) => tick >= shot.tick && tick < shot.tick + SAME_SHOT_TICKS);
      const [ruling] = at < 0 ? [] : ruled.splice(at, 1);
      if (shot.tick < from || shot.tick >= to) continue;
      if (ruling === undefined) this.lonely++;
      else if (Math.max(shot.lag, ruling.lag) >= game.schema.maxRewind) this.clamped++;
      else {
        this.judged++;
        if (ruling.hit === shot.hit) this.agreed++;
        if (ruling.hit !== 0) this.landed++;
      }
    }
    this.lonely += ruled.filter(({ tick }) => tick >= from && tick < to).length;
  }

  #overheard(): typeof game {
    const overhearing = new WeakMap<Context, Context>();
    const { definition } = game;
    const step: typeof definition.step = (world, ctx) => {
      let heard = overhearing.get(ctx);
      if (heard === undefined) {
        const seen = (seat: number): ArenaSeen => this.#overhear(ctx, seat, ctx.seen(seat));
        heard = Object.create(ctx, { seen: { value: seen } }) as typeof ctx;
        overhearing.set(ctx, heard);
      }
      definition.step(world, heard);
    };
    return { ...game, definition: { ...definition, step } };
  }

  #overhear(ctx: Context, seat: number, seen: ArenaSeen): ArenaSeen {
    const ray: ArenaSeen['ray'] = (x, y, toX, toY, options) => {
      const hits = seen.ray(x, y, toX, toY, options);
      const shots = ctx.isServer ? this.#ruled : this.#seen;
      const verdict = { tick: ctx.tick, hit: hits[0]?.id ?? 0, lag: seen.lag };
      const known = shots.get(seat) ?? [];
      shots.set(seat, known);
      // A page runs a tick again after a correction: what was on the screen is what it found first.
      if (!known.some(({ tick }) => Math.abs(tick - ctx.tick) < SAME_SHOT_TICKS)) known.push(verdict);
      return hits;
    };
    return {
      tick: seen.tick,
      lag: seen.lag,
      ray,
      overlap: (...asked) => seen.overlap(...asked),
      nearest: (...asked) => seen.nearest(...asked),
      at: (tick) => seen.at(tick),
      advance: (visit) => seen.advance(visit),
    };
  }
}
