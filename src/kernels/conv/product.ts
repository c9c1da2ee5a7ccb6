import type { Kernel } from '../../gpu/pipeline.ts';
import type { Constants } from '../../gpu/template.ts';
import type { Graph } from '../../graph/record.ts';
import { activationFlags, activationIncludes } from '../activation/activation.ts';
import { shader } from '../shader.ts';
import lanesSource from './conv_lanes.wgsl';
import matrixSource from './conv_matrix.wgsl';
import stagedSource from './conv_staged.wgsl';
import tileSource from './conv_tile.wgsl';
import { choose } from './menu.ts';
import { narrowProduct } from './narrow.ts';
import type { Product } from './operands.ts';
import productSource from './product.wgsl';
import loadSource from './tile_load.wgsl';
import storeSource from './tile_store.wgsl';

const shared = {
  product: productSource,
  tile_load: loadSource,
  tile_store: storeSource,
  ...activationIncludes,
};
const convLanesShader = shader('conv_lanes', lanesSource, shared);
const plainTileShader = shader('conv_tile', tileSource, shared);
const stagedShader = shader('conv_staged', stagedSource, shared);
const matrixShader = shader('conv_matrix', matrixSource, shared);
const convTileShader = (constants: Constants): Kernel =>
  (constants.MATRIX ? matrixShader : constants.STAGED ? stagedShader : plainTileShader)(constants);

/** What a general shader takes for the ReLU that it reads through, and the activation that it stores through. */
const generalActivation = ({ x, activation }: Product) => ({
  least: x.relu ? 0 : Number.NEGATIVE_INFINITY,
  slope: activation === 'leaky' ? 0.1 : 1,
  low: activation === 'relu' || activation === 'relu6' ? 0 : Number.NEGATIVE_INFINITY,
  high: activation === 'relu6' ? 6 : Number.POSITIVE_INFINITY,
});

/** Records out (+)= read(x) w over the window's taps; see conv_lanes.wgsl. */
export function product(g: Graph, it: Product): void {
  const [inH, inW, cin] = it.from;
  const [outH, outW] = it.rows;
  const n = it.out.shape[it.out.shape.length - 1];
  const masked = it.masked !== undefined;
  const shape = {
    m: g.batch * outH * outW,
    k: it.kernelSize ** 2 * cin,
    n,
    cin,
    kernelSize: it.kernelSize,
    stride: it.stride,
  };
  const reloads = it.accumulate || masked;
  const apart = it.apart !== undefined;
  const { form, choice } = choose('product', g.traits, shape, { reloads, apart });
  const flops = 2 * shape.m * shape.k * n;
  if (form.kind === 'narrow') {
    narrowProduct(g, form.lanes, it, { flops, choice });
    return;
  }
  const tiles = (count: number): number => Math.ceil((count * outH * outW) / form.rows);
  const fours = form.kind === 'tile' && cin % 4 === 0;
  // A software driver compiles each variant for a second or more: in inference there is one.
  const general = form.kind === 'lanes' && g.inference && !(reloads || it.x.affine || it.stats);
  const constants = {
    ...form.constants,
    X: fours ? 'vec4f' : 'f32',
    FOURS: fours,
    AFFINE: it.x.affine !== undefined,
    RELU: it.x.relu && !general,
    MASK: masked,
    ACCUMULATE: it.accumulate,
    BIAS: it.bias !== undefined || general,
    STATS: it.stats !== undefined,
    PAD: it.outside || general,
    APART: apart,
    GENERAL: general,
    ...activationFlags(general ? undefined : it.activation),
  };
  g.launch({
    kernel: form.kind === 'lanes' ? convLanesShader(constants) : convTileShader(constants),
    bind: {
      x: it.x.tensor,
      w: it.w,
      out: it.out,
      affine: it.x.affine,
      masked: it.masked,
      bias: it.bias ?? (general ? it.w : undefined),
      stats: it.stats,
    },
    params: ({ count, row }) => ({
      rows: count * outH * outW,
      tiles: tiles(count),
      n4: n / 4,
      cin,
      inH,
      inW,
      outH,
      outW,
      kh: it.kernelSize,
      kw: it.kernelSize,
      stride: it.stride,
      pad: it.pad,
      apart: it.apart ?? 1,
      spread: it.spread,
      spreadH: it.out.shape[1],
      spreadW: it.out.shape[2],
      row0: row,
      ...(general && { ...generalActivation(it), biased: Number(it.bias !== undefined) }),
    }),
    grid: ({ count }) => [tiles(count), Math.ceil(n / 4 / form.columns4)],
    partial: it.stats && { tensor: it.stats, rows: tiles },
    flops,
    choice,
  });
}
