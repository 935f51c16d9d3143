/** A game whose rules can be given one bug, as a client's build or a careless line would have it: what the divergence finder is tested on. */

import {
  angle,
  clamp,
  damp,
  defineGame,
  f32,
  grid,
  int,
  list,
  local,
  oneOf,
  press,
  Rng,
  ref,
  sin,
  tick,
} from '@tickwire/netcode';

const SLOW = 400;

/**
 * The game with the bug `flaw`, or without any. `note` is called where a bug gives something else than the right rule would. Bugs that
 * depend on what is no state cannot tell; they note nothing.
 */
export function flawed(flaw = '', note: (tick: number, field: string) => void = () => undefined) {
  // What no game may have: state outside of the schema.
  const ambient = new Rng(flaw.length, 99);
  let calls = 0;
  let heat = 0;
  const has = (name: string): boolean => flaw === name;

  return defineGame({
    name: 'flawed',
    tickRate: 60,
    snapshotRate: 20,
    maxPlayers: 4,
    entities: {
      ship: {
        x: grid(0, 4096, 1 / 64, { follows: 'vx' }),
        y: grid(0, 4096, 1 / 64, { follows: 'vy' }),
        vx: grid(-512, 512, 1 / 16),
        vy: grid(-512, 512, 1 / 16),
        aim: angle(12),
        swing: f32(),
        sum: f32(),
        energy: int(0, 500),
        jumps: int(0, 1_000_000),
        odometer: int(0, 100_000_000),
        roll: int(0, 1000),
        phase: int(0, 7),
        speed: int(0, 100),
        shield: int(0, 100),
        slip: grid(0, 64, 1 / 1024),
        height: grid(-8, 8, 1 / 1024),
        mood: oneOf('calm', 'angry'),
        trail: list(int(0, 63), 4),
        target: ref('shot'),
        restUntil: tick(),
        bornAt: tick(),
        warmth: local(int(0, 1000)),
      },
      drone: { charge: int(0, 1_000_000) },
      shot: { x: grid(0, 8192, 1 / 64, { follows: 'vx' }), vx: grid(-960, 960, 1 / 16), dies: tick() },
      spark: { dies: tick() },
      drifter: { x: grid(0, 4096, 1 / 64), y: grid(0, 4096, 1 / 64) },
    },
    command: { dx: int(-1, 1), dy: int(-1, 1), aim: angle(12), fire: press(), jump: press() },
    setup(world) {
      for (let i = 0; i < 8; i++) world.drifter.spawn({ owner: 0, x: 100 + 400 * i, y: 2000 });
    },
    join(world, who) {
      world.ship.spawn({ owner: who, x: 200 * who.seat, y: 2000, energy: 100, shield: 100, bornAt: 1 });
      for (let i = 0; i < 3; i++) world.drone.spawn({ owner: who });
    },
    leave(world, who) {
      for (const ship of world.ship.ownedBy(who)) ship.despawn();
    },
    step(world, ctx) {
      calls++;
      for (const ship of ctx.simulated(world.ship)) {
        /** Does as the right rule; with the bug as the wrong one, and notes when that is not the same. */
        const set = (name: string, field: string, right: unknown, wrong: () => unknown): void => {
          const fields = ship as unknown as Record<string, unknown>;
          fields[field] = right;
          if (!has(name)) return;
          const before = fields[field];
          fields[field] = wrong();
          if (fields[field] !== before) note(ctx.tick, field);
        };
        const { dx, dy, aim, fire, jump } = ctx.command(ship.owner);
        const { vx } = ship;
        set('skipped input', 'vx', damp(vx + 8 * dx, 0.95, 1 / 16), () =>
          damp(vx + (ctx.tick % 97 === 0 ? 0 : 8 * dx), 0.95, 1 / 16),
        );
        ship.vy = damp(ship.vy + 8 * dy, 0.95, 1 / 16);
        set('clamp on one side only', 'vx', ship.vx, () => clamp(ship.vx, -110, 110));
        // Mud: an unshared branch is one that asks where it runs.
        const inMud = ship.x % 512 < SLOW;
        const { vy } = ship;
        set('unshared branch', 'vy', inMud ? damp(vy, 0.9, 1 / 16) : vy, () =>
          inMud && ctx.isServer ? damp(vy, 0.9, 1 / 16) : vy,
        );
        const fromX = ship.x;
        const fromY = ship.y;
        set('wrong dt', 'x', fromX + ship.vx * ctx.dt, () => fromX + ship.vx * (1 / 50));
        const frame = (ambient.u32() % 5) / 144 + 1 / 144;
        const y = fromY + ship.vy * ctx.dt;
        set('lerp with frame time', 'y', y, () => fromY + ship.vy * frame);
        set('rounding mode', 'slip', (Math.abs(ship.vx) * ctx.dt) % 64, () => {
          const exact = (Math.abs(ship.vx) * ctx.dt) % 64;
          return Math.floor(exact * 1024) / 1024;
        });
        set('sign of a direction', 'height', 8 * sin(ship.x / 100), () => 8 * sin(-ship.x / 100));
        ship.aim = aim;
        set('Math.sin', 'swing', sin(ship.x * 0.37), () => Math.fround(sin(Math.fround(ship.x * 0.37))));
        const [a, b, c] = [ship.vx * 0.1, ship.vy * 1e5 + 0.3, 1 / (1 + Math.abs(ship.x))];
        set('float reassociation', 'sum', Math.fround(Math.fround(a + b) + c), () =>
          Math.fround(a + Math.fround(b + c)),
        );
        const distance = ship.odometer + Math.round(8 * Math.abs(ship.vx));
        set('integer overflow', 'odometer', distance, () => distance & 0xffff);
        ship.roll = has('Math.random') ? ambient.int(0, 1000) : ctx.random(ship).int(0, 1000);
        ship.phase = has('counter of calls') ? calls % 8 : ctx.tick % 8;
        // Heat that is kept in the module: the server counts every shot once, a client each time that it runs the tick again.
        heat = Math.min(1000, heat + (fire > 0 ? 1 : 0));
        if (has('state in the module')) ship.speed = heat % 100;
        ship.warmth = (ship.warmth * 3 + ctx.tick) % 1000;
        if (has('local decides')) ship.speed = ship.warmth % 100;
        ship.jumps += jump;
        set('pull used twice', 'jumps', ship.jumps, () => ship.jumps + jump);
        const angry = fire > 0 || ctx.tick % 50 === 0;
        set('another condition', 'mood', angry ? 'angry' : 'calm', () =>
          fire > 1 ? 'angry' : angry && fire === 0 ? 'angry' : 'calm',
        );
        if (ctx.tick % 40 === 0) {
          ship.trail.push(ctx.tick % 64);
          if (has('list written twice') && ship.trail.push(ctx.tick % 64)) note(ctx.tick, 'trail');
          if (ship.trail.length === 4) ship.trail.clear();
        }
        // Every three seconds it is born again.
        ship.shield = Math.max(0, ship.shield - (jump > 0 ? 1 : 0));
        if (ctx.tick >= ship.bornAt + 180) {
          ship.bornAt = ctx.tick;
          ship.cut();
          const { shield } = ship;
          set('not set after respawn', 'shield', 100, () => shield);
        }
        if (fire > 0 && ctx.tick >= ship.restUntil) {
          set('deadline written late', 'restUntil', ctx.tick + 12, () => ctx.tick + 13);
          if (has('spawn order')) {
            note(ctx.tick, 'exists');
            world.spark.spawn({ owner: ship.owner, dies: ctx.tick + 20 });
          }
          ship.target = world.shot.spawn({
            owner: ship.owner,
            x: ship.x,
            vx: 600,
            dies: ctx.tick + 30,
          });
          if (has('spawned twice')) {
            note(ctx.tick, 'exists');
            world.shot.spawn({ owner: ship.owner, x: ship.x, vx: 600, dies: ctx.tick + 30 });
          }
          if (has('another owner')) note(ctx.tick, 'exists');
          if (!has('spawn order'))
            world.spark.spawn({ owner: has('another owner') ? 0 : ship.owner, dies: ctx.tick + 20 });
        }
        // Damage: only the server decides it, but a client's line does it too.
        const hurt = (): void => {
          for (const drifter of world.drifter)
            if (Math.abs(drifter.x - ship.x) < 24 && ship.energy > 0) ship.energy -= 1;
        };
        ctx.authority(hurt);
        const { energy } = ship;
        if (has('authority leaks') && !ctx.isServer) hurt();
        if (ship.energy !== energy) note(ctx.tick, 'energy');
      }
      // Drones drink from the first one's pool: who comes first gets more.
      for (const { owner } of ctx.tick % 30 === 0 ? ctx.simulated(world.ship) : []) {
        const drones = world.drone.ownedBy(owner);
        if (has('iteration order')) {
          drones.reverse();
          note(ctx.tick, 'charge');
        }
        let pool = 10;
        for (const drone of drones) {
          const share = Math.ceil(pool / 2);
          drone.charge += share;
          pool -= share;
        }
      }
      for (const shot of ctx.simulated(world.shot)) {
        shot.x += shot.vx * ctx.dt;
        const late = has('deadline read late');
        if (late && ctx.tick === shot.dies) note(ctx.tick, 'exists');
        if (late ? ctx.tick > shot.dies : ctx.tick >= shot.dies) {
          for (const ship of ctx.simulated(world.ship)) {
            if (ship.owner !== shot.owner || ship.target !== shot) continue;
            if (has('stale reference')) note(ctx.tick, 'target');
            else ship.target = undefined;
          }
          shot.despawn();
        }
      }
      for (const spark of ctx.simulated(world.spark)) if (ctx.tick >= spark.dies) spark.despawn();
      ctx.authority(() => {
        for (const drifter of world.drifter) drifter.x = 2048 + 1800 * sin(ctx.tick / 100 + drifter.id);
      });
    },
  });
}

/** Bugs that both sides have, each with memory of its own. All others are the client's alone. */
export const SHARED_FLAWS: ReadonlySet<string> = new Set([
  'state in the module',
  'local decides',
  'Math.random',
  'counter of calls',
]);

/** Every bug, and the field that should be named. */
export const FLAWS: Readonly<Record<string, string>> = {
  'wrong dt': 'ship.x',
  'skipped input': 'ship.vx',
  'unshared branch': 'ship.vy',
  'state in the module': 'ship.speed',
  'local decides': 'ship.speed',
  'iteration order': 'drone.charge',
  'float reassociation': 'ship.sum',
  'Math.sin': 'ship.swing',
  'Math.random': 'ship.roll',
  'counter of calls': 'ship.phase',
  'not set after respawn': 'ship.shield',
  'stale reference': 'ship.target',
  'deadline read late': 'shot.exists',
  'deadline written late': 'ship.restUntil',
  'clamp on one side only': 'ship.vx',
  'integer overflow': 'ship.odometer',
  'spawn order': 'shot.exists',
  'another owner': 'spark.exists',
  'spawned twice': 'shot.exists',
  'pull used twice': 'ship.jumps',
  'rounding mode': 'ship.slip',
  'lerp with frame time': 'ship.y',
  'authority leaks': 'ship.energy',
  'sign of a direction': 'ship.height',
  'another condition': 'ship.mood',
  'list written twice': 'ship.trail',
};
