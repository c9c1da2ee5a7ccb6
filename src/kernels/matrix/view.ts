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

/** Whether an axis has two indices, which it costs divisions to find. */
export const isPair = ({ count, inner }: Axis): boolean => inner !== count;

/** Fields of the uniforms that say how a parameter is read as a matrix. */
export const viewFields = ({ rows, columns, base }: MatrixView) => ({
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
export const isDense = ({ rows, columns, base }: MatrixView): boolean =>
  base === 0 &&
  !isPair(rows) &&
  !isPair(columns) &&
  columns.strides[1] === 1 &&
  (rows.count === 1 || rows.strides[1] === columns.count);
