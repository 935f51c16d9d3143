// What the page and the rig are compared by.

import type { ArenaClient } from '../../../examples/arena/page/client.ts';

/** What `stats()` says, sampled ten times a second. */
export interface Sample {
  readonly rtt: number;
  readonly jitter: number;
  readonly loss: number;
  readonly slack: number;
  readonly targetSlack: number;
  readonly viewDelay: number;
  readonly snapshotAge: number;
  readonly snapshots: number;
  readonly underruns: number;
  readonly mispredictions: number;
}

export interface Commands {
  readonly accepted: number;
  readonly substituted: number;
  readonly neutral: number;
}

/** Medians over a stretch of play, which a hiccup of the machine leaves alone. Times in ms, slack in ticks, shares 0..1. */
export interface Figures {
  readonly rtt: number;
  readonly jitter: number;
  readonly loss: number;
  /** Distance of the slack from its target. */
  readonly slackError: number;
  readonly viewDelay: number;
  readonly snapshotAge: number;
  /** Snapshots that arrived, per second. */
  readonly snapshots: number;
  /** Share of ticks whose command was not there. */
  readonly substituted: number;
  /** Share of ticks. */
  readonly mispredicted: number;
}

const TICK_RATE = 60;

export const sampleOf = (stats: ReturnType<ArenaClient['stats']>): Sample => ({
  rtt: stats.rtt,
  jitter: stats.jitter,
  loss: stats.loss,
  slack: stats.slack,
  targetSlack: stats.targetSlack,
  viewDelay: stats.viewDelay,
  snapshotAge: stats.snapshotAge,
  snapshots: stats.snapshots,
  underruns: stats.underruns,
  mispredictions: stats.mispredictions,
});

/** `commands`: the server's counts before and after. */
export function figuresOf(
  samples: readonly Sample[],
  seconds: number,
  commands: readonly [before: Commands, after: Commands],
): Figures {
  const middle = (of: (sample: Sample) => number): number =>
    samples.map(of).sort((a, b) => a - b)[samples.length >> 1] as number;
  const grown = (of: (sample: Sample) => number): number =>
    of(samples.at(-1) as Sample) - of(samples[0] as Sample);
  const [before, after] = commands;
  const missing = after.substituted + after.neutral - before.substituted - before.neutral;
  return {
    rtt: middle((sample) => sample.rtt),
    jitter: middle((sample) => sample.jitter),
    loss: middle((sample) => sample.loss),
    slackError: middle(({ slack, targetSlack }) => Math.abs(slack - targetSlack)),
    viewDelay: middle((sample) => sample.viewDelay),
    snapshotAge: middle((sample) => sample.snapshotAge),
    snapshots: grown((sample) => sample.snapshots) / seconds,
    substituted: missing / (seconds * TICK_RATE),
    mispredicted: grown((sample) => sample.mispredictions) / (seconds * TICK_RATE),
  };
}

/** How busy the machine was: what of a page's figures is not the network's. */
export interface Disturbance {
  /** What the relay itself added to the delay, both ways, at the mean. */
  readonly lateMs: number;
  /** The longest that it added to a datagram since it started: the view stays back for it long after. */
  readonly worstLateMs: number;
  /** Mean time between two frames of the page, which are drawn in software here. */
  readonly frameMs: number;
  /** Share of the time that frames took beyond 50 ms each: the page can do nothing else then. */
  readonly hitches: number;
}

/** A window that is no worse is as good as it gets. */
export const isCalm = ({ lateMs, hitches }: Disturbance): boolean => lateMs < 4 && hitches < 0.02;

export const unrest = ({ lateMs, hitches }: Disturbance): number => lateMs / 4 + hitches / 0.02;

/**
 * How far the page may be from the rig, as [least, most]. What the network does is held by ratio; beside it stands what the machine
 * did: a datagram that arrives while a frame is drawn is read half a frame later at the mean, and a page that hangs sends no commands.
 */
export function limitsFor(
  rig: Figures,
  machine: Disturbance,
): Record<keyof Figures, readonly [number, number]> {
  const { lateMs, frameMs, hitches } = machine;
  // It may have been long ago, while the page was loading.
  const worstLateMs = Math.min(80, machine.worstLateMs);
  // While the relay itself stood still nothing arrived: commands were missing, and a reply came late.
  const missed = 1.2 * hitches + lateMs / 160 + worstLateMs / 1500;
  const readLate = frameMs / 2 + 2 * lateMs;
  return {
    rtt: [rig.rtt * 0.9, rig.rtt * 1.2 + readLate],
    jitter: [rig.jitter * 0.6, rig.jitter * 1.5 + readLate],
    // A mean over some 150 datagrams of 5 % is this uncertain.
    loss: [Math.max(0, rig.loss - 0.035), rig.loss + 0.035],
    slackError: [0, rig.slackError + 1 + lateMs / 10],
    viewDelay: [rig.viewDelay * 0.7 - readLate, rig.viewDelay * 1.3 + readLate + worstLateMs],
    snapshotAge: [rig.snapshotAge * 0.7, rig.snapshotAge * 1.3 + readLate],
    snapshots: [rig.snapshots * 0.85 * (1 - hitches) - lateMs / 10, rig.snapshots * 1.1],
    substituted: [0, rig.substituted + 0.01 + missed],
    mispredicted: [0, rig.mispredicted + 0.005 + missed],
  };
}
