import type { Graph } from '../graph/record.ts';
import type { Tensor } from '../graph/tensor.ts';
import { isGpu } from './adapter.ts';
import { groups64 } from './grid.ts';
import columnWalk from './matrix/column_walk.wgsl';
import { packPart, reducePart } from './matrix/many.ts';
import nextRow from './matrix/next_row.wgsl';
import packSource from './matrix/pack.wgsl';
import unpackSource from './matrix/unpack.wgsl';
import { axis, isDense, isPair, type MatrixView, pad4, viewFields } from './matrix/view.ts';
import { shader } from './shader.ts';

export { type Axis, axis, axis2, type MatrixView, pad4 } from './matrix/view.ts';

/** Rows that an invocation takes: its stores fill a line of the cache. */
const packRows = 16;

/** Rows that an invocation of `unpack` takes: few of a small matrix, so that enough are at work. */
const unpackRows = (values: number): number => (values >= 1 << 16 ? 16 : 4);

const walk = { column_walk: columnWalk, next_row: nextRow };
const packShader = shader('pack', packSource, walk);
const unpackShader = shader('unpack', unpackSource, walk);

const flags = ({ rows, columns }: MatrixView) => ({
  ROWPAIR: isPair(rows),
  COLUMNPAIR: isPair(columns),
});

/**
 * The parameter as a dense matrix, zero beyond its own up to [padRows, padColumns]; each column
 * times its value of `scale`, where there is one. A parameter that is such a matrix already is not
 * copied.
 */
export function pack(
  g: Graph,
  from: Tensor,
  view: MatrixView,
  {
    padRows = view.rows.count,
    padColumns = pad4(view.columns.count),
    scale,
  }: { padRows?: number; padColumns?: number; scale?: Tensor } = {},
): Tensor {
  const padded = padRows !== view.rows.count || padColumns !== view.columns.count;
  if (!padded && !scale && isDense(view)) return from;
  const to = g.scratch(`packed ${from.name}`, [padRows, padColumns]);
  if (!scale && isGpu(g.traits)) {
    g.prepare(packPart(from, to, view));
    return to;
  }
  g.prepare({
    kernel: packShader({ ROWS: packRows, SCALE: scale !== undefined, ...flags(view) }),
    bind: { parameter: from, matrix: to, scale },
    params: () => ({ ...viewFields(view), padded: padColumns, padRows }),
    grid: () => [groups64(padColumns), Math.ceil(padRows / packRows)],
  });
  return to;
}

/**
 * Adds up the partial rows [n, width] and stores them in the layout of `to`. The matrix is the
 * first rows * pad4(columns) values of a row, or as many from `from` on.
 */
export function unpack(
  g: Graph,
  from: Tensor,
  to: Tensor,
  view: MatrixView,
  { scale = 1, from: at = 0 }: { scale?: number; from?: number } = {},
): void {
  if (isGpu(g.traits)) {
    g.launch(reducePart(from, to, view, { scale, at }));
    return;
  }
  const most = unpackRows(view.rows.count * view.columns.count);
  g.launch({
    kernel: unpackShader({ ROWS: most, ...flags(view) }),
    bind: { partial: from, parameter: to },
    params: (_, rows) => ({
      ...viewFields(view),
      partials: rows(from),
      width: from.shape[1],
      at,
      scale,
    }),
    grid: () => [groups64(view.columns.count), Math.ceil(view.rows.count / most)],
  });
}

/** Adds up partial rows [n, width] to [width]. */
export function sumRows(g: Graph, from: Tensor, to: Tensor, scale = 1): void {
  const width = from.shape[1];
  unpack(g, from, to, { rows: axis(1, 0), columns: axis(width, 1), base: 0 }, { scale });
}
