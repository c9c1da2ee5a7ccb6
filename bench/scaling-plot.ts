/** Time against arithmetic as a picture. */
import * as Plot from '@observablehq/plot';
import { blue, orange, plotFile } from '../src/image/plot.ts';
import type { Machine } from './machine.ts';

/** One size of a piece of work. */
export interface ScalingPoint {
  /** Images, positions, or pixels along a side. */
  at: number;
  /** Its arithmetic: products, depthwise convolutions, pairs. */
  flops: number;
  /** The least of the rounds, which other work disturbed least, less `noop`. */
  milliseconds: number;
  /** The same of as many dispatches of nothing. */
  noop: number;
}

/** How a piece of work grows in one direction. */
export interface ScalingSeries {
  name: string;
  along: 'batch' | 'positions' | 'size';
  points: ScalingPoint[];
  /** Of time against arithmetic: 1 is in proportion. */
  exponent: number;
}

export interface ScalingResult {
  machine: Machine;
  series: ScalingSeries[];
}

const panels = ['batch', 'positions', 'size'] as const;
const titles = {
  batch: 'Batch',
  positions: 'Positions of the pair loss',
  size: 'Size of the image',
};
const colours = [blue, orange];

/** A panel for each direction of growth, both axes logarithmic; 1 is the slope of the dashed lines. */
export function scalingPlot({ machine, series }: ScalingResult): string {
  const drawn = series.map((it) => {
    const beside = series.filter(({ along }) => along === it.along);
    const order = beside.indexOf(it);
    const panel = panels.indexOf(it.along);
    const points = it.points.map(({ at, flops, milliseconds }) => ({
      ...{ panel, at, gflop: flops / 1e9, milliseconds },
    }));
    return { ...it, order, panel, points, stroke: colours[order % colours.length] };
  });
  const facet = { fx: 'panel', x: 'gflop', y: 'milliseconds' };
  return plotFile({
    width: 960,
    height: 340,
    marginLeft: 52,
    marginTop: 72,
    marginBottom: 40,
    ariaLabel: 'Time against arithmetic',
    fx: { axis: null },
    x: {
      type: 'log',
      label: 'arithmetic, GFLOP',
      grid: true,
      ticks: 5,
      tickFormat: '~g',
    },
    y: { type: 'log', label: 'ms', tickFormat: '~g' },
    marks: [
      ...drawn.flatMap(({ name, panel, order, points, stroke, exponent }) => [
        Plot.lineY(proportional(points), {
          ...{ ...facet, stroke, strokeDasharray: '3,4', strokeOpacity: 0.7 },
        }),
        Plot.dot(points, { ...facet, fill: stroke, r: 3, title: 'at' }),
        Plot.text([{ panel, text: `${name}: exponent ${exponent.toFixed(2)}` }], {
          ...{ fx: 'panel', text: 'text', fill: stroke, frameAnchor: 'top-left' },
          ...{ dy: 14 * order - 32, fontSize: 10, fontWeight: 600 },
        }),
      ]),
      Plot.text(
        panels.map((along, panel) => ({ panel, text: titles[along] })),
        { fx: 'panel', text: 'text', frameAnchor: 'top-left', dy: -50, fontSize: 13 },
      ),
      Plot.text([{ panel: 0, text: `${machine.adapter}, ${machine.date.slice(0, 10)}` }], {
        ...{ fx: 'panel', text: 'text', frameAnchor: 'bottom-left', dy: 34, fillOpacity: 0.7 },
      }),
    ],
  });
}

/** Through the middle point, in proportion to the arithmetic. */
function proportional<T extends { gflop: number; milliseconds: number }>(
  points: readonly T[],
): T[] {
  const middle = points[points.length >> 1];
  const rate = middle.milliseconds / middle.gflop;
  return points.map((point) => ({ ...point, milliseconds: point.gflop * rate }));
}
