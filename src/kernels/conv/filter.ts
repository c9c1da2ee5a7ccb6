import type { Kernel } from '../../gpu/pipeline.ts';
import type { Constants } from '../../gpu/template.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { shader } from '../shader.ts';
import filterSource from './filter.wgsl';
import lanesSource from './filter_lanes.wgsl';
import loadSource from './filter_load.wgsl';
import stagedSource from './filter_staged.wgsl';
import tileSource from './filter_tile.wgsl';
import { choose } from './menu.ts';
import { narrowFilter } from './narrow.ts';
import { chunksFor } from './tiles.ts';

const shared = { filter: filterSource, filter_load: loadSource };
const filterLanesShader = shader('filter_lanes', lanesSource, shared);
const plainTileShader = shader('filter_tile', tileSource, shared);
const stagedShader = shader('filter_staged', stagedSource, shared);
const filterTileShader = (constants: Constants): Kernel =>
  (constants.STAGED ? stagedShader : plainTileShader)(constants);

/** Workgroups that fill a software driver; more would only leave more partial rows. */
const enough = 128;

/** Pixels that a workgroup sums at least: fewer, and writing its partial row takes as long. */
const pixelsAtLeast = 128;

/**
 * Partial rows of dW = read(x)^T dOut, a row for each chunk of the pixels: [chunks, depth * columns],
 * depth = kernelSize^2 * C.
 */
export function filterRows(
  g: Graph,
  name: string,
  x: Read,
  dOut: Tensor,
  {
    kernelSize,
    stride,
    pad = 0,
    outside = false,
  }: { kernelSize: number; stride: number; pad?: number; outside?: boolean },
): Tensor {
  const [, inH, inW, cin] = x.tensor.shape;
  const [, outH, outW, columns] = dOut.shape;
  const depth = kernelSize ** 2 * cin;
  const m = g.batch * outH * outW;
  const shape = { m, k: depth, n: columns, cin, kernelSize, stride };
  const { form, choice } = choose('filter', g.traits, shape);
  const flops = 2 * m * depth * columns;
  const partial = g.partialRows(name, depth * columns);
  if (form.kind === 'narrow') {
    const windows = { kernelSize, stride, pad, outside };
    narrowFilter(g, form.lanes, { x, dOut, partial, ...windows }, { flops, choice });
    return partial;
  }
  const fours = form.kind === 'tile' && cin % 4 === 0;
  const constants = {
    ...form.constants,
    X: fours ? 'vec4f' : 'f32',
    FOURS: fours,
    AFFINE: x.affine !== undefined,
    RELU: x.relu,
    POINTWISE: kernelSize === 1 && stride === 1,
    PAD: outside,
  };
  const depthTiles = Math.ceil(depth / form.rows);
  const columnTiles = Math.ceil(columns / 4 / form.columns4);
  const chunkOf = (count: number): number => {
    const rows = count * outH * outW;
    const tiles = depthTiles * columnTiles;
    const chunks =
      form.kind === 'lanes'
        ? Math.ceil(enough / tiles)
        : chunksFor(tiles, Number(form.constants.INVOCATIONS));
    return Math.max(pixelsAtLeast, Math.ceil(rows / chunks));
  };
  const chunksOf = (count: number): number => Math.ceil((count * outH * outW) / chunkOf(count));
  g.launch({
    kernel: form.kind === 'lanes' ? filterLanesShader(constants) : filterTileShader(constants),
    bind: { x: x.tensor, dOut, partial, affine: x.affine },
    params: ({ count, row }) => ({
      rows: count * outH * outW,
      chunk: chunkOf(count),
      chunks: chunksOf(count),
      n4: columns / 4,
      cin,
      depth,
      depthTiles,
      inH,
      inW,
      outH,
      outW,
      kw: kernelSize,
      stride,
      row0: row,
      pad,
    }),
    grid: ({ count }) => [chunksOf(count) * depthTiles, columnTiles],
    partial: { tensor: partial, rows: chunksOf },
    flops,
    choice,
  });
  return partial;
}
