/** A ball that players push and kick about: what is contested between clients. Commands are relayed, or they are not. */

import { clamp, damp, defineGame, grid, hypot, int, local, press } from '@tickwire/netcode';

export interface BallRules {
  /** Whether clients know each other's commands. They then predict all strikers, otherwise their own only. */
  readonly relay: boolean;
  readonly snapshotRate?: 20 | 30 | 60;
}

export const WIDTH = 640;
export const HEIGHT = 360;
const STRIKER = 14;
const BALL = 10;
/** A kick reaches this far beyond a touch. */
const REACH = 8;
const STEP = 1 / 256;
const RATE = 60 / 256;

interface Moving {
  x: number;
  y: number;
  vx: number;
  vy: number;
}

// The names of the return type are the game's declarations: writing them down would be writing them twice.
export const ballGame = ({ relay, snapshotRate = 20 }: BallRules) =>
  defineGame({
    name: 'ball',
    snapshotRate,
    maxPlayers: 8,
    entities: {
      striker: {
        x: grid(0, WIDTH, STEP, { follows: 'vx' }),
        y: grid(0, HEIGHT, STEP, { follows: 'vy' }),
        vx: grid(-480, 480, RATE),
        vy: grid(-480, 480, RATE),
        kicks: int(0, 1_000_000),
        /** Nothing depends on it: it is never sent. */
        strides: local(int(0, 1_000)),
      },
      ball: {
        x: grid(0, WIDTH, STEP, { follows: 'vx' }),
        y: grid(0, HEIGHT, STEP, { follows: 'vy' }),
        vx: grid(-960, 960, RATE),
        vy: grid(-960, 960, RATE),
        /** Touches so far, and whose the last one was. */
        touches: int(0, 1_000_000),
        touchedBy: int(0, 255),
      },
    },
    command: { dx: int(-1, 1), dy: int(-1, 1), kick: press() },
    relay,
    predict: {
      ball: () => true,
      striker: (striker, me) => relay || striker.owner === me,
    },
    setup(world) {
      world.ball.spawn({ owner: 0, x: WIDTH / 2, y: HEIGHT / 2 });
    },
    join(world, who) {
      world.striker.spawn({ owner: who, x: 80 + 60 * who.seat, y: HEIGHT / 2 });
    },
    leave(world, who) {
      for (const striker of world.striker.ownedBy(who)) striker.despawn();
    },
    step(world, ctx) {
      for (const striker of ctx.simulated(world.striker)) {
        const { dx, dy, kick } = ctx.command(striker.owner);
        striker.vx = damp(striker.vx + dx * 18, 0.92, RATE);
        striker.vy = damp(striker.vy + dy * 18, 0.92, RATE);
        move(striker, ctx.dt, STRIKER);
        striker.kicks += kick;
        striker.strides = (striker.strides + 1) % 1_000;
      }
      for (const ball of ctx.simulated(world.ball)) {
        ball.vx = damp(ball.vx, 0.99, RATE);
        ball.vy = damp(ball.vy, 0.99, RATE);
        move(ball, ctx.dt, BALL);
        for (const striker of world.striker) {
          const x = ball.x - striker.x;
          const y = ball.y - striker.y;
          const distance = hypot(x, y);
          const { kick } = ctx.command(striker.owner);
          const gap = distance - STRIKER - BALL;
          if (distance === 0 || gap > REACH || (gap >= 0 && kick === 0)) continue;
          push(ball, striker, x / distance, y / distance, gap, kick > 0 ? 300 : 0);
          ball.touches += 1;
          ball.touchedBy = striker.owner;
        }
      }
    },
  });

/** Moves on, and back from the walls. */
function move(row: Moving, dt: number, radius: number): void {
  row.x += row.vx * dt;
  row.y += row.vy * dt;
  if (row.x < radius || row.x > WIDTH - radius) row.vx = -row.vx / 2;
  if (row.y < radius || row.y > HEIGHT - radius) row.vy = -row.vy / 2;
  row.x = clamp(row.x, radius, WIDTH - radius);
  row.y = clamp(row.y, radius, HEIGHT - radius);
}

/** A striker gives the ball its own speed along the line between them, and a half more. */
function push(ball: Moving, by: Moving, x: number, y: number, gap: number, kick: number): void {
  const closing = (ball.vx - by.vx) * x + (ball.vy - by.vy) * y;
  const gain = (closing < 0 ? -1.5 * closing : 0) + kick;
  ball.vx = clamp(ball.vx + gain * x, -900, 900);
  ball.vy = clamp(ball.vy + gain * y, -900, 900);
  if (gap >= 0) return;
  ball.x = clamp(ball.x - gap * x, BALL, WIDTH - BALL);
  ball.y = clamp(ball.y - gap * y, BALL, HEIGHT - BALL);
}
