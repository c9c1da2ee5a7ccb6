/** What all plots share. Observable Plot draws them on linkedom's document, so the same in Node and in a browser. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

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
