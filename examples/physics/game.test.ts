import RAPIER from '@dimforge/rapier2d-deterministic-compat';
import { defineGame, grid, int } from '@tickwire/netcode';
import { syncTest } from '@tickwire/netcode/testing';
import { describe, expect, it } from 'vitest';
import { game } from './game.ts';

it('runs again from its rows to the same bits: nothing is hidden in the engine', () => {
  const { divergence, ticks } = syncTest({ game, seed: 3, players: 4, ticks: 400, every: 8 });
  expect(divergence).toBeUndefined();
  expect(ticks).toBe(400);
});

describe('an engine that lives on from tick to tick', () => {
  /** Balls in a heap: what the solver remembers of their contacts decides how they part. */
  const heap = (hooks: boolean) => {
    const shared = { world: heapWorld() };
    return defineGame({
      name: 'heap',
      entities: { ball: { x: grid(-50, 50), y: grid(-50, 50) } },
      command: { push: int(-3, 3) },
      engine: {
        create: () => ({ world: heapWorld() }),
        save: ({ world }) => (hooks ? world.takeSnapshot() : undefined),
        restore(engine, saved) {
          if (!(saved instanceof Uint8Array)) return;
          engine.world.free();
          engine.world = RAPIER.World.restoreSnapshot(saved);
        },
      },
      setup(world) {
        for (let i = 0; i < BALLS; i++) world.ball.spawn({ owner: 0 });
      },
      step(world, ctx) {
        const { world: engine } = hooks ? ctx.engine : shared;
        engine.getRigidBody(0)?.applyImpulse({ x: ctx.command(1).push, y: 0 }, true);
        engine.step();
        let body = 0;
        const bodies = engine.bodies.getAll();
        for (const ball of world.ball) {
          const at = bodies[body++]?.translation() ?? { x: 0, y: 0 };
          ball.x = at.x;
          ball.y = at.y;
        }
      },
    });
  };

  it('comes back with the tick where the game has hooks for it', () => {
    const { divergence } = syncTest({ game: heap(true), seed: 5, players: 1, ticks: 200, every: 4 });
    expect(divergence).toBeUndefined();
  });

  it('is found out without them', () => {
    const { divergence } = syncTest({ game: heap(false), seed: 5, players: 1, ticks: 200, every: 4 });
    expect(divergence).toMatchObject({ type: 'ball' });
  });
});

const BALLS = 12;

function heapWorld(): RAPIER.World {
  const world = new RAPIER.World({ x: 0, y: 9.81 });
  world.createCollider(RAPIER.ColliderDesc.cuboid(40, 1).setTranslation(0, 10));
  for (let i = 0; i < BALLS; i++) {
    const body = world.createRigidBody(
      RAPIER.RigidBodyDesc.dynamic().setTranslation((i % 4) * 0.9, Math.floor(i / 4) * 0.9),
    );
    world.createCollider(RAPIER.ColliderDesc.ball(0.5), body);
  }
  return world;
}
