/** One cell of the grid, played and measured: one row per method. The rows of a cell share their match, snapshot by snapshot. */

import type { Cell } from './cells.ts';
import { Figures } from './figures.ts';
import { Match, type Page } from './match.ts';
import { TICK_RATE } from './ships.ts';
import type { Trace } from './trace.ts';

/** What was measured; `null` is not measured. docs/feel.md says what each figure means. */
export interface Row extends Cell {
  readonly method: string;
  readonly seed: number;
  readonly seconds: number;
  readonly inputFramesMean: number | null;
  readonly inputFramesMax: number | null;
  readonly inputProbes: number;
  readonly errorRms: number;
  readonly errorMean: number;
  readonly errorP95: number;
  readonly jerkRms: number;
  readonly jerkMean: number;
  readonly jerkP95: number;
  readonly viewAgeMs: number;
  readonly viewDelayMs: number;
  readonly underrunPct: number;
  readonly timeBack: number;
  readonly stepsBack: number;
  readonly samples: number;
  readonly correctionsPerMinute: number | null;
  readonly correctionMean: number | null;
  readonly correctionMax: number | null;
  readonly mispredictionsPerMinute: number | null;
  readonly hitAgreementPct: number | null;
  readonly hitsJudged: number | null;
  readonly hitsLanded: number | null;
  readonly hitsClamped: number | null;
  readonly hitsLonely: number | null;
  readonly substitutedPct: number;
  readonly slackMean: number | null;
  readonly slackMin: number | null;
  readonly leadMs: number | null;
  readonly bytesUpPerSecond: number;
  readonly bytesDownPerSecond: number;
}

export interface Plan {
  readonly seed: number;
  /** Simulated seconds that count. */
  readonly seconds: number;
  readonly progress?: (done: number, of: number) => void;
}

/** Throws when the rig saw a rule broken: then the figures mean nothing. */
export function measureCell(cell: Cell, { seed, seconds, progress }: Plan): Row[] {
  const match = new Match(cell, seed).play(seconds, progress);
  const { pages } = match;
  const names = pages[0]?.traces.map(({ method }) => method.name) ?? [];
  return names.map((method, i) => ({
    ...cell,
    method,
    seed,
    seconds,
    ...ownFigures(pages, i),
    ...remoteFigures(
      cell,
      pages.map(({ traces }) => traces[i] as Trace),
    ),
    ...(i === 0 ? predictionFigures(match) : NO_PREDICTION),
    ...connectionFigures(match),
  }));
}

function ownFigures(pages: readonly Page[], method: number) {
  const frames = merged(pages, ({ answers }) => answers[method]?.frames);
  return {
    inputFramesMean: rounded(frames.mean, 2),
    inputFramesMax: rounded(frames.max, 0),
    inputProbes: frames.count,
  };
}

function remoteFigures(cell: Cell, traces: readonly Trace[]) {
  const error = merged(traces, (trace) => trace.error);
  const jerk = merged(traces, (trace) => trace.jerk);
  const age = merged(traces, (trace) => trace.age);
  const frames = sum(traces, (trace) => trace.frames);
  return {
    errorRms: round(error.rms, 3),
    errorMean: round(error.mean, 3),
    errorP95: round(error.quantile(0.95), 3),
    jerkRms: round(jerk.rms, 2),
    jerkMean: round(jerk.mean, 2),
    jerkP95: round(jerk.quantile(0.95), 2),
    viewAgeMs: round(age.mean, 1),
    viewDelayMs: round(age.mean - cell.rttMs / 2, 1),
    underrunPct: round((100 * sum(traces, (trace) => trace.underruns)) / frames, 3),
    timeBack: sum(traces, (trace) => trace.timeBack),
    stepsBack: sum(traces, (trace) => trace.stepsBack),
    samples: error.count,
  };
}

/** Only Tickwire predicts here, and only its shots know what the shooter saw. */
function predictionFigures(match: Match) {
  const { pages, hits } = match;
  const size = merged(pages, ({ corrections }) => corrections.size);
  const slack = merged(pages, (page) => page.slack);
  const lead = merged(pages, (page) => page.lead);
  const perMinute = (count: number): number => (count * 60_000) / match.measuredMs / pages.length;
  return {
    correctionsPerMinute: round(perMinute(size.count), 2),
    correctionMean: size.count === 0 ? 0 : round(size.mean, 4),
    correctionMax: size.count === 0 ? 0 : round(size.max, 4),
    mispredictionsPerMinute: round(perMinute(sum(pages, (page) => match.counts(page).mispredictions)), 2),
    hitAgreementPct: rounded((100 * hits.agreed) / hits.judged, 2),
    hitsJudged: hits.judged,
    hitsLanded: hits.landed,
    hitsClamped: hits.clamped,
    hitsLonely: hits.lonely,
    slackMean: rounded(slack.mean, 2),
    slackMin: rounded(slack.quantile(0), 2),
    leadMs: rounded((lead.mean * 1_000) / TICK_RATE, 1),
  };
}

const NO_PREDICTION = {
  correctionsPerMinute: null,
  correctionMean: null,
  correctionMax: null,
  mispredictionsPerMinute: null,
  hitAgreementPct: null,
  hitsJudged: null,
  hitsLanded: null,
  hitsClamped: null,
  hitsLonely: null,
  slackMean: null,
  slackMin: null,
  leadMs: null,
} as const;

function connectionFigures(match: Match) {
  const { pages, measuredMs } = match;
  const counts = pages.map((page) => match.counts(page));
  const seconds = (pages.length * measuredMs) / 1_000;
  return {
    substitutedPct: round((100 * sum(counts, ({ substituted }) => substituted)) / (seconds * TICK_RATE), 3),
    bytesUpPerSecond: round(sum(counts, ({ bytesUp }) => bytesUp) / seconds, 0),
    bytesDownPerSecond: round(sum(counts, ({ bytesDown }) => bytesDown) / seconds, 0),
  };
}

function merged<T>(from: readonly T[], figures: (one: T) => Figures | undefined): Figures {
  const all = new Figures();
  for (const one of from) {
    const some = figures(one);
    if (some !== undefined) all.addAll(some);
  }
  return all;
}

function sum<T>(from: readonly T[], count: (one: T) => number): number {
  return from.reduce((total, one) => total + count(one), 0);
}

/** What was not seen is not told. */
function rounded(value: number, digits: number): number | null {
  return Number.isFinite(value) ? round(value, digits) : null;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
