/** Ships that shoot each other: what the suites of one-shot events and predicted spawns play. */

import {
  angle,
  bool,
  cos,
  defineGame,
  event,
  grid,
  int,
  press,
  ref,
  sin,
  text,
  tick,
} from '@tickwire/netcode';

export const SHOT_SPEED = 400;
export const SHOT_TICKS = 40;
const REACH = 20;

/** Held, the gun fires this often. */
export const SPRAY_TICKS = 9;

export const duel = defineGame({
  name: 'duel',
  maxPlayers: 8,
  entities: {
    ship: {
      x: grid(0, 1024, 1 / 16, { follows: 'vx' }),
      y: grid(0, 1024, 1 / 16, { follows: 'vy' }),
      vx: grid(-240, 240, 3.75),
      vy: grid(-240, 240, 3.75),
      shots: int(0, 1_000_000),
      sprays: int(0, 1_000_000),
      hurt: int(0, 1_000_000),
      readyAt: tick(),
      /** The gun does nothing until then. The server alone says so. */
      jammedUntil: tick(),
    },
    shot: {
      x: grid(0, 1024, 1 / 16, { follows: 'vx' }),
      y: grid(0, 1024, 1 / 16, { follows: 'vy' }),
      vx: grid(-480, 480, 3.75),
      vy: grid(-480, 480, 3.75),
      number: int(0, 1_000_000),
      endsAt: tick(),
    },
  },
  command: { dx: int(-1, 1), dy: int(-1, 1), aim: angle(8), spray: bool(), shoot: press() },
  events: {
    /** One pull, one shot. `number` tells which of its owner's it is. */
    fired: event({ x: grid(0, 1024, 1), y: grid(0, 1024, 1), number: int(0, 1_000_000) }),
    sprayed: event({ ship: ref('ship'), number: int(0, 1_000_000) }, { of: 'ship' }),
    /** The shooter's client guesses it. */
    hit: event(
      { x: grid(0, 1024, 1), y: grid(0, 1024, 1), target: ref('ship') },
      { at: ['x', 'y'], of: 'target' },
    ),
    /** Ruled by the server alone. */
    hurt: event({ ship: ref('ship'), by: ref('ship') }, { of: 'ship' }),
    gong: event({ words: text(12) }, { lifeMs: 500 }),
  },
  /** What own shots are by default, said by a rule. */
  predict: { shot: (shot, me) => shot.owner === me },
  options: { jams: false, harmless: false },
  join(world, who, ctx) {
    world.ship.spawn({ owner: who, x: 200 + 90 * who.seat, y: 512 });
    ctx.emit('gong', { owner: 0, words: who.name });
  },
  leave(world, who) {
    for (const ship of world.ship.ownedBy(who)) ship.despawn();
    for (const shot of world.shot.ownedBy(who)) shot.despawn();
  },
  step(world, ctx) {
    for (const ship of ctx.simulated(world.ship)) {
      const { dx, dy, aim, spray, shoot } = ctx.command(ship.owner);
      ship.vx = dx * 120;
      ship.vy = dy * 120;
      ship.x += ship.vx * ctx.dt;
      ship.y += ship.vy * ctx.dt;
      for (let pull = 0; pull < shoot; pull++) {
        if (ctx.tick < ship.jammedUntil) continue;
        ship.shots++;
        const { owner, x, y, shots: number } = ship;
        const vx = cos(aim) * SHOT_SPEED;
        const vy = sin(aim) * SHOT_SPEED;
        world.shot.spawn({ owner, x, y, vx, vy, number, endsAt: ctx.tick + SHOT_TICKS });
        ctx.emit('fired', { owner, x, y, number });
      }
      if (spray && ctx.tick >= ship.readyAt) {
        ship.readyAt = ctx.tick + SPRAY_TICKS;
        ship.sprays++;
        ctx.emit('sprayed', { owner: ship.owner, ship, number: ship.sprays });
      }
    }
    for (const shot of ctx.simulated(world.shot)) {
      shot.x += shot.vx * ctx.dt;
      shot.y += shot.vy * ctx.dt;
      for (const ship of ctx.options.harmless ? [] : world.ship) {
        if (
          ship.owner === shot.owner ||
          Math.abs(ship.x - shot.x) > REACH ||
          Math.abs(ship.y - shot.y) > REACH
        )
          continue;
        const { owner, x, y } = shot;
        ctx.emit('hit', { owner, x, y, target: ship });
        shot.despawn();
        ctx.authority(() => {
          ship.hurt++;
          ctx.emit('hurt', { owner: ship.owner, ship, by: world.ship.ownedBy(owner)[0] });
        });
        break;
      }
      if (shot.alive && ctx.tick >= shot.endsAt) shot.despawn();
    }
    ctx.authority(() => {
      if (!ctx.options.jams || ctx.tick % 40 !== 0) return;
      for (const ship of world.ship) ship.jammedUntil = ctx.tick + 5;
    });
    if (ctx.tick % 200 === 0) ctx.emit('gong', { owner: 0, words: `${ctx.tick}` });
  },
});
