/** Learning curves: losses and the validation AUC against the step, from the lines of metrics.jsonl. */
import * as Plot from '@observablehq/plot';
import { LlsmError } from '../../base/errors.ts';
import { blankDocument, blue, orange } from '../../image/plot.ts';

/** A line of metrics.jsonl: a training step's losses, or a validation's (val...). */
export type MetricsLine = { step: number } & Record<string, unknown>;

/**
 * The lines of metrics.jsonl; a last line that is being written is left out.
 * @throws LlsmError naming the file and the line that is no JSON object with a step
 */
export function parseMetrics(text: string, where: string): MetricsLine[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return whole.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const value = JSON.parse(line);
      if (Number.isFinite(value?.step)) return [value as MetricsLine];
    } catch {
      // Told below, with the line's number.
    }
    throw new LlsmError(`${where}: line ${index + 1} is no JSON object with a step`);
  });
}

/** Training and validation also differ in their marks. */
const colours = { train: blue, val: orange };
const width = 340;
const height = 210;
/** Points of a training curve; more steps are drawn as means. */
const mostPoints = 80;

interface Point {
  step: number;
  value: number;
}
interface Bin extends Point {
  low: number;
  high: number;
}

/** Charts of losses: the keys of their training and validation values. */
const lossCharts = [
  { title: 'Loss (weighted sum)', train: 'loss', val: 'valLoss' },
  { title: 'Loss: classes', train: 'cls', val: 'valCls' },
  { title: 'Loss: pairs (LSM)', train: 'ls', val: 'valLs' },
  { title: 'Loss: mask', train: 'loc', val: 'valLoc' },
] as const;

const pointsOf = (lines: readonly MetricsLine[], key: string): Point[] =>
  lines.flatMap(({ step, [key]: value }) =>
    typeof value === 'number' && Number.isFinite(value) ? [{ step, value }] : [],
  );

/** Means over `size` neighbouring steps, with the range that they cover. */
function binned(points: readonly Point[], size: number): Bin[] {
  const bins: Bin[] = [];
  for (let first = 0; first < points.length; first += size) {
    const part = points.slice(first, first + size);
    const values = part.map(({ value }) => value);
    bins.push({
      step: part.reduce((sum, { step }) => sum + step, 0) / part.length,
      value: values.reduce((sum, value) => sum + value, 0) / part.length,
      low: Math.min(...values),
      high: Math.max(...values),
    });
  }
  return bins;
}

/** A line, and dots where the points are few enough to tell apart. */
const curve = (points: Point[], stroke: string, dots: boolean): Plot.Markish[] => [
  Plot.lineY(points, { x: 'step', y: 'value', stroke, strokeWidth: 1.75 }),
  ...(dots || points.length < 3
    ? [Plot.dot(points, { x: 'step', y: 'value', fill: stroke, r: 2.5 })]
    : []),
];

/** Words in the upper right corner, one below the other, in the colour of what they name. */
const key = (entries: readonly (readonly [text: string, fill: string])[]): Plot.Markish[] =>
  entries.map(([text, fill], row) =>
    Plot.text([text], { frameAnchor: 'top-right', dy: 13 * row - 12, fill, fontWeight: 600 }),
  );

function chart(document: Document, title: string, marks: Plot.Markish[], y: Plot.ScaleOptions) {
  const svg = Plot.plot({
    document,
    width,
    height,
    marginTop: 34,
    marginLeft: 42,
    marginBottom: 34,
    style: { fontSize: '11px' },
    ariaLabel: title,
    x: { label: 'step', labelArrow: 'none', ticks: 5, tickFormat: 'd', nice: true, zero: true },
    y: { label: title, labelArrow: 'none', ticks: 5, grid: true, nice: true, ...y },
    marks,
  });
  // Plot's own style sheet sets a height that a nested <svg> takes as the whole of the outer one's.
  svg.querySelector('style')?.remove();
  svg.setAttribute('role', 'img');
  return svg as unknown as SVGSVGElement;
}

export interface CurvesOptions {
  /** Validation AUC aimed at, drawn as a dashed line. */
  target?: number;
}

function charts(lines: readonly MetricsLine[], { target }: CurvesOptions): SVGSVGElement[] {
  const document = blankDocument();
  const drawn: SVGSVGElement[] = [];
  for (const { title, train, val } of lossCharts) {
    const steps = pointsOf(lines, train);
    const validations = pointsOf(lines, val);
    // A part that the config leaves out is 0 throughout.
    if (![...steps, ...validations].some(({ value }) => value !== 0)) continue;
    const size = Math.ceil(steps.length / mostPoints);
    const bins = binned(steps, size);
    const mean = size > 1 ? `training (mean of ${size} steps)` : 'training';
    const marks = [
      ...(size > 1
        ? [
            Plot.areaY(bins, {
              ...{ x: 'step', y1: 'low', y2: 'high' },
              ...{ fill: colours.train, fillOpacity: 0.18 },
            }),
          ]
        : []),
      ...curve(bins, colours.train, false),
      ...curve(validations, colours.val, true),
      ...key([
        [mean, colours.train],
        ...(validations.length > 0 ? ([['validation', colours.val]] as const) : []),
      ]),
    ];
    drawn.push(chart(document, title, marks, { zero: true }));
  }
  const aucs = pointsOf(lines, 'valAuc');
  if (aucs.length > 0) {
    const best = aucs.reduce((a, b) => (b.value > a.value ? b : a));
    const marks = [
      ...(target === undefined
        ? []
        : [Plot.ruleY([target], { stroke: 'currentColor', strokeDasharray: '4,3' })]),
      ...curve(aucs, colours.val, true),
      ...key([[`best ${best.value.toFixed(3)} at step ${best.step}`, colours.val]]),
    ];
    const low = Math.min(0.5, ...aucs.map(({ value }) => value));
    drawn.push(chart(document, 'Validation AUC', marks, { domain: [low, 1] }));
  }
  return drawn;
}

/** The charts one after the other, for a page that lays them out; '' where there is nothing to draw. */
export const curvesForHtml = (lines: readonly MetricsLine[], options: CurvesOptions = {}): string =>
  charts(lines, options)
    .map((svg) => svg.outerHTML)
    .join('\n');

/** The charts in two columns, as an SVG file; undefined where there is nothing to draw. */
export function curvesFile(
  lines: readonly MetricsLine[],
  options: CurvesOptions = {},
): string | undefined {
  const drawn = charts(lines, options);
  if (drawn.length === 0) return undefined;
  const gap = 16;
  for (const [index, svg] of drawn.entries()) {
    svg.setAttribute('x', String(gap + (index % 2) * (width + gap)));
    svg.setAttribute('y', String(gap + Math.floor(index / 2) * (height + gap)));
  }
  const across = gap + Math.min(2, drawn.length) * (width + gap);
  const down = gap + Math.ceil(drawn.length / 2) * (height + gap);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${across}" height="${down}" ` +
    `viewBox="0 0 ${across} ${down}" color="#222">\n<rect width="100%" height="100%" ` +
    `fill="#fff"/>\n${drawn.map((svg) => svg.outerHTML).join('\n')}\n</svg>\n`
  );
}
