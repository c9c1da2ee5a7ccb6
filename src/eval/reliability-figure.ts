/** The reliability curve as a picture. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Reliability } from './reliability.ts';

const colour = '#2f7fc1';

/** Share of forged faces against their probability, with the number of faces below, as an SVG file. */
export function reliabilityFigure({ bins, error }: Reliability): string {
  const { document } = parseHTML('<html><body></body></html>');
  const all = bins.reduce((sum, { faces }) => sum + faces, 0);
  const some = bins.filter(({ faces }) => faces > 0);
  const svg = Plot.plot({
    document,
    width: 420,
    height: 420,
    marginLeft: 48,
    marginTop: 30,
    style: { fontSize: '12px', background: '#fff', color: '#222' },
    x: { label: 'probability of being forged', labelArrow: 'none', domain: [0, 1], ticks: 5 },
    y: { label: 'share that is forged', labelArrow: 'none', domain: [0, 1], ticks: 5, grid: true },
    marks: [
      Plot.rectY(some, {
        ...{ x1: 'low', x2: 'high', y: ({ faces }) => faces / all, inset: 1 },
        ...{ fill: colour, fillOpacity: 0.18 },
      }),
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: 'currentColor', strokeDasharray: '4,3' },
      ),
      Plot.line(some, { x: 'mean', y: 'forged', stroke: colour, strokeWidth: 1.75 }),
      Plot.dot(some, { x: 'mean', y: 'forged', fill: colour }),
      Plot.text([`calibration error ${error.toFixed(3)}; bars: share of the ${all} faces`], {
        ...{ frameAnchor: 'top', dy: -14 },
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
