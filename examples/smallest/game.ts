/** The whole game: boxes that move. The server, the page and the tests import this file. */

import { defineGame, grid, int } from '@tickwire/netcode';

export const game = defineGame({
  name: 'boxes',
  entities: { box: { x: grid(0, 800), y: grid(0, 600), hue: int(0, 359) } },
  command: { dx: int(-1, 1), dy: int(-1, 1) },

  join(world, who) {
    world.box.spawn({ owner: who, x: 400, y: 300, hue: (who.seat * 137) % 360 });
  },
  leave(world, who) {
    for (const box of world.box.ownedBy(who)) box.despawn();
  },
  step(world, ctx) {
    for (const box of ctx.simulated(world.box)) {
      const { dx, dy } = ctx.command(box.owner);
      box.x += dx * 4;
      box.y += dy * 4;
    }
  },
});
