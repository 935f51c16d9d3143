/**
 * Rapier as a pure function of the rows: bodies in, bodies after one tick out.
 *
 * A world that lives on from tick to tick remembers contacts, starts its solver from their last impulses (warm starting) and lets
 * bodies sleep. None of that is in the rows, so a client that replays would solve another problem than the server did. Rapier's
 * binding has no switch for warm starting; a world built anew for every tick has nothing to start from. What it costs is measured in
 * the test beside this file. The build is Rapier's deterministic one: the same bits in Node and in every browser.
 */

import RAPIER from '@dimforge/rapier2d-deterministic-compat';

await RAPIER.init();

/** What the engine reads and writes of a row. Metres, seconds, turns in radians. */
export interface Body {
  x: number;
  y: number;
  vx: number;
  vy: number;
  turn: number;
  spin: number;
}

/** What a kind of body is made of. */
export interface Kind {
  readonly shape: 'disc' | 'box';
  /** Radius, or half the edge. */
  readonly size: number;
  readonly density: number;
  /** 0 stops dead, 1 loses nothing. */
  readonly bounce: number;
  /** Speed lost per second, as a share of it. */
  readonly drag: number;
}

/** A wall: middle and half its width and height. */
export type Wall = readonly [x: number, y: number, halfWidth: number, halfHeight: number];

/** Slower than this a body rests. The grid of the rows would make it creep for ever, or hold it. */
const REST = 0.02;

/** A tick's problem: fill it in a fixed order, then solve it. The order decides bits, so it must be that of the ids. */
export class Solver {
  readonly #walls: readonly Wall[];
  readonly #rows: Body[] = [];
  readonly #kinds: Kind[] = [];

  constructor(walls: readonly Wall[]) {
    this.#walls = walls;
  }

  add(row: Body, kind: Kind): void {
    this.#rows.push(row);
    this.#kinds.push(kind);
  }

  /** Moves every body on by `dt` seconds and writes it back to its row. */
  solve(dt: number): void {
    const world = new RAPIER.World({ x: 0, y: 0 });
    world.timestep = dt;
    for (const [x, y, halfWidth, halfHeight] of this.#walls)
      world.createCollider(RAPIER.ColliderDesc.cuboid(halfWidth, halfHeight).setTranslation(x, y));
    const bodies = this.#rows.map((row, i) => addBody(world, row, this.#kinds[i] as Kind));
    world.step();
    this.#rows.forEach((row, i) => {
      const body = bodies[i] as RAPIER.RigidBody;
      const { x, y } = body.translation();
      const velocity = body.linvel();
      row.x = x;
      row.y = y;
      row.vx = Math.abs(velocity.x) < REST ? 0 : velocity.x;
      row.vy = Math.abs(velocity.y) < REST ? 0 : velocity.y;
      row.turn = body.rotation();
      const spin = body.angvel();
      row.spin = Math.abs(spin) < REST ? 0 : spin;
    });
    world.free();
    this.#rows.length = 0;
    this.#kinds.length = 0;
  }
}

function addBody(world: RAPIER.World, row: Body, kind: Kind): RAPIER.RigidBody {
  const { shape, size, density, bounce, drag } = kind;
  const body = world.createRigidBody(
    RAPIER.RigidBodyDesc.dynamic()
      .setTranslation(row.x, row.y)
      .setRotation(row.turn)
      .setLinvel(row.vx, row.vy)
      .setAngvel(row.spin)
      .setLinearDamping(drag)
      .setAngularDamping(drag)
      .setCanSleep(false),
  );
  const collider = shape === 'disc' ? RAPIER.ColliderDesc.ball(size) : RAPIER.ColliderDesc.cuboid(size, size);
  world.createCollider(collider.setDensity(density).setRestitution(bounce).setFriction(0.4), body);
  return body;
}
