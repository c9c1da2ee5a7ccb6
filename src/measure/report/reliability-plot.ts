/** The reliability curve as a picture. */
import * as Plot from '@observablehq/plot';
import type { Reliability } from '../reliability.ts';
import { blue, plotFile } from './plot.ts';

/** Share of forged faces against their probability, with the number of faces below, as an SVG file. */
export function reliabilityFigure({ bins, error }: Reliability): string {
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
