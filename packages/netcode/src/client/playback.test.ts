import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { Playback } from './playback.ts';

const TICK_MS = 1000 / 60;
const STEP = 3;

interface Played {
  /** Milliseconds that the view was behind the server's present, frame by frame. */
  readonly behind: number[];
  readonly steps: number[];
  /** Milliseconds past the newest snapshot, one per step. */
  readonly past: number[];
  readonly underruns: number;
}

/** Snapshots of every third tick arrive after `delay(tick)`; frames are drawn at 60 Hz. */
function play(
  playback: Playback,
  ms: number,
  delay: (tick: number) => number | undefined,
  drawn: (now: number) => boolean = () => true,
): Played {
  const waiting: { at: number; tick: number }[] = [];
  for (let tick = 0; tick * TICK_MS < ms; tick += STEP) {
    const late = delay(tick);
    if (late !== undefined) waiting.push({ at: tick * TICK_MS + late, tick });
  }
  waiting.sort((a, b) => a.at - b.at);
  const behind: number[] = [];
  const steps: number[] = [];
  const past: number[] = [];
  let newest = 0;
  let last: number | undefined;
  let next = 0;
  for (let now = 0; now < ms; now += 4) {
    for (; (waiting[next]?.at ?? Infinity) <= now; next++) {
      const { tick } = waiting[next] as { tick: number };
      playback.arrived(now, tick);
      newest = Math.max(newest, tick);
    }
    if (now % 16 !== 0 || !playback.running || !drawn(now)) continue;
    const tick = playback.advance(now, newest);
    if (last !== undefined) {
      steps.push(tick - last);
      past.push((tick - newest) * TICK_MS);
    }
    last = tick;
    behind.push(now - tick * TICK_MS);
  }
  return { behind, steps, past, underruns: playback.underruns };
}

const fresh = (): Playback => new Playback(TICK_MS, STEP);
const late = <T>(list: readonly T[]): T[] => list.slice(list.length / 2);

describe('Playback', () => {
  it('stays one interval and a little behind on a steady path, and never runs dry', () => {
    const { behind, underruns } = play(fresh(), 20_000, () => 40);
    for (const ms of late(behind)) {
      expect(ms).toBeGreaterThan(40 + 50);
      expect(ms).toBeLessThan(40 + 50 + 20);
    }
    expect(underruns).toBeLessThan(5);
  });

  it('keeps a distance that grows with jitter', () => {
    const rng = new Rng(1);
    const { behind, underruns } = play(fresh(), 40_000, () => 40 + rng.range(0, 60));
    const mean = late(behind).reduce((sum, ms) => sum + ms, 0) / late(behind).length;
    expect(mean).toBeGreaterThan(40 + 30 + 50 + 20);
    expect(mean).toBeLessThan(40 + 30 + 50 + 90);
    expect(underruns / behind.length).toBeLessThan(0.02);
  });

  it.each([1, 2, 3, 4, 5])(
    '[V2] never goes back and keeps its pace within 0.85..1.1, whatever arrives (seed %i)',
    (seed) => {
      const rng = new Rng(seed);
      let base = 30;
      const { steps, past } = play(fresh(), 60_000, (tick) => {
        if (tick % 600 === 0) base = rng.range(0, 300);
        // Loss in every fourth second, odd datagrams that are half a second late.
        if (tick % 240 < 60 && rng.chance(0.5)) return undefined;
        return base + rng.range(0, 40) + (rng.chance(0.02) ? 500 : 0);
      });
      steps.forEach((step, i) => {
        // It stops where it is too far past all it has.
        const least = (past[i] ?? 0) < 250 - 1e-6 ? (0.85 * 16) / TICK_MS : 0;
        expect(step).toBeGreaterThanOrEqual(least - 1e-9);
      });
      expect(Math.max(...past)).toBeLessThan(250 + 1e-6);
      // Forward it may jump, when it is far behind; not often.
      expect(steps.filter((step) => step > (1.1 * 16) / TICK_MS + 1e-9).length).toBeLessThan(30);
    },
  );

  it('[V2] goes on where the server is after frames were missing for 5 s', () => {
    const { behind, steps } = play(
      fresh(),
      20_000,
      () => 40,
      (now) => now < 8_000 || now > 13_000,
    );
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(behind.at(-1)).toBeLessThan(120);
    expect(behind.at(-1)).toBeGreaterThan(80);
  });

  it.each([
    [0.05, 50, 110],
    [0.2, 110, 160],
  ])('is as far behind as a loss of %f asks for: from %i to %i ms', (loss, least, most) => {
    const rng = new Rng(3);
    const { behind, underruns } = play(fresh(), 60_000, () => (rng.chance(loss) ? undefined : 40));
    const mean = late(behind).reduce((sum, ms) => sum + ms, 0) / late(behind).length - 40;
    expect(mean).toBeGreaterThan(least);
    expect(mean).toBeLessThan(most);
    expect(underruns / behind.length).toBeLessThan(0.015);
  });

  it('comes nearer again after a bad time, and a blackout does not keep it back', () => {
    const rng = new Rng(4);
    const bad = play(fresh(), 60_000, (tick) => {
      const ms = tick * TICK_MS;
      if (ms > 40_000 && ms < 41_000) return undefined;
      return ms > 5_000 && ms < 15_000 ? 40 + rng.range(0, 150) : 40;
    });
    const at = (ms: number): number => bad.behind[Math.round((ms / 60_000) * bad.behind.length)] ?? 0;
    expect(at(14_500)).toBeGreaterThan(40 + 150);
    expect(at(39_500)).toBeLessThan(40 + 60);
    expect(at(44_000)).toBeLessThan(40 + 50 + 110);
    expect(at(59_000)).toBeLessThan(40 + 60);
  });

  it('follows a path that grew longer, and one that grew shorter, within seconds', () => {
    const { behind } = play(fresh(), 60_000, (tick) =>
      tick * TICK_MS > 20_000 && tick * TICK_MS < 40_000 ? 140 : 40,
    );
    const at = (ms: number): number => behind[Math.round((ms / 60_000) * behind.length)] ?? 0;
    expect(at(19_000)).toBeLessThan(40 + 60);
    expect(at(22_000)).toBeGreaterThan(140 + 50);
    expect(at(38_000)).toBeLessThan(140 + 60);
    expect(at(47_000)).toBeLessThan(40 + 60);
  });

  it('changes its rate little by little', () => {
    const rng = new Rng(5);
    const { steps } = play(fresh(), 60_000, () => (rng.chance(0.1) ? undefined : 40 + rng.range(0, 40)));
    for (const [i, step] of steps.entries())
      expect(Math.abs(step - (steps[i - 1] ?? step))).toBeLessThan((0.04 * 16) / TICK_MS);
  });

  it('learns as much from a slow page', () => {
    const path = (rng: Rng) => () => 40 + rng.range(0, 60);
    const fast = play(fresh(), 40_000, path(new Rng(6)));
    const slow = play(fresh(), 40_000, path(new Rng(6)), (now) => now % 80 === 0);
    expect(slow.underruns / slow.behind.length).toBeLessThan(0.02);
    expect(Math.abs((slow.behind.at(-1) ?? 0) - (fast.behind.at(-1) ?? 0))).toBeLessThan(15);
  });

  it('[V2] stands still while the server does, and is with it again soon after that has dropped the ticks', () => {
    const { past, steps } = play(fresh(), 12_000, (tick) => {
      const at = tick * TICK_MS;
      // What would have been ticks 5.0 s to 7.0 s comes 2 s later, and the server never catches up.
      return at < 5_000 ? 40 : 2_040;
    });
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
    const back = past.findIndex((ms, i) => i * 16 > 7_100 && ms < 0);
    expect(back * 16).toBeLessThan(7_100 + 3_500);
    for (const ms of past.slice(back + 60)) expect(ms).toBeLessThan(0);
  });

  it('goes on at once when the page clock stood still', () => {
    const playback = fresh();
    let newest = 0;
    for (let now = 0; now < 10_000; now += 10) {
      const server = now < 5_000 ? now : now + 600_000;
      if (now % 50 === 0) {
        newest = Math.floor((server - 40) / TICK_MS);
        playback.arrived(now, newest);
      }
      const tick = playback.advance(now, newest);
      if (now > 5_060) expect(server - tick * TICK_MS).toBeLessThan(250);
    }
  });

  it('counts frames past the newest snapshot while none arrive, and starts over after a reset', () => {
    const playback = fresh();
    play(playback, 4_000, (tick) => (tick * TICK_MS < 2_000 ? 20 : undefined));
    expect(playback.underruns).toBeGreaterThan(100);
    expect(playback.frames).toBeGreaterThan(playback.underruns);
    playback.reset();
    expect(playback.running).toBe(false);
    expect(playback.advance(5_000, 10)).toBe(0);
  });
});
