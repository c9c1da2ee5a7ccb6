/**
 * An evaluation's plots, and what all plots share. Observable Plot draws them on linkedom's document, so the same in Node and in
 * a browser.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Reliability } from '../reliability.ts';
import type { Robustness } from '../robustness.ts';

/** Colours that are readable on white and on nearly black. */
export const blue = '#2f7fc1';
export const orange = '#d9622b';

/** A document to draw on. */
export const blankDocument = (): Document => parseHTML('<html><body></body></html>').document;

/** A plot as the text of an SVG file: dark on white, labels without arrows, a grid across. */
export function plotFile({ style, x, y, ...options }: Plot.PlotOptions): string {
  const svg = Plot.plot({
    document: blankDocument(),
    style: { fontSize: '11px', background: '#fff', color: '#222', ...(style as object) },
    x: { labelArrow: 'none', ...x },
    y: { labelArrow: 'none', grid: true, ...y },
    ...options,
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

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
