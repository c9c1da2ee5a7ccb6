import type { Choice, Graph, Recorded } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { activationFlags, activationIncludes } from '../activation/activation.ts';
import { shader } from '../shader.ts';
import convSource from './conv_narrow.wgsl';
import filterSource from './filter_narrow.wgsl';
import narrowSource from './narrow.wgsl';
import placeSource from './narrow_place.wgsl';
import rowSource from './narrow_row.wgsl';
import shiftSource from './narrow_shift.wgsl';
import sumsSource from './narrow_sums.wgsl';
import type { Product } from './operands.ts';

const includes = {
  narrow: narrowSource,
  narrow_place: placeSource,
  narrow_row: rowSource,
  narrow_shift: shiftSource,
  narrow_sums: sumsSource,
  ...activationIncludes,
};
const convShader = shader('conv_narrow', convSource, includes);
const filterShader = shader('filter_narrow', filterSource, includes);

/** Products of a window's values and columns that a lane holds at most: beyond, their code fits no cache. */
const most = 640;

/** Columns that a lane makes at most. */
const mostColumns = 16;

/** Workgroups that keep a software driver's threads busy. */
const enough = 64;

/** Rows that a lane goes down: at least, so that its weights pay, and at most, so that all threads have some. */
const strips = { least: 16, most: 64 };

/**
 * Columns of a lane for a window of `values` and n columns, a divisor of n.
 * @returns 0 where there is none worth having
 */
export function narrowColumns(values: number, n: number): number {
  for (let columns = mostColumns; columns >= 4; columns -= 4) {
    if (n % columns === 0 && values * columns <= most) return columns;
  }
  return 0;
}

/** A window over a map: what the narrow product and the narrow filter gradient have in common. */
interface Windows {
  from: readonly number[];
  rows: readonly number[];
  kernelSize: number;
  stride: number;
  pad: number;
  outside: boolean;
  spread: number;
}

/** The work of the lanes: constants of the shaders, their uniform's fields, and workgroups. */
function placesOf(lanes: number, x: Read, n: number, windows: Windows, strip: number) {
  const { from, rows, kernelSize: side, stride, pad, outside, spread } = windows;
  const [inH, inW, cin] = from;
  const [outH, outW] = rows;
  const values = side ** 2 * cin;
  const columns = narrowColumns(values, n);
  const flat = side === 1 && stride === 1 && spread === 1 && !outside;
  const keep = Math.max(0, side - stride);
  const down = Math.ceil(outH / Math.max(1, Math.ceil(outH / strip)));
  const stripOf = (count: number): number =>
    flat
      ? Math.max(strips.least, Math.min(strip, Math.ceil((count * outH * outW) / lanes / enough)))
      : down;
  const groupsOf = (count: number): number =>
    Math.ceil(
      flat
        ? (count * outH * outW) / lanes / stripOf(count)
        : (count * Math.ceil(outH / down) * outW) / lanes,
    );
  return {
    constants: {
      LANES: lanes,
      FLAT: flat,
      PAD: outside,
      SIDE: side,
      STRIDE: stride,
      CIN: cin,
      VALUES: values,
      COLUMNS: columns,
      BLOCKS: Math.ceil((values * columns) / lanes),
      SUMS: Math.ceil(columns / lanes),
      KEEP: keep,
      KEPT: keep * side * cin,
      MOVED: stride * side * cin,
      AFFINE: x.affine !== undefined,
      RELU: x.relu,
    },
    groupsOf,
    params: (count: number) => ({
      rows: count * outH * outW,
      groups: groupsOf(count),
      images: count,
      strips: Math.ceil(outH / down),
      strip: stripOf(count),
      n,
      inH,
      inW,
      outH,
      outW,
      pad,
      spread,
    }),
    grid: (count: number): [number, number] => [groupsOf(count), n / columns],
  };
}

/** Records a product in the narrow form. */
export function narrowProduct(
  g: Graph,
  lanes: number,
  it: Product,
  rest: { flops: number; choice?: Choice },
): void {
  const [, spreadH, spreadW, n] = it.out.shape;
  const places = placesOf(lanes, it.x, n, it, strips.most);
  g.launch({
    kernel: convShader({
      ...places.constants,
      MASK: it.masked !== undefined,
      ACCUMULATE: it.accumulate,
      BIAS: it.bias !== undefined,
      STATS: it.stats !== undefined,
      ...activationFlags(it.activation),
    }),
    bind: {
      x: it.x.tensor,
      w: it.w,
      out: it.out,
      affine: it.x.affine,
      masked: it.masked,
      bias: it.bias,
      stats: it.stats,
    },
    params: ({ count, row }) => ({ ...places.params(count), spreadH, spreadW, row0: row }),
    grid: ({ count }) => places.grid(count),
    partial: it.stats && { tensor: it.stats, rows: places.groupsOf },
    ...rest,
  });
}

/** Records a filter gradient's partial rows in the narrow form. */
export function narrowFilter(
  g: Graph,
  lanes: number,
  {
    x,
    dOut,
    partial,
    ...windows
  }: Omit<Windows, 'from' | 'rows' | 'spread'> & {
    x: Read;
    dOut: Tensor;
    partial: Tensor;
  },
  rest: Pick<Recorded, 'flops' | 'choice'>,
): void {
  const [, outH, outW, n] = dOut.shape;
  const places = placesOf(
    lanes,
    x,
    n,
    { ...windows, from: x.tensor.shape.slice(1), rows: [outH, outW], spread: 1 },
    Number.POSITIVE_INFINITY,
  );
  g.launch({
    kernel: filterShader(places.constants),
    bind: { x: x.tensor, dOut, partial, affine: x.affine },
    params: ({ count, row }) => ({ ...places.params(count), spreadH: 1, spreadW: 1, row0: row }),
    grid: ({ count }) => places.grid(count),
    partial: { tensor: partial, rows: places.groupsOf },
    ...rest,
  });
}
