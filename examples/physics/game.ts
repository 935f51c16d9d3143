/** Push the ball into the goal: discs, a ball and crates, moved by a physics engine on the server and in every page alike. */

import { angle, approach, defineGame, grid, int } from '@tickwire/netcode';
import { type Kind, Solver, type Wall } from './engine.ts';

/** The field in metres. Its goals are gaps in the middle of the short sides. */
export const WIDTH = 24;
export const HEIGHT = 13.5;
export const GOAL = 4.5;

const DISC: Kind = { shape: 'disc', size: 0.55, density: 1.6, bounce: 0.2, drag: 0 };
const BALL: Kind = { shape: 'disc', size: 0.45, density: 0.5, bounce: 0.75, drag: 0.5 };
const CRATE: Kind = { shape: 'box', size: 0.6, density: 0.8, bounce: 0.1, drag: 2.5 };
export const KINDS = { disc: DISC, ball: BALL, crate: CRATE };

const THICK = 1;
const POST = (HEIGHT - GOAL) / 4;
const WALLS: readonly Wall[] = [
  [WIDTH / 2, -THICK, WIDTH, THICK],
  [WIDTH / 2, HEIGHT + THICK, WIDTH, THICK],
  ...[-THICK, WIDTH + THICK].flatMap((x): Wall[] => [
    [x, POST, THICK, POST],
    [x, HEIGHT - POST, THICK, POST],
  ]),
  // Behind the goals, so that nothing rolls out of the world.
  [-3, HEIGHT / 2, THICK, HEIGHT],
  [WIDTH + 3, HEIGHT / 2, THICK, HEIGHT],
];

const TOP_SPEED = 8;
const PUSH = 40;

/** Full deflection of a stick. */
export const STICK = 7;

const speed = () => grid(-32, 32, 1 / 256);
const body = {
  x: grid(-3, WIDTH + 3, 1 / 1024, { follows: 'vx' }),
  y: grid(-1, HEIGHT + 1, 1 / 1024, { follows: 'vy' }),
  vx: speed(),
  vy: speed(),
  turn: angle(16),
  spin: speed(),
};

const solver = new Solver(WALLS);

export const game = defineGame({
  name: 'physics',
  maxPlayers: 8,
  entities: { disc: { ...body, hue: int(0, 359) }, ball: body, crate: body },
  room: { left: int(0, 99), right: int(0, 99) },
  command: { dx: int(-STICK, STICK), dy: int(-STICK, STICK) },

  // What several players push is everybody's to predict, and so is who pushes: all of it is restored and replayed together.
  predict: { disc: () => true, ball: () => true, crate: () => true },
  relay: true,

  setup(world) {
    world.ball.spawn({ owner: 0, x: WIDTH / 2, y: HEIGHT / 2 });
    for (const side of [-1, 1])
      for (let row = 0; row < 3; row++)
        world.crate.spawn({ owner: 0, x: WIDTH / 2 + side * 4, y: HEIGHT / 2 + (row - 1) * 2.2 });
  },
  join(world, who) {
    const side = who.seat % 2 === 1 ? -1 : 1;
    world.disc.spawn({
      owner: who,
      x: WIDTH / 2 + side * 8,
      y: HEIGHT / 2 + ((who.seat * 5) % 9) - 4,
      hue: (who.seat * 137 + 40) % 360,
    });
  },
  leave(world, who) {
    for (const disc of world.disc.ownedBy(who)) disc.despawn();
  },
  step(world, ctx) {
    for (const disc of ctx.simulated(world.disc)) {
      const { dx, dy } = ctx.command(disc.owner);
      disc.vx = approach(disc.vx, (dx / STICK) * TOP_SPEED, PUSH * ctx.dt);
      disc.vy = approach(disc.vy, (dy / STICK) * TOP_SPEED, PUSH * ctx.dt);
    }
    // Rows in, one tick of the engine, rows out: what is not in the rows does not exist.
    for (const disc of world.disc) solver.add(disc, DISC);
    for (const ball of world.ball) solver.add(ball, BALL);
    for (const crate of world.crate) solver.add(crate, CRATE);
    solver.solve(ctx.dt);

    for (const ball of ctx.simulated(world.ball)) {
      if (ball.x > 0 && ball.x < WIDTH) continue;
      const side = ball.x <= 0 ? 'right' : 'left';
      ctx.authority(() => {
        world.room[side]++;
      });
      Object.assign(ball, { x: WIDTH / 2, y: HEIGHT / 2, vx: 0, vy: 0, spin: 0 });
      ball.cut();
    }
  },
});
