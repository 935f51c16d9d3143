/** A small game that uses most field types: what the sim suites play. */

import {
  angle,
  bool,
  damp,
  defineGame,
  f32,
  grid,
  int,
  list,
  local,
  message,
  oneOf,
  press,
  ref,
  refuse,
  request,
  text,
  tick,
} from '@tickwire/netcode';

export const boxes = defineGame({
  name: 'boxes',
  tickRate: 60,
  snapshotRate: 20,
  maxPlayers: 16,
  entities: {
    box: {
      x: grid(0, 1024, 1 / 1024, { follows: 'vx' }),
      y: grid(0, 1024, 1 / 1024, { follows: 'vy' }),
      vx: grid(-480, 480, 60 / 1024),
      vy: grid(-480, 480, 60 / 1024),
      aim: angle(12),
      jumps: int(0, 1_000_000),
      warm: f32(),
      label: text(12),
      mood: oneOf('calm', 'angry'),
      last: ref('shot'),
      trail: list(int(0, 63), 4),
      scratch: local(int(0, 1000)),
      restUntil: tick(),
    },
    shot: {
      x: grid(0, 1024, 1 / 1024, { follows: 'vx' }),
      y: grid(0, 1024, 1 / 1024),
      vx: grid(-960, 960, 60 / 1024),
      dies: tick(),
    },
    drifter: { x: grid(0, 1024), y: grid(0, 1024), wobble: bool() },
  },
  player: { score: int(0, 65535) },
  room: { round: int(0, 255), shaken: int(0, 1_000_000) },
  options: { drifters: 8 },
  command: { dx: int(-1, 1), dy: int(-1, 1), aim: angle(12), fire: bool(), jump: press() },
  messages: {
    say: message<{ text: string }>({ from: 'both' }),
    ping: message<number>({ from: 'both', reliable: false }),
  },
  requests: {
    /** Answered by the rules. */
    buy: request<{ cost: number }, { score: number }>({
      validate: (value) =>
        typeof value === 'object' && value !== null && 'cost' in value && Number.isInteger(value.cost),
    }),
    /** Answered outside the room, by whoever runs it. */
    lookup: request<string, string>({ validateAnswer: (value) => typeof value === 'string' }),
  },
  answers: {
    buy(world, from, { cost }) {
      const player = world.players.get(from.seat);
      if (player === undefined || player.score < cost) return refuse('not enough score');
      player.score -= cost;
      return { score: player.score };
    },
  },
  setup(world, ctx) {
    for (let i = 0; i < ctx.options.drifters; i++) {
      const rng = ctx.random(undefined, i);
      world.drifter.spawn({ owner: 0, x: rng.range(0, 1024), y: rng.range(0, 1024) });
    }
  },
  join(world, who) {
    world.box.spawn({ owner: who, x: 100 + 40 * who.seat, y: 500, label: who.name });
  },
  leave(world, who) {
    for (const box of world.box.ownedBy(who)) box.despawn();
    for (const shot of world.shot.ownedBy(who)) shot.despawn();
  },
  message(_world, from, _name, payload, ctx) {
    if (typeof payload === 'object') ctx.broadcast('say', { text: `${from.name}: ${payload.text}` });
    else ctx.send(from.seat, 'ping', payload);
  },
  step(world, ctx) {
    for (const box of ctx.simulated(world.box)) {
      const command = ctx.command(box.owner);
      box.scratch = (box.scratch * 7 + ctx.tick) % 1000;
      box.vx = damp(box.vx + command.dx * 6, 0.95, 60 / 1024);
      box.vy = damp(box.vy + command.dy * 6, 0.95, 60 / 1024);
      box.x += box.vx * ctx.dt;
      box.y += box.vy * ctx.dt;
      box.aim = command.aim;
      box.jumps += command.jump;
      if (command.jump > 0) box.trail.clear();
      if (ctx.tick % 30 === 0 && command.dx !== 0) box.trail.push(ctx.tick % 64);
      box.warm = box.warm * 0.5 + command.dx;
      box.mood = command.fire ? 'angry' : 'calm';
      if (command.fire && ctx.tick >= box.restUntil) {
        box.restUntil = ctx.tick + 20;
        box.last = world.shot.spawn({ owner: box.owner, x: box.x, y: box.y, vx: 600, dies: ctx.tick + 60 });
      }
    }
    for (const shot of ctx.simulated(world.shot)) {
      shot.x += shot.vx * ctx.dt;
      if (ctx.tick >= shot.dies) shot.despawn();
    }
    ctx.authority(() => {
      for (const drifter of world.drifter) {
        const rng = ctx.random(drifter);
        drifter.x += rng.range(-3, 3);
        drifter.wobble = rng.chance(0.5);
      }
      if (ctx.tick % 100 === 0) world.room.shaken += 1;
      for (const player of world.players) if (ctx.random(player).chance(0.01)) player.score += 1;
    });
  },
});
