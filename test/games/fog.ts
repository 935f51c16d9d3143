/** Teams in fog, spies in cloaks, vaults behind doors, and secrets in every row: what the secrecy suite plays. */

import { defineGame, type Field, grid, int, list, ownerOnly, ref, teamOnly, text } from '@tickwire/netcode';

export const SIGHT = 400;
const WORLD = 2048;
const CELL = 64;

const UNITS = 180;
const SPIES = 30;
const VAULTS = 8;

/** Ticks between new secrets of one row. */
const FRESH_EVERY = 13;

const word = (): Field<number> => int(0, 2 ** 31 - 1);

/** The game, or the same game with nothing guarded: every row and every field is told to everybody. The rows are laid out alike. */
export function fogGame(guarded: boolean) {
  const mine: <T>(field: Field<T>) => Field<T> = guarded ? ownerOnly : (field) => field;
  const ours: <T>(field: Field<T>) => Field<T> = guarded ? teamOnly : (field) => field;
  const place = { x: grid(0, WORLD, 1 / 16), y: grid(0, WORLD, 1 / 16) };
  const open = { a: word(), b: word(), label: text(20) };
  const game = defineGame({
    name: 'fog',
    maxPlayers: 12,
    entities: {
      unit: {
        ...place,
        ...open,
        planA: mine(word()),
        planB: mine(word()),
        codeA: ours(word()),
        codeB: ours(word()),
        note: mine(text(20)),
        order: ours(text(20)),
        prey: ref('unit'),
        lair: ref('spy'),
        vault: ref('vault'),
      },
      spy: { ...place, ...open, side: int(0, 2), cloak: int(0, 1) },
      vault: { ...open, side: int(0, 2), pair: list(word(), 2) },
    },
    player: {
      side: int(0, 2),
      purseA: mine(word()),
      purseB: mine(word()),
      creed: ours(text(20)),
      eyeX: mine(grid(0, WORLD, 1)),
      eyeY: mine(grid(0, WORLD, 1)),
    },
    command: { dx: int(-1, 1), dy: int(-1, 1) },
    interest: {
      position: guarded ? { unit: ['x', 'y'], spy: ['x', 'y'] } : {},
      // Without a margin what is shown depends on the present tick alone, so that plain code can tell it.
      cell: CELL,
      margin: 0,
      area: ({ player }) =>
        player === undefined ? undefined : { x: player.eyeX, y: player.eyeY, radius: SIGHT },
    },
    visible: guarded
      ? {
          spy: (viewer, spy) => spy.cloak === 0 || spy.side === viewer.team,
          vault: (viewer, vault) => vault.side === viewer.team,
        }
      : {},
    team: (world, seat) => world.players.get(seat)?.side ?? -1,
    join(world, who, ctx) {
      const player = world.players.get(who.seat);
      if (player !== undefined) player.side = who.seat % 3;
      const rng = ctx.random(player, 5);
      for (let i = 0; i < 3; i++)
        world.unit.spawn({ owner: who, x: rng.range(0, WORLD), y: rng.range(0, WORLD) });
    },
    leave(world, who) {
      for (const unit of world.unit.ownedBy(who)) unit.despawn();
    },
    step(world, ctx) {
      for (const unit of ctx.simulated(world.unit)) {
        if (unit.owner === 0) continue;
        const { dx, dy } = ctx.command(unit.owner);
        unit.x += dx * 3;
        unit.y += dy * 3;
      }
      ctx.authority(() => {
        const dice = ctx.random(undefined, 1);
        while (world.unit.count < UNITS)
          world.unit.spawn({ owner: 0, x: dice.range(0, WORLD), y: dice.range(0, WORLD) });
        while (world.spy.count < SPIES)
          world.spy.spawn({
            owner: 0,
            x: dice.range(0, WORLD),
            y: dice.range(0, WORLD),
            side: dice.int(0, 2),
          });
        while (world.vault.count < VAULTS) world.vault.spawn({ owner: 0, side: dice.int(0, 2) });
        for (const unit of world.unit) {
          const rng = ctx.random(unit);
          if (unit.owner === 0) {
            unit.x += rng.range(-6, 6);
            unit.y += rng.range(-6, 6);
            if (rng.chance(0.004)) unit.despawn();
          }
          if (!unit.alive || (ctx.tick + unit.id) % FRESH_EVERY !== 0) continue;
          [unit.a, unit.b, unit.planA, unit.planB] = words(rng);
          [unit.codeA, unit.codeB] = words(rng);
          [unit.label, unit.note, unit.order] = [letters(rng), letters(rng), letters(rng)];
          unit.prey = pick([...world.unit], rng);
          unit.lair = pick([...world.spy], rng);
          unit.vault = pick([...world.vault], rng);
        }
        for (const spy of world.spy) {
          const rng = ctx.random(spy);
          spy.x += rng.range(-9, 9);
          spy.y += rng.range(-9, 9);
          if (rng.chance(0.003)) spy.despawn();
          if (!spy.alive || (ctx.tick + spy.id) % FRESH_EVERY !== 0) continue;
          [spy.a, spy.b] = words(rng);
          [spy.label, spy.cloak] = [letters(rng), rng.int(0, 1)];
        }
        for (const vault of world.vault) {
          const rng = ctx.random(vault);
          if ((ctx.tick + vault.id) % FRESH_EVERY !== 0) continue;
          [vault.a, vault.b] = words(rng);
          [vault.label, vault.side] = [letters(rng), rng.int(0, 2)];
          vault.pair.clear();
          for (const one of words(rng).slice(0, 2)) vault.pair.push(one);
        }
        for (const player of world.players) {
          const rng = ctx.random(player);
          const [first] = world.unit.ownedBy(player.seat);
          player.eyeX = first?.x ?? 0;
          player.eyeY = first?.y ?? 0;
          if ((ctx.tick + player.seat) % FRESH_EVERY !== 0) continue;
          [player.purseA, player.purseB] = words(rng);
          player.creed = letters(rng);
          if (rng.chance(0.1)) player.side = rng.int(0, 2);
        }
      });
    },
  });
  return game;
}

interface Dice {
  int(lo: number, hi: number): number;
}

/** Four rare numbers: they need all of their 31 bits. */
function words(rng: Dice): [number, number, number, number] {
  const one = (): number => rng.int(2 ** 30, 2 ** 31 - 1);
  return [one(), one(), one(), one()];
}

const letters = (rng: Dice): string =>
  Array.from({ length: 16 }, () => String.fromCharCode(97 + rng.int(0, 25))).join('');

const pick = <T>(all: readonly T[], rng: Dice): T | undefined => all[rng.int(0, Math.max(0, all.length - 1))];
