import { angle, bool, defineGame, int, press } from '@tickwire/netcode';
import { describe, expect, it } from 'vitest';
import { CommandQueue } from './commands.ts';

const { schema } = defineGame({
  name: 'queue',
  entities: { dot: { x: int(0, 1) } },
  command: { dx: int(-1, 1), aim: angle(8), fire: bool(), jump: press() },
  step: () => undefined,
});

const queue = (): CommandQueue => new CommandQueue(schema.command, 60);
const words = (dx: number, jump = 0): Int32Array => Int32Array.of(dx, 5, 1, jump);
const taken = (commands: CommandQueue, tick: number): number[] | undefined => {
  const ran = commands.take(tick);
  return ran === undefined ? undefined : [...ran];
};

describe('CommandQueue', () => {
  it('[C1] runs a command at its own tick, whatever the order of arrival', () => {
    const commands = queue();
    for (const tick of [12, 10, 11]) expect(commands.add(10, tick, words(tick - 11), 0)).toBe(true);
    expect([10, 11, 12].map((tick) => taken(commands, tick)?.[0])).toEqual([-1, 0, 1]);
    expect(commands.stats).toMatchObject({ accepted: 3, substituted: 0 });
  });

  it('counts and ignores what is late, early or there already', () => {
    const commands = queue();
    expect(commands.add(10, 9, words(1), 0)).toBe(false);
    expect(commands.add(10, 10 + 128, words(1), 0)).toBe(false);
    expect(commands.add(10, 10 + 127, words(1), 0)).toBe(true);
    expect(commands.add(10, 12, words(1), 0)).toBe(true);
    // The first word for a tick stands: a peer cannot change its mind.
    expect(commands.add(10, 12, words(-1), 0)).toBe(false);
    expect(commands.stats).toMatchObject({ late: 1, tooEarly: 1, duplicate: 1, accepted: 2 });
    expect(taken(commands, 10)).toBeUndefined();
    expect(taken(commands, 12)?.[0]).toBe(1);
  });

  it('[C2] substitutes the last levels for 250 ms, then neutral ones, never pulls', () => {
    const commands = queue();
    commands.add(1, 1, words(1, 7), 0);
    expect(taken(commands, 1)).toEqual([1, 5, 1, 7]);
    for (let tick = 2; tick <= 16; tick++) expect(taken(commands, tick)).toEqual([1, 5, 1, 7]);
    for (let tick = 17; tick <= 40; tick++) expect(taken(commands, tick)).toEqual([0, 0, 0, 7]);
    expect(commands.stats).toMatchObject({ substituted: 15, neutral: 24 });
    // The next one that runs shows all pulls since.
    commands.add(41, 41, words(-1, 9), 0);
    expect(taken(commands, 41)).toEqual([-1, 5, 1, 9]);
    expect(taken(commands, 42)).toEqual([-1, 5, 1, 9]);
    expect(commands.stats.substituted).toBe(16);
  });

  it('runs nothing before the first command ever', () => {
    const commands = queue();
    for (let tick = 1; tick < 50; tick++) expect(taken(commands, tick)).toBeUndefined();
    expect(commands.stats).toMatchObject({ substituted: 0, neutral: 0 });
  });

  it('[C4] reports the least slack since the last report, and nothing when there was no news', () => {
    const commands = queue();
    expect(commands.takeReport()).toBeUndefined();
    commands.noteSlack(10, 2.5);
    commands.noteSlack(11, -1);
    commands.noteSlack(12, 3);
    expect(commands.takeReport()).toEqual({ commandTick: 11, slack: -1 });
    expect(commands.takeReport()).toBeUndefined();
  });

  it('[C8] takes back what a client that jumped back makes anew', () => {
    const commands = queue();
    for (let tick = 10; tick < 40; tick++) commands.add(10, tick, words(1, tick), 0);
    commands.takeBack(15);
    for (let tick = 10; tick < 15; tick++) expect(taken(commands, tick)?.[3]).toBe(tick);
    expect(commands.add(15, 15, words(-1, 50), 0)).toBe(true);
    expect(taken(commands, 15)).toEqual([-1, 5, 1, 50]);
    expect(taken(commands, 16)).toEqual([-1, 5, 1, 50]);
    expect(commands.stats.substituted).toBe(1);
  });

  it('forgets what another page sent ahead, and keeps its pulls', () => {
    const commands = queue();
    commands.add(1, 1, words(1, 3), 0);
    commands.add(1, 2, words(1, 5), 0);
    taken(commands, 1);
    commands.noteSlack(2, 1);
    commands.forget();
    expect(commands.takeReport()).toBeUndefined();
    expect(taken(commands, 2)).toEqual([1, 5, 1, 3]);
    expect(commands.stats.substituted).toBe(1);
  });
});
