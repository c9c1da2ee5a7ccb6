import type { Graph } from '../graph/record.ts';
import type { Tensor } from '../graph/tensor.ts';
import columnWalk from './conv/column_walk.wgsl';
import nextRow from './conv/next_row.wgsl';
import packSource from './conv/pack.wgsl';
import unpackSource from './conv/unpack.wgsl';
import { groups64 } from './grid.ts';
import { shader } from './shader.ts';

/** One axis of a matrix as two indices into a parameter: `outer * strides[0] + inner * strides[1]`. */
export interface Axis {
  count: number;
  inner: number;
  strides: readonly [number, number];
}

/** A parameter read as a matrix, in whatever order its values lie. */
export interface MatrixView {
  rows: Axis;
  columns: Axis;
  base: number;
}

/** The next multiple of four: rows of a matrix are read as vec4. */
export const pad4 = (n: number): number => Math.ceil(n / 4) * 4;

/** An axis of one index. */
export const axis = (count: number, stride: number): Axis => ({
  count,
  inner: count,
  strides: [0, stride],
});

/** An axis of two indices, `outer` at stride `s0` and `inner` at `s1` within it. */
export const axis2 = (outer: number, s0: number, inner: number, s1: number): Axis => ({
  count: outer * inner,
  inner,
  strides: [s0, s1],
});

/** Rows that an invocation takes: its stores fill a line of the cache. */
const packRows = 16;

/** Rows that an invocation of `unpack` takes: few of a small matrix, so that enough are at work. */
const unpackRows = (values: number): number => (values >= 1 << 16 ? 16 : 4);

const walk = { column_walk: columnWalk, next_row: nextRow };
const packShader = shader('pack', packSource, walk);
const unpackShader = shader('unpack', unpackSource, walk);

/** Whether an axis has two indices, which it costs divisions to find. */
const isPair = ({ count, inner }: Axis): boolean => inner !== count;

const flags = ({ rows, columns }: MatrixView) => ({
  ROWPAIR: isPair(rows),
  COLUMNPAIR: isPair(columns),
});

const fields = ({ rows, columns, base }: MatrixView) => ({
  rows: rows.count,
  rowInner: rows.inner,
  columns: columns.count,
  columnInner: columns.inner,
  padded: pad4(columns.count),
  base,
  row0: rows.strides[0],
  row1: rows.strides[1],
  column0: columns.strides[0],
  column1: columns.strides[1],
});

/** Whether values lie as they would in a dense matrix [rows, columns]. */
const isDense = ({ rows, columns, base }: MatrixView): boolean =>
  base === 0 &&
  !isPair(rows) &&
  !isPair(columns) &&
  columns.strides[1] === 1 &&
  (rows.count === 1 || rows.strides[1] === columns.count);

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
  g.prepare({
    kernel: packShader({ ROWS: packRows, SCALE: scale !== undefined, ...flags(view) }),
    bind: { parameter: from, matrix: to, scale },
    params: () => ({ ...fields(view), padded: padColumns, padRows }),
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
  const most = unpackRows(view.rows.count * view.columns.count);
  g.launch({
    kernel: unpackShader({ ROWS: most, ...flags(view) }),
    bind: { partial: from, parameter: to },
    params: (_, rows) => ({
      ...fields(view),
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
