// A game as small as can be, for suites about connections.

import { bool, defineGame, grid, int, message } from '@tickwire/netcode';

export const boxes = defineGame({
  name: 'boxes',
  tickRate: 60,
  snapshotRate: 20,
  maxPlayers: 8,
  entities: { box: { x: grid(0, 800), y: grid(0, 600), hue: int(0, 359) } },
  command: { dx: int(-1, 1), dy: int(-1, 1), crash: bool() },
  options: { speed: 4 },
  messages: { chat: message<{ text: string }>({ from: 'both', reliable: true }) },
  join(world, who) {
    world.box.spawn({ owner: who, x: 400, y: 300, hue: (who.seat * 47) % 360 });
  },
  leave(world, who) {
    for (const box of world.box.ownedBy(who)) box.despawn();
  },
  message(_world, from, _name, payload, ctx) {
    ctx.broadcast('chat', { text: `${from.seat}: ${payload.text}` });
  },
  step(world, ctx) {
    for (const box of ctx.simulated(world.box)) {
      const { dx, dy, crash } = ctx.command(box.owner);
      ctx.authority(() => {
        if (crash) throw new Error('planted in step');
      });
      box.x += dx * ctx.options.speed;
      box.y += dy * ctx.options.speed;
    }
  },
});
