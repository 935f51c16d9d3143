/** The charts of docs/feel.md, drawn from the rows of a full run. */

import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent, VisualMapComponent } from 'echarts/components';
import { type EChartsCoreOption, use } from 'echarts/core';
import { drawSvg, INK, LINES } from '../report/svg.ts';
import type { Cell } from './cells.ts';
import type { Row } from './measure.ts';
import { type Comparison, compare, OURS, type Standing } from './summary.ts';

use([
  BarChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  TitleComponent,
  VisualMapComponent,
]);

/** Told apart by people with any colour vision, on light and dark pages; ours is the heavy one. */
const LOOKS: Readonly<Record<string, { color: string; width: number; symbol: string }>> = {
  [OURS]: { color: '#0f7fd0', width: 3.5, symbol: 'circle' },
  'lerp-100': { color: '#d98c00', width: 2, symbol: 'rect' },
  'snapshot-interpolation': { color: '#12a37a', width: 2, symbol: 'triangle' },
};
const METHODS = Object.keys(LOOKS);

/** By file name. Only cells of the grid are drawn. */
export function drawPlots(rows: readonly Row[]): Map<string, string> {
  const grid = rows.filter(isOfGrid);
  return new Map([
    ['error-delay.svg', errorAgainstDelay(grid)],
    ['against.svg', against(compare(rows).filter(({ cell }) => isOfGrid(cell)))],
    ['input.svg', inputToScreen(grid)],
    ['delay.svg', delayByJitter(grid)],
    ['underruns.svg', underruns(grid)],
    ['commands.svg', commands(grid.filter(({ method }) => method === OURS))],
  ]);
}

function isOfGrid({ network, reorderPct, blackoutMs, capBytesPerSecond, jitterMs }: Cell): boolean {
  return (
    network === '' && reorderPct === 0 && blackoutMs === 0 && capBytesPerSecond === 0 && jitterMs % 20 === 0
  );
}

/** A panel for each kind of loss: a mark is a round trip and a jitter. */
function errorAgainstDelay(rows: readonly Row[]): string {
  const title = 'Error of others against the delay of the view: a mark per round trip and jitter';
  const losses = distinct(rows.map(lossOf));
  const width = (980 - 90) / losses.length;
  const option = {
    ...chart(title),
    title: [...chart(title).title, ...losses.map((loss, i) => heading(`loss ${loss}`, 66 + i * width, 66))],
    legend: legend(),
    grid: losses.map((_, i) => ({ left: 66 + i * width, width: width - 22, top: 90, bottom: 54 })),
    xAxis: losses.map((_, gridIndex) => ({
      ...axis(gridIndex === Math.floor(losses.length / 2) ? 'view delay, ms' : '', 30),
      gridIndex,
      min: 0,
      max: 300,
      interval: 100,
      // The next panel's 0 stands there.
      axisLabel: { color: INK, fontSize: 12, showMaxLabel: gridIndex === losses.length - 1 },
    })),
    yAxis: losses.map((_, gridIndex) => ({
      ...axis(gridIndex === 0 ? 'Error, units (log)' : '', 42),
      gridIndex,
      type: 'log',
      min: 0.1,
      max: 100,
      ...(gridIndex === 0 ? {} : { axisLabel: { show: false } }),
    })),
    series: losses.flatMap((loss, at) =>
      METHODS.map((method) => ({
        type: 'scatter',
        name: method,
        xAxisIndex: at,
        yAxisIndex: at,
        symbol: LOOKS[method]?.symbol,
        symbolSize: 7,
        itemStyle: { color: LOOKS[method]?.color, opacity: 0.75 },
        data: rows
          .filter((row) => row.method === method && lossOf(row) === loss)
          .map((row) => [row.viewDelayMs, row.errorRms]),
      })),
    ),
  };
  return drawSvg(title, option, 980, 420);
}

const SHADES = [
  { lt: 0.5, color: '#3f93d2', label: 'under half' },
  { gte: 0.5, lt: 0.8, color: '#86bde6', label: '0.5-0.8' },
  { gte: 0.8, lt: 0.99, color: '#c9e2f5', label: '0.8-0.99' },
  { gte: 0.99, lte: 1.01, color: '#eceff2', label: 'level' },
  { gt: 1.01, lte: 1.25, color: '#fbdcae', label: '1.01-1.25' },
  { gt: 1.25, color: '#f0a23c', label: 'above 1.25' },
];
const ON_SHADES = '#1f2328';

/** Two maps side by side: ours over the better of the others. */
function against(cells: readonly Comparison[]): string {
  const title =
    'Tickwire over the better of the two others, by round trip, jitter and loss: below 1 is better';
  const rtts = distinct(cells.map(({ cell }) => cell.rttMs));
  const troubles = distinct(cells.map(({ cell }) => troubleOf(cell)));
  const panels: { name: string; left: number; of: (one: Comparison) => Standing }[] = [
    { name: 'Error', left: 140, of: ({ error }) => error },
    { name: 'Jerk', left: 550, of: ({ jerk }) => jerk },
  ];
  const option = {
    ...chart(title),
    title: [...chart(title).title, ...panels.map(({ name, left }) => heading(name, left, 40))],
    visualMap: {
      type: 'piecewise',
      pieces: SHADES,
      orient: 'horizontal',
      left: 'center',
      bottom: 8,
      textStyle: { color: INK, fontSize: 12 },
      itemSymbol: 'rect',
    },
    grid: panels.map(({ left }) => ({ left, width: 390, top: 64, bottom: 92 })),
    xAxis: panels.map((_, gridIndex) => ({
      ...axis('round trip, ms', 28),
      type: 'category',
      data: rtts.map(String),
      gridIndex,
    })),
    yAxis: panels.map((_, gridIndex) => ({
      ...axis('', 0),
      type: 'category',
      data: troubles,
      inverse: true,
      gridIndex,
      axisLabel: gridIndex === 0 ? { color: INK, fontSize: 12 } : { show: false },
    })),
    series: panels.map(({ of }, at) => ({
      type: 'heatmap',
      xAxisIndex: at,
      yAxisIndex: at,
      label: {
        show: true,
        color: ON_SHADES,
        fontSize: 12,
        formatter: ({ value }: { value: number[] }) => value[2]?.toFixed(2) ?? '',
      },
      data: cells.map((one) => [
        rtts.indexOf(one.cell.rttMs),
        troubles.indexOf(troubleOf(one.cell)),
        of(one).toBest,
      ]),
    })),
  };
  return drawSvg(title, option, 980, 620);
}

function inputToScreen(rows: readonly Row[]): string {
  const title = 'Input to screen: frames until the own ship answers';
  const answers = (row: Row): number => row.inputFramesMean ?? Number.NaN;
  return lines(title, 'round trip, ms', 'Frames at 60 Hz, mean', rows, ({ rttMs }) => rttMs, answers);
}

function delayByJitter(rows: readonly Row[]): string {
  const title = 'Delay of the view by jitter, over all round trips and losses';
  return lines(
    title,
    'jitter of each way, ms',
    'view delay, ms, mean',
    rows,
    ({ jitterMs }) => jitterMs,
    (row) => row.viewDelayMs,
  );
}

/** A line per method through the means of its rows by `x`. */
function lines(
  title: string,
  xName: string,
  yName: string,
  rows: readonly Row[],
  x: (row: Row) => number,
  y: (row: Row) => number,
): string {
  const option = {
    ...chart(title),
    legend: legend(),
    grid: { left: 70, right: 28, top: 76, bottom: 54 },
    xAxis: axis(xName, 30),
    yAxis: { ...axis(yName, 44), min: 0 },
    series: METHODS.map((method) => {
      const own = rows.filter((row) => row.method === method);
      return {
        type: 'line',
        name: method,
        symbol: LOOKS[method]?.symbol,
        symbolSize: 8,
        itemStyle: { color: LOOKS[method]?.color },
        lineStyle: { color: LOOKS[method]?.color, width: LOOKS[method]?.width },
        data: distinct(own.map(x)).map((value) => [
          value,
          meanOf(
            own.filter((row) => x(row) === value),
            y,
          ),
        ]),
      };
    }),
  };
  return drawSvg(title, option, 820, 400);
}

function underruns(rows: readonly Row[]): string {
  const title = 'Underruns: frames that show a moment past the newest snapshot, over all round trips';
  const option = {
    ...chart(title),
    legend: legend(),
    grid: { left: 70, right: 24, top: 76, bottom: 112 },
    xAxis: { ...troubleAxis(rows), name: '' },
    yAxis: { ...axis('Share of frames, %', 44), min: 0 },
    series: METHODS.map((method) => ({
      type: 'bar',
      name: method,
      barGap: '10%',
      itemStyle: { color: LOOKS[method]?.color },
      data: byTrouble(
        rows.filter((row) => row.method === method),
        (row) => row.underrunPct,
      ),
    })),
  };
  return drawSvg(title, option, 980, 440);
}

/** Three panels of ours: slack, commands that missed their tick, corrections. */
function commands(rows: readonly Row[]): string {
  const title = 'Commands: slack, substitutes and corrections of the own ship, over all round trips';
  const panels: { name: string; color: string; of: (row: Row) => number }[] = [
    { name: 'Slack, ticks', color: '#0f7fd0', of: (row) => row.slackMean ?? Number.NaN },
    { name: 'Substituted, %', color: '#d98c00', of: (row) => row.substitutedPct },
    { name: 'Corrections/min', color: '#12a37a', of: (row) => row.correctionsPerMinute ?? Number.NaN },
  ];
  const height = 130;
  const option = {
    ...chart(title),
    grid: panels.map((_, i) => ({ left: 70, right: 24, top: 52 + i * (height + 34), height })),
    xAxis: panels.map((_, gridIndex) => ({
      ...troubleAxis(rows),
      gridIndex,
      ...(gridIndex === panels.length - 1 ? {} : { axisLabel: { show: false } }),
    })),
    yAxis: panels.map(({ name }, gridIndex) => ({ ...axis(name, 44), min: 0, gridIndex, splitNumber: 4 })),
    series: panels.map(({ color, of }, i) => ({
      type: 'bar',
      xAxisIndex: i,
      yAxisIndex: i,
      barWidth: '55%',
      itemStyle: { color },
      data: byTrouble(rows, of),
    })),
  };
  return drawSvg(title, option, 980, 640);
}

function chart(title: string): { animation: boolean; title: object[] } {
  const textStyle = { color: INK, fontSize: 15, fontWeight: 600 };
  return { animation: false, title: [{ text: title, left: 12, top: 8, textStyle }] };
}

function heading(text: string, left: number, top: number): object {
  return { text, left, top, textStyle: { color: INK, fontSize: 13, fontWeight: 600 } };
}

function legend(): EChartsCoreOption {
  return {
    data: METHODS.map((name) => ({ name, itemStyle: { color: LOOKS[name]?.color } })),
    left: 66,
    top: 38,
    itemGap: 22,
    itemWidth: 16,
    itemHeight: 11,
    textStyle: { color: INK, fontSize: 13 },
  };
}

function axis(name: string, nameGap: number): EChartsCoreOption {
  return {
    type: 'value',
    name,
    nameGap,
    nameLocation: 'middle',
    nameTextStyle: { color: INK, fontSize: 13 },
    axisLabel: { color: INK, fontSize: 12 },
    axisLine: { show: true, lineStyle: { color: INK } },
    axisTick: { show: true, lineStyle: { color: INK } },
    splitLine: { show: true, lineStyle: { color: LINES } },
  };
}

function troubleAxis(rows: readonly Row[]): EChartsCoreOption {
  return {
    ...axis('', 0),
    type: 'category',
    data: distinct(rows.map(troubleOf)),
    axisLabel: { color: INK, fontSize: 11, rotate: 40, interval: 0 },
    splitLine: { show: false },
  };
}

/** What a network of the grid is beside its round trip. */
function troubleOf(cell: Cell): string {
  return `±${cell.jitterMs} ms, ${lossOf(cell)}`;
}

function lossOf({ lossPct, bursts }: Cell): string {
  return `${lossPct} %${bursts ? ' bursts' : ''}`;
}

function byTrouble(rows: readonly Row[], of: (row: Row) => number): number[] {
  return distinct(rows.map(troubleOf)).map((trouble) =>
    meanOf(
      rows.filter((row) => troubleOf(row) === trouble),
      of,
    ),
  );
}

function meanOf(rows: readonly Row[], of: (row: Row) => number): number {
  const seen = rows.map(of).filter(Number.isFinite);
  return Number((seen.reduce((sum, value) => sum + value, 0) / seen.length).toFixed(3));
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
