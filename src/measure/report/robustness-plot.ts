/** AUC by perturbation and level, as a picture. */
import * as Plot from '@observablehq/plot';
import type { Robustness } from '../robustness.ts';
import { blue, orange, plotFile } from './plot.ts';

/** A small chart a perturbation, as an SVG file: AUC against the level, and the untouched pictures'. */
export function robustnessFigure({ untouched, rows }: Robustness): string {
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
