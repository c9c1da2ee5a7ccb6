import { LlsmError } from '../../errors.ts';
import { kernel } from '../../gpu/pipeline.ts';
import type { Gradients } from '../../graph/backward.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { columnSums } from '../column_sums/column_sums.ts';
import { fill } from '../fill/fill.ts';
import { axis, axis2, type MatrixView, pack, pad4, unpack } from '../matrix.ts';
import lanesSource from './conv_lanes.wgsl';
import tileSource from './conv_tile.wgsl';
import filterSource from './filter.wgsl';
import filterLanesSource from './filter_lanes.wgsl';
import filterTileSource from './filter_tile.wgsl';
import productSource from './product.wgsl';

export interface ConvOptions {
  stride?: 1 | 2;
  bias?: Tensor;
  /** [2, N]: scale and shift of the batch norm behind, to be part of weight and bias. */
  norm?: Tensor;
  /** Also give the partial rows (count, mean, M2) that `batchNorm` merges. */
  stats?: boolean;
  /**
   * How the weight [N, C, KH, KW] meets the input:
   * `window`: a convolution without padding (1x1 is the pointwise one);
   * `flat`: the input [B, 1, 1, KH*KW*C] is one whole window (CLAFFM's 4x4 on a 4x4 map);
   * `pair`: [K, C, 2, 1] gives 2K columns, those of the first position, then the second's.
   */
  layout?: 'window' | 'flat' | 'pair';
}

/** The weight as matrices: `forward` [taps * cin, N], `backward` [taps * N, cin] (taps flipped). */
interface WeightViews {
  forward: MatrixView;
  backward: MatrixView;
  kernelSize: number;
}

function viewsOf(weight: Tensor, layout: ConvOptions['layout']): WeightViews {
  const [n, c, kh, kw] = weight.shape;
  const taps = kh * kw;
  const columns = axis(n, c * taps);
  const rows = axis2(taps, 1, c, taps);
  if (layout === 'pair') {
    const pairs = axis2(2, 1, n, c * 2);
    return {
      forward: { rows: axis(c, 2), columns: pairs, base: 0 },
      backward: { rows: pairs, columns: axis(c, 2), base: 0 },
      kernelSize: 1,
    };
  }
  if (layout === 'flat') {
    return {
      forward: { rows, columns, base: 0 },
      backward: { rows: columns, columns: rows, base: 0 },
      kernelSize: 1,
    };
  }
  return {
    forward: { rows, columns, base: 0 },
    backward: { rows: axis2(taps, -1, n, c * taps), columns: axis(c, taps), base: taps - 1 },
    kernelSize: kh,
  };
}

/** `count` values from `base` on as one row, for the bias. */
const rowView = (count: number, base: number): MatrixView => ({
  rows: axis(1, 0),
  columns: axis(count, 1),
  base,
});

/** One product of the family: the fields of conv_*.wgsl's Params that its callers choose. */
interface Product {
  x: Read;
  w: Tensor;
  out: Tensor;
  /** [H, W, C] of x, and [H, W] of the rows of the product. */
  from: readonly number[];
  rows: readonly number[];
  kernelSize: number;
  stride: number;
  pad: number;
  spread: number;
  accumulate: boolean;
  masked?: Tensor;
  bias?: Tensor;
  stats?: Tensor;
}

const tileRows = 32;

/** What the two forms of each shader have in common. */
const shared = { product: productSource, filter: filterSource };

function product(g: Graph, it: Product): void {
  const lanes = g.traits.subgroupSize;
  const broadcast = lanes === 4 || lanes === 8;
  const flags = {
    AFFINE: it.x.affine !== undefined,
    RELU: it.x.relu,
    MASK: it.masked !== undefined,
    BIAS: it.bias !== undefined,
    STATS: it.stats !== undefined,
    PAD: it.pad > 0,
  };
  const [inH, inW, cin] = it.from;
  const [outH, outW] = it.rows;
  const n4 = it.out.shape[it.out.shape.length - 1] / 4;
  const tiles = (count: number): number => Math.ceil((count * outH * outW) / tileRows);
  g.launch({
    kernel: broadcast
      ? kernel(
          'conv_lanes',
          lanesSource,
          {
            LANES: lanes,
            SETS: tileRows / lanes,
            ROWS: tileRows,
            ...flags,
          },
          shared,
        )
      : kernel('conv_tile', tileSource, flags, shared),
    bind: {
      x: it.x.tensor,
      w: it.w,
      out: it.out,
      ...(it.x.affine && { affine: it.x.affine }),
      ...(it.masked && { masked: it.masked }),
      ...(it.bias && { bias: it.bias }),
      ...(it.stats && { stats: it.stats }),
    },
    params: ({ count, row }) => ({
      rows: count * outH * outW,
      tiles: tiles(count),
      n4,
      cin,
      inH,
      inW,
      outH,
      outW,
      kh: it.kernelSize,
      kw: it.kernelSize,
      stride: it.stride,
      pad: it.pad,
      spread: it.spread,
      spreadH: it.out.shape[1],
      spreadW: it.out.shape[2],
      accumulate: Number(it.accumulate),
      row0: row,
    }),
    grid: ({ count }) => [tiles(count), Math.ceil(n4 / (broadcast ? lanes : 8))],
    partial: it.stats && { tensor: it.stats, rows: tiles },
    flops: 2 * g.batch * outH * outW * it.kernelSize ** 2 * cin * n4 * 4,
  });
}

/**
 * Convolution without padding: x [B, H, W, C] with a weight [N, C, KH, KW] gives
 * [B, H', W', pad4(N)]; columns beyond N are zero. As matrices, out = read(x) W^T; its gradients
 * are dX = dOut W and dW = dOut^T read(x), the latter in partial rows over the pixels.
 */
export function conv(
  g: Graph,
  name: string,
  input: Read | Tensor,
  weight: Tensor,
  { stride = 1, bias, norm, stats: wantStats = false, layout = 'window' }: ConvOptions = {},
): { out: Tensor; stats?: Tensor } {
  if (norm && (bias || !g.inference)) {
    throw new LlsmError(`${name}: a batch norm is folded in inference, where there is no bias`);
  }
  const x = asRead(input);
  const [, h, w, c] = x.tensor.shape;
  const views = viewsOf(weight, layout);
  const { kernelSize } = views;
  const columns = pad4(views.forward.columns.count);
  const outH = Math.floor((h - kernelSize) / stride) + 1;
  const outW = Math.floor((w - kernelSize) / stride) + 1;
  const out = g.activation(name, [outH, outW, columns]);
  const stats = wantStats ? g.partialRows(`${name} statistics`, columns * 3) : undefined;
  product(g, {
    x,
    w: pack(g, weight, views.forward, { scale: norm }),
    out,
    from: [h, w, c],
    rows: [outH, outW],
    kernelSize,
    stride,
    pad: 0,
    spread: 1,
    accumulate: false,
    bias: addend(g, bias, norm, columns),
    stats,
  });

  g.op([x.value, weight, ...(bias ? [bias] : [])], out, (dOut, gradients) => {
    if (gradients.wants(weight)) filterGradient(g, x, dOut, weight, views, stride, gradients);
    if (bias && gradients.wants(bias)) {
      columnSums(g, dOut, gradients.own(bias));
    }
    if (!gradients.wants(x.value)) return;
    if (kernelSize > 1 && (stride > 1 || columns !== weight.shape[0])) {
      throw new LlsmError(
        `${name}: a ${kernelSize}x${kernelSize} convolution gives its input no gradient at ` +
          `stride ${stride} with ${weight.shape[0]} columns`,
      );
    }
    const { gradient, accumulate } = gradients.into(x.value);
    if (stride > 1 && !accumulate) fill(g, gradient, 0);
    product(g, {
      x: asRead(dOut),
      w: pack(g, weight, views.backward, { padRows: kernelSize ** 2 * columns }),
      out: gradient,
      from: [outH, outW, columns],
      rows: stride > 1 ? [outH, outW] : [h, w],
      kernelSize,
      stride: 1,
      pad: kernelSize - 1,
      spread: stride,
      accumulate: accumulate || stride > 1,
      masked: x.relu && !x.affine ? x.tensor : undefined,
    });
  });
  return { out, stats };
}

/** What is added to each row: a bias, or a batch norm's shift. */
function addend(
  g: Graph,
  bias: Tensor | undefined,
  norm: Tensor | undefined,
  padColumns: number,
): Tensor | undefined {
  if (bias) return pack(g, bias, rowView(bias.size, 0), { padColumns });
  const count = (norm?.size ?? 0) / 2;
  return norm && pack(g, norm, rowView(count, count), { padColumns });
}

function filterGradient(
  g: Graph,
  x: Read,
  dOut: Tensor,
  weight: Tensor,
  { forward, kernelSize }: WeightViews,
  stride: number,
  gradients: Gradients,
): void {
  const [, inH, inW, cin] = x.tensor.shape;
  const [, outH, outW, columns] = dOut.shape;
  const lanes = g.traits.subgroupSize;
  const broadcast = lanes === 4 || lanes === 8;
  const flags = {
    AFFINE: x.affine !== undefined,
    RELU: x.relu,
    POINTWISE: kernelSize === 1 && stride === 1,
  };
  const width = broadcast ? lanes * 4 : 32;
  const depth = kernelSize ** 2 * cin;
  const depthTiles = Math.ceil(depth / width);
  const columnTiles = Math.ceil(columns / width);
  // Enough workgroups to fill a GPU, few enough partial rows that they stay small.
  const chunksFor = (count: number): number => {
    const rows = count * outH * outW;
    const enough = Math.ceil(512 / (depthTiles * columnTiles));
    return Math.max(1, Math.min(enough, Math.ceil(rows / 128)));
  };
  const partial = g.partialRows(`partial d ${weight.name}`, depth * columns);
  g.launch({
    kernel: broadcast
      ? kernel('filter_lanes', filterLanesSource, { LANES: lanes, ...flags }, shared)
      : kernel('filter_tile', filterTileSource, flags, shared),
    bind: { x: x.tensor, dOut, partial, ...(x.affine && { affine: x.affine }) },
    params: ({ count, row }) => {
      const rows = count * outH * outW;
      return {
        rows,
        chunk: Math.ceil(rows / chunksFor(count)),
        chunks: chunksFor(count),
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
      };
    },
    grid: ({ count }) => [chunksFor(count) * depthTiles, columnTiles],
    partial: { tensor: partial, rows: chunksFor },
    flops: 2 * g.batch * outH * outW * depth * columns,
  });
  unpack(g, partial, gradients.own(weight), forward);
}
