/** Bytes and time against the number of units and of clients, drawn as SVG by ECharts, which needs no browser for it. */

import { clamp } from '@tickwire/netcode';
import { LineChart } from 'echarts/charts';
import { GridComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, use } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import type { Scenario } from '../workload/scenarios.ts';
import type { Row } from './measure.ts';
import { drawSvg, INK, LINES } from './svg.ts';

use([LineChart, GridComponent, TitleComponent, LabelLayout]);

export interface Sweep {
  readonly file: string;
  readonly title: string;
  /** What the scenarios differ in. */
  readonly along: 'entities' | 'clients';
  readonly axis: string;
  readonly scenarios: readonly Scenario[];
}

/** Pairs of a unit and a client to measure, at least, before a point counts. */
const PAIRS = 300_000;
const VISIBLE_IN_AREA = 220;
const AREA_OF_S3 = 780;

function sized(units: number, clients: number, side: number): Scenario {
  const pairs = clients * (side === 0 ? units : VISIBLE_IN_AREA);
  const ticks = clamp(Math.ceil(PAIRS / pairs), 12, 300);
  const name = `${units} units, ${clients} clients`;
  return { name, units, clients, side, decoded: Math.min(clients, 50), warmUp: Math.max(20, ticks), ticks };
}

export const SWEEPS: readonly Sweep[] = [
  {
    file: 'units',
    title: '8 clients that see all units',
    along: 'entities',
    axis: 'units',
    scenarios: [30, 100, 300, 1_000, 3_000].map((units) => sized(units, 8, 0)),
  },
  {
    file: 'clients',
    title: '5,000 units, of which each client sees about 220',
    along: 'clients',
    axis: 'clients',
    scenarios: [10, 30, 100, 300, 1_000].map((clients) => sized(5_000, clients, AREA_OF_S3)),
  },
];

const MEASURES = [
  { file: 'bytes', key: 'bytesPerClientTick', label: 'Bytes per client and tick' },
  { file: 'time', key: 'usPerClientTick', label: 'Server µs per client and tick' },
] as const;

/** Told apart by people with any colour vision, on light and dark pages; ours are the heavy lines. */
const LOOKS: Readonly<Record<string, { color: string; width: number; symbol: string }>> = {
  'tickwire-small': { color: '#3aa0e0', width: 3.5, symbol: 'circle' },
  'tickwire-fast': { color: '#0f7fd0', width: 3.5, symbol: 'circle' },
  'colyseus-view': { color: '#d98c00', width: 2, symbol: 'rect' },
  'colyseus-broadcast': { color: '#d5561f', width: 2, symbol: 'diamond' },
  msgpackr: { color: '#12a37a', width: 2, symbol: 'triangle' },
  'geckos-schema': { color: '#c06fa5', width: 2, symbol: 'emptyCircle' },
  json: { color: '#8a8a8a', width: 2, symbol: 'roundRect' },
};

/** The charts of one sweep, by file name without folder. */
export function drawSweep(sweep: Sweep, rows: readonly Row[]): Map<string, string> {
  const charts = new Map<string, string>();
  for (const { file, key, label } of MEASURES) {
    const series = [...new Set(rows.map((row) => row.codec))].map((codec) => ({
      codec,
      points: rows
        .filter((row) => row.codec === codec)
        .map((row): [number, number] => [row[sweep.along], row[key]]),
    }));
    charts.set(`${file}-${sweep.file}.svg`, draw(`${label}: ${sweep.title}`, sweep.axis, label, series));
  }
  return charts;
}

interface Series {
  readonly codec: string;
  readonly points: readonly [number, number][];
}

function draw(title: string, xName: string, yName: string, series: readonly Series[]): string {
  return drawSvg(title, option(title, xName, yName, series), 820, 460);
}

function option(title: string, xName: string, yName: string, series: readonly Series[]): EChartsCoreOption {
  const axis = {
    type: 'log',
    nameLocation: 'middle',
    nameTextStyle: { color: INK, fontSize: 13 },
    axisLabel: { color: INK, fontSize: 12, formatter: (value: number) => value.toLocaleString('en-US') },
    axisLine: { show: true, lineStyle: { color: INK } },
    axisTick: { show: true, lineStyle: { color: INK } },
    splitLine: { show: true, lineStyle: { color: LINES } },
    minorSplitLine: { show: false },
  };
  const xs = series.flatMap((one) => one.points.map(([x]) => x));
  return {
    animation: false,
    title: { text: title, left: 12, top: 8, textStyle: { color: INK, fontSize: 15, fontWeight: 600 } },
    grid: { left: 76, right: 160, top: 52, bottom: 56 },
    xAxis: { ...axis, name: xName, nameGap: 30, min: Math.min(...xs), max: Math.max(...xs) },
    yAxis: { ...axis, name: yName, nameGap: 56 },
    series: series.map(({ codec, points }) => {
      const look = LOOKS[codec] ?? { color: INK, width: 2, symbol: 'circle' };
      return {
        type: 'line',
        name: codec,
        data: points,
        symbol: look.symbol,
        symbolSize: 8,
        itemStyle: { color: look.color },
        lineStyle: { color: look.color, width: look.width },
        endLabel: {
          show: true,
          formatter: '{a}',
          color: look.color,
          fontSize: 13,
          fontWeight: 600,
          distance: 8,
        },
        labelLayout: { moveOverlap: 'shiftY' },
      };
    }),
  };
}
