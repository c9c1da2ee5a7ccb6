import type { Config } from '../../../src/config/config.ts';
import type { OnnxBuilder } from './builder.ts';
import type { Constant, Value } from './graph.ts';
import { conv, elementwise, relu, reshape, transpose } from './ops.ts';

/**
 * Pair logits [HW, HW] of the learnable local similarity module, named `similarity`, from its tap
 * [C, H, W]. Our kernels make pairs in tiles; here, but for `bilinear`, all [K, HW, HW] values are
 * made at once, and the head's last layer is a 1x1 convolution over them.
 */
export function llsm(
  build: OnnxBuilder,
  tap: Value,
  { head, hidden }: Exclude<Config['llsm'], false>,
): Value {
  const { g, param } = build;
  if (head === 'bilinear') return bilinear(build, tap, hidden);
  const last = (pairs: Value, name: string): Value => {
    const bias = param(`${name}.bias`);
    return asMap(build, conv(g, name, pairs, param(`${name}.weight`), { bias }));
  };
  if (head === 'absdiff') {
    const sides = [column(build, 'llsm.left', tap), row(build, 'llsm.right', tap)] as const;
    const difference = elementwise(g, 'Sub', 'llsm.difference', ...sides);
    return last(g.node('Abs', 'llsm.distance', [difference], difference.shape), 'llsm.diff');
  }
  const bias = param('llsm.pair.bias');
  const first = conv(g, 'llsm.first', tap, kernelOf(build, 0), { bias });
  const second = conv(g, 'llsm.second', tap, kernelOf(build, 1));
  const sides = [column(build, 'llsm.left', first), row(build, 'llsm.right', second)] as const;
  const sum = elementwise(g, 'Add', 'llsm.pairs', ...sides);
  return head === 'linear' ? asMap(build, sum) : last(relu(g, 'llsm.relu', sum), 'llsm.out');
}

/** (theta F_i) . (phi F_j) / sqrt(D) + b. */
function bilinear(build: OnnxBuilder, tap: Value, hidden: number): Value {
  const { g, param } = build;
  const side = (name: string): Value => conv(g, name, tap, param(`${name}.weight`));
  const [theta, phi] = [side('llsm.theta'), side('llsm.phi')];
  const positions = tap.shape[1] * tap.shape[2];
  const left = transpose(g, 'llsm.left', flat(build, 'llsm.theta.flat', theta), [2, 1]);
  const right = flat(build, 'llsm.right', phi);
  const product = g.node('MatMul', 'llsm.product', [left, right], [positions, positions]);
  const scale = g.constant('llsm.scale', [1], Float32Array.of(1 / Math.sqrt(hidden)));
  const scaled = g.node('Mul', 'llsm.scaled', [product, scale], product.shape);
  return g.node('Add', 'similarity', [scaled, param('llsm.bias')], product.shape);
}

/** The 1x1 convolution [K, C, 1, 1] that the kernels [K, C, 2, 1] of pairs are to one position. */
function kernelOf({ g, tensor }: OnnxBuilder, position: 0 | 1): Constant {
  const { shape, data } = tensor('llsm.pair.weight');
  const [n, channels] = shape;
  const half = Float32Array.from({ length: n * channels }, (_, i) => data[2 * i + position]);
  return g.constant(`llsm.pair.weight.${position}`, [n, channels, 1, 1], half);
}

const positionsOf = ({ shape: [, height, width] }: Value): number => height * width;

const flat = ({ g }: OnnxBuilder, name: string, x: Value): Value =>
  reshape(g, name, x, [x.shape[0], positionsOf(x)]);

/** [C, H, W] to [C, HW, 1]: the first position of the pairs. */
const column = ({ g }: OnnxBuilder, name: string, x: Value): Value =>
  reshape(g, name, x, [x.shape[0], positionsOf(x), 1]);

/** [C, H, W] to [C, 1, HW]: the second. */
const row = ({ g }: OnnxBuilder, name: string, x: Value): Value =>
  reshape(g, name, x, [x.shape[0], 1, positionsOf(x)]);

/** [1, HW, HW] without the channel. */
const asMap = ({ g }: OnnxBuilder, logits: Value): Value =>
  reshape(g, 'similarity', logits, logits.shape.slice(1));
