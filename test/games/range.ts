// A shooting range: ships that never fly straight, rail guns, darts that keep to what the shooter sees, rockets that fly in the world.

import {
  angle,
  bool,
  circle,
  cos,
  defineGame,
  type Game,
  grid,
  hypot,
  int,
  press,
  type Seen,
  sin,
  tick,
} from '@tickwire/netcode';

const SIZE = 2048;
const SPEED_STEP = 60 / 1024;
const TOP_SPEED = 300;
const THRUST = 2000;
const SHIP_RADIUS = 18;
const MISSILE_RADIUS = 4;
const MISSILE_SPEED = 780;
export const MISSILES = { speed: MISSILE_SPEED };
const RAIL_REACH = 900;
const LIFE_TICKS = 70;
/** Every so often a ship is somewhere else at once. */
const WARP_EVERY_TICKS = 200;

const body = (top: number) => ({
  x: grid(-SIZE, 2 * SIZE, 1 / 1024, { follows: 'vx' }),
  y: grid(-SIZE, 2 * SIZE, 1 / 1024, { follows: 'vy' }),
  vx: grid(-top, top, SPEED_STEP),
  vy: grid(-top, top, SPEED_STEP),
});

const missile = { ...body(1200), bornAt: tick(), endsAt: tick() };

/** What a shot was ruled to hit: an id, 0 for nothing. `lag` in ticks. */
export interface Verdict {
  readonly shot: 'rail' | 'dart' | 'rocket';
  readonly side: 'client' | 'server';
  readonly shooter: number;
  /** The tick it was fired in, or the id of what was fired. */
  readonly key: number;
  readonly hit: number;
  readonly lag: number;
  readonly tick: number;
}

/** Who listens to verdicts: a test. */
export const range = {
  onVerdict: undefined as ((verdict: Verdict) => void) | undefined,
  /** What each client sees in each tick that it runs. */
  onLook: undefined as ((seen: Seen<RangeShape>, seat: number, tick: number) => void) | undefined,
};

export interface RangeOptions {
  readonly maxRewindMs?: number;
  /** Ships are somewhere else at once now and then. */
  readonly warps?: boolean;
  /** Seats of the other parity are not sent. */
  readonly veiled?: boolean;
  /** The rules look about without need. */
  readonly curious?: boolean;
}

export function shootingRange(options: RangeOptions = {}) {
  return defineGame({
    name: 'range',
    maxPlayers: 12,
    ...(options.maxRewindMs === undefined ? {} : { maxRewindMs: options.maxRewindMs }),
    entities: {
      ship: { ...body(TOP_SPEED), aim: angle(14), safeUntil: tick(), hits: int(0, 9999) },
      dart: missile,
      rocket: { ...missile, lag: grid(0, 64, 1 / 32), spent: bool() },
    },
    shapes: { ship: circle(SHIP_RADIUS) },
    ...(options.veiled === true
      ? {
          visible: {
            ship: (viewer: { readonly seat: number }, ship: { readonly owner: number }) =>
              (viewer.seat + ship.owner) % 2 === 0,
          },
        }
      : {}),
    command: {
      dx: int(-1, 1),
      dy: int(-1, 1),
      aim: angle(14),
      rail: press(),
      dart: press(),
      rocket: press(),
    },
    join(world, who) {
      world.ship.spawn({ owner: who, x: 300 + 150 * who.seat, y: SIZE / 2 });
    },
    leave(world, who) {
      for (const ship of world.ship.ownedBy(who)) ship.despawn();
    },
    step(world, ctx) {
      const side = ctx.isServer ? 'server' : 'client';
      const report = (shot: Verdict['shot'], shooter: number, key: number, hit: number, lag: number): void =>
        range.onVerdict?.({ shot, side, shooter, key, hit, lag, tick: ctx.tick });
      const strike = (id: number): void =>
        ctx.authority(() => {
          const ship = world.ship.get(id);
          if (ship !== undefined) ship.hits++;
        });

      for (const ship of ctx.simulated(world.ship)) {
        const { dx, dy, aim, rail, dart, rocket } = ctx.command(ship.owner);
        fly(ship, dx, dy, ctx.dt);
        ship.aim = aim;
        if ((ctx.tick + ship.owner * 60) % 240 === 0) ship.safeUntil = ctx.tick + 40;
        if (options.warps === true && (ctx.tick + ship.owner * 25) % WARP_EVERY_TICKS === 0) {
          ship.x = (ship.x + SIZE / 2) % SIZE;
          ship.cut();
        }
        const ux = cos(ship.aim);
        const uy = sin(ship.aim);
        const seen = ctx.seen(ship.owner);
        if (!ctx.isServer) range.onLook?.(seen, ship.owner, ctx.tick);
        if (rail > 0) {
          const [hit] = seen.ray(ship.x, ship.y, ship.x + ux * RAIL_REACH, ship.y + uy * RAIL_REACH, {
            type: 'ship',
            where: (target) => seen.tick >= target.safeUntil,
          });
          report('rail', ship.owner, ctx.tick, hit?.id ?? 0, seen.lag);
          if (hit !== undefined) strike(hit.id);
        }
        if (options.curious === true && ctx.tick % 4 === 0) {
          seen.nearest(ship.x, ship.y, 500, { own: true });
          seen.overlap(circle(300), ship.x, ship.y);
          seen.advance((then) => then.nearest(ship.x, ship.y, 500));
        }
        const shot = {
          owner: ship.owner,
          x: ship.x,
          y: ship.y,
          vx: ux * MISSILE_SPEED,
          vy: uy * MISSILE_SPEED,
          bornAt: ctx.tick,
          endsAt: ctx.tick + LIFE_TICKS,
        };
        if (dart > 0) world.dart.spawn(shot);
        if (rocket > 0) {
          const fired = world.rocket.spawn({ ...shot, lag: seen.lag });
          // The server lets it fly as far at once as the shooter will see it fly before the present is on the screen.
          let flown = 0;
          ctx.authority(() =>
            seen.advance((then, ticks) => {
              const hit = along(then, fired, flown, flown + ticks, ctx.dt, 0);
              flown += ticks;
              if (hit === undefined) return true;
              report('rocket', fired.owner, fired.id, hit, seen.lag);
              strike(hit);
              fired.spent = true;
              return false;
            }),
          );
        }
      }

      for (const dart of ctx.simulated(world.dart)) {
        const flown = ctx.tick - dart.bornAt;
        const seen = ctx.seen(dart.owner);
        const hit = flown === 0 ? undefined : along(seen, dart, flown - 1, flown, ctx.dt, 0);
        if (hit === undefined && ctx.tick < dart.endsAt) continue;
        report('dart', dart.owner, dart.id, hit ?? 0, seen.lag);
        if (hit !== undefined) strike(hit);
        dart.despawn();
      }

      for (const rocket of ctx.simulated(world.rocket)) {
        const flown = ctx.tick - rocket.bornAt;
        // The shooter sees it beside what is drawn, and goes on looking when the server has ruled: the end is on the screen later. The
        // server tests it where it is beside what is there now.
        if (flown > 0 && !(ctx.isServer && rocket.spent)) {
          const hit = ctx.isServer
            ? along(ctx.seen(0), rocket, flown - 1 + rocket.lag, flown + rocket.lag, ctx.dt, rocket.owner)
            : along(ctx.seen(rocket.owner).at(ctx.tick - rocket.lag), rocket, flown - 1, flown, ctx.dt, 0);
          if (hit !== undefined) {
            report('rocket', rocket.owner, rocket.id, hit, rocket.lag);
            strike(hit);
            if (ctx.isServer) rocket.spent = true;
          }
        }
        if (ctx.tick < rocket.endsAt) continue;
        report('rocket', rocket.owner, rocket.id, 0, rocket.lag);
        rocket.despawn();
      }
    },
  });
}

interface Flying {
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
}

export type RangeShape = ReturnType<typeof shootingRange> extends Game<infer S> ? S : never;

/** What a missile meets between two ages, in ticks. Its row stays where it was fired. */
function along(
  seen: Seen<RangeShape>,
  missile: Flying,
  from: number,
  to: number,
  dt: number,
  without: number,
): number | undefined {
  const { x, y, vx, vy } = missile;
  const hits = seen.ray(x + vx * from * dt, y + vy * from * dt, x + vx * to * dt, y + vy * to * dt, {
    type: 'ship',
    radius: MISSILE_RADIUS,
    where: (ship) => seen.tick >= ship.safeUntil && ship.owner !== without,
  });
  return hits[0]?.id;
}

function fly(
  ship: { x: number; y: number; vx: number; vy: number },
  dx: number,
  dy: number,
  dt: number,
): void {
  const length = hypot(dx, dy);
  const wx = length === 0 ? 0 : (dx / length) * TOP_SPEED;
  const wy = length === 0 ? 0 : (dy / length) * TOP_SPEED;
  const gap = hypot(wx - ship.vx, wy - ship.vy);
  const change = THRUST * dt;
  ship.vx = gap <= change ? wx : ship.vx + ((wx - ship.vx) / gap) * change;
  ship.vy = gap <= change ? wy : ship.vy + ((wy - ship.vy) / gap) * change;
  // They turn back at the edge.
  if (ship.x < 0) ship.vx = TOP_SPEED;
  if (ship.x > SIZE) ship.vx = -TOP_SPEED;
  if (ship.y < 0) ship.vy = TOP_SPEED;
  if (ship.y > SIZE) ship.vy = -TOP_SPEED;
  ship.x += ship.vx * dt;
  ship.y += ship.vy * dt;
}
