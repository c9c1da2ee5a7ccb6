/** An evaluation's plots. Browser-safe. */
import * as Plot from '@observablehq/plot';
import { blue, orange, plotFile } from '../../image/plot.ts';
import type { Reliability } from '../reliability.ts';
import type { Robustness } from '../robustness.ts';

/** Share of forged faces against their probability, with the number of faces below, as an SVG file. */
export function reliabilityPlot({ bins, error }: Reliability): string {
  const all = bins.reduce((sum, { faces }) => sum + faces, 0);
  const some = bins.filter(({ faces }) => faces > 0);
  return plotFile({
    width: 420,
    height: 420,
    marginLeft: 48,
    marginTop: 30,
    style: { fontSize: '12px' },
    x: { label: 'probability of being forged', domain: [0, 1], ticks: 5 },
    y: { label: 'share that is forged', domain: [0, 1], ticks: 5 },
    marks: [
      Plot.rectY(some, {
        ...{ x1: 'low', x2: 'high', y: ({ faces }) => faces / all, inset: 1 },
        ...{ fill: blue, fillOpacity: 0.18 },
      }),
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: 'currentColor', strokeDasharray: '4,3' },
      ),
      Plot.line(some, { x: 'mean', y: 'forged', stroke: blue, strokeWidth: 1.75 }),
      Plot.dot(some, { x: 'mean', y: 'forged', fill: blue }),
      Plot.text([`calibration error ${error.toFixed(3)}; bars: share of the ${all} faces`], {
        ...{ frameAnchor: 'top', dy: -14 },
      }),
    ],
  });
}

/** A small chart a perturbation, as an SVG file: AUC against the level, and the untouched pictures'. */
export function robustnessPlot({ untouched, rows }: Robustness): string {
  const points = rows.flatMap(({ name, auc }) =>
    [untouched, ...auc].map((value, level) => ({ name, level, value })),
  );
  const low = Math.min(0.5, ...points.map(({ value }) => value));
  const columns = 3;
  const places = new Map(
    rows.map(({ name }, k) => [name, { column: k % columns, row: Math.floor(k / columns) }]),
  );
  const placed = points.map((point) => ({ ...point, ...places.get(point.name) }));
  const named = rows.map(({ name }) => ({ name, ...places.get(name) }));
  const facet = { fx: 'column', fy: 'row' };
  return plotFile({
    width: 760,
    height: 40 + 170 * Math.ceil(rows.length / columns),
    marginLeft: 44,
    marginTop: 24,
    fx: { axis: null },
    fy: { axis: null },
    x: { label: 'level (0: as it is)', ticks: 6, tickFormat: 'd' },
    y: { label: 'AUC', domain: [low, 1], ticks: 5 },
    marks: [
      Plot.ruleY([untouched], { stroke: orange, strokeDasharray: '4,3' }),
      Plot.lineY(placed, { ...facet, x: 'level', y: 'value', stroke: blue }),
      Plot.dot(placed, { ...facet, x: 'level', y: 'value', fill: blue, r: 2.5 }),
      Plot.text(named, { ...facet, text: 'name', frameAnchor: 'top', dy: -12, fontWeight: 600 }),
    ],
  });
}
