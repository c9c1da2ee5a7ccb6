/** A small line chart as SVG. */

const ns = 'http://www.w3.org/2000/svg';
const [width, height, left, right, top, bottom] = [360, 170, 40, 8, 10, 24];

function node(name: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const made = document.createElementNS(ns, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

export interface Line {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

/** Points at most that a line is drawn with; more are means. */
const mostPoints = 120;

function fewer(points: Line['points']): Line['points'] {
  const size = Math.ceil(points.length / mostPoints);
  if (size <= 1) return points;
  const out: [number, number][] = [];
  for (let k = 0; k < points.length; k += size) {
    const part = points.slice(k, k + size);
    const mean = (c: 0 | 1) => part.reduce((sum, point) => sum + point[c], 0) / part.length;
    out.push([mean(0), mean(1)]);
  }
  return out;
}

/**
 * Draws lines over steps.
 * @param range of the values; the upper end grows with them where it is null
 * @param words for who does not see it
 */
export function chart(
  lines: readonly Line[],
  { last, range, words }: { last: number; range: [number, number | null]; words: string },
): SVGElement {
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const low = range[0];
  const high = range[1] ?? Math.max(low + 0.1, ...values);
  const x = (step: number) => left + ((width - left - right) * step) / Math.max(1, last);
  const y = (value: number) =>
    height - bottom - ((height - top - bottom) * (value - low)) / (high - low);
  const svg = node('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': words });
  for (const value of [low, (low + high) / 2, high]) {
    const at = y(value);
    svg.append(
      node('line', { x1: left, x2: width - right, y1: at, y2: at, class: 'grid' }),
      node('text', { x: left - 6, y: at + 4, 'text-anchor': 'end' }, value.toFixed(2)),
    );
  }
  svg.append(
    node('text', { x: left, y: height - 6 }, '0'),
    node('text', { x: width - right, y: height - 6, 'text-anchor': 'end' }, `step ${last}`),
  );
  lines.forEach(({ points }, k) => {
    const path = fewer(points)
      .map(([step, value]) => `${x(step).toFixed(1)},${y(Math.min(value, high)).toFixed(1)}`)
      .join(' ');
    svg.append(node('polyline', { points: path, class: `line line-${k}` }));
  });
  return svg;
}
