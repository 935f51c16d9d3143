import { Rig } from '@tickwire/netcode/testing';
import { expect, it } from 'vitest';
import { game } from './game.ts';

it('a box moves where its player steers it, on both screens', () => {
  const rig = new Rig({
    game,
    seed: 1,
    clients: 2,
    link: 'wifi',
    script: (core) => ({ dx: core.seat === 1 ? 1 : 0, dy: 0 }),
  });
  rig.run(1_500).expectClean();
  for (const { core } of rig.clients) {
    const [first, second] = [...core.view.box];
    expect(first?.x).toBeGreaterThan(500);
    expect(second).toMatchObject({ x: 400, y: 300 });
  }
});
