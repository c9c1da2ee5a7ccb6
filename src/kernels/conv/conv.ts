import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { type Activation, beforeActivation } from '../activation/activation.ts';
import { columnSums } from '../column_sums/column_sums.ts';
import { fill } from '../fill/fill.ts';
import { axis, axis2, type MatrixView, pack, pad4, unpack } from '../matrix.ts';
import { type Padding, windowsOn } from '../padding.ts';
import { filterRows } from './filter.ts';
import { product } from './product.ts';

export interface ConvOptions {
  stride?: 1 | 2;
  /** Padding of the map (default none: windows lie within it). */
  pad?: Padding;
  bias?: Tensor;
  /** Activation through which sums are stored; not with `stats`. */
  activation?: Activation;
  /** Scale and shift [2, N] of the batch norm behind, to be part of weight and bias. */
  norm?: Tensor;
  /** Whether the partial rows (count, mean, M2) that `batchNorm` merges are made too. */
  stats?: boolean;
  /**
   * How the weight [N, C, KH, KW] meets the input:
   * `window`: a convolution (1x1 is the pointwise one);
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

/** View of `count` values from `base` on as one row, for the bias. */
const rowView = (count: number, base: number): MatrixView => ({
  rows: axis(1, 0),
  columns: axis(count, 1),
  base,
});

/**
 * Convolution: x [B, H, W, C] with a weight [N, C, KH, KW] gives [B, H', W', pad4(N)]; columns
 * beyond N are zero. As matrices, out = read(x) W^T; its gradients are dX = dOut W and
 * dW = dOut^T read(x), the latter in partial rows over the pixels.
 */
export function conv(
  g: Graph,
  name: string,
  input: Read | Tensor,
  weight: Tensor,
  {
    stride = 1,
    pad,
    bias,
    norm,
    activation,
    stats: wantStats = false,
    layout = 'window',
  }: ConvOptions = {},
): { out: Tensor; stats?: Tensor } {
  if (norm && (bias || !g.inference)) {
    throw new LlsmError(`${name}: a batch norm is folded in inference, where there is no bias`);
  }
  const x = asRead(input);
  const [, h, w, c] = x.tensor.shape;
  const views = viewsOf(weight, layout);
  const { kernelSize } = views;
  const columns = pad4(views.forward.columns.count);
  const { outH, outW, front, outside } = windowsOn(name, [h, w], kernelSize, stride, pad);
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
    pad: front,
    outside,
    spread: 1,
    accumulate: false,
    bias: addend(g, bias, norm, columns),
    stats,
    activation,
  });

  g.op([x.value, weight, ...(bias ? [bias] : [])], out, (dResult, gradients) => {
    const dOut = beforeActivation(g, activation, out, dResult);
    if (gradients.wants(weight)) {
      const windows = { kernelSize, stride, pad: front, outside };
      const partial = filterRows(g, `partial d ${weight.name}`, x, dOut, windows);
      unpack(g, partial, gradients.own(weight), views.forward);
    }
    if (bias && gradients.wants(bias)) {
      columnSums(g, dOut, gradients.own(bias));
    }
    if (!gradients.wants(x.value)) return;
    if (kernelSize > 1 && columns !== weight.shape[0]) {
      throw new LlsmError(
        `${name}: a ${kernelSize}x${kernelSize} convolution gives its input no gradient ` +
          `with ${weight.shape[0]} columns, which is no multiple of 4`,
      );
    }
    const { gradient, accumulate } = gradients.into(x.value);
    // A strided 1x1 writes to every other pixel; a strided window gathers at all of them.
    const spreads = stride > 1 && kernelSize === 1;
    if (spreads && !accumulate) fill(g, gradient, 0);
    product(g, {
      x: asRead(dOut),
      w: pack(g, weight, views.backward, { padRows: kernelSize ** 2 * columns }),
      out: gradient,
      from: [outH, outW, columns],
      rows: spreads ? [outH, outW] : [h, w],
      kernelSize,
      stride: 1,
      pad: kernelSize - 1 - front,
      outside: kernelSize > 1,
      apart: stride > 1 && !spreads ? stride : undefined,
      spread: spreads ? stride : 1,
      accumulate,
      masked: x.relu && !x.affine ? x.tensor : undefined,
    });
  });
  return { out, stats };
}

/** Tensor [N] that is added to each row: a bias, or a batch norm's shift. */
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
