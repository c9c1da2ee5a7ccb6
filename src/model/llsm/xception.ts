import type { Tap } from '../../config/config.ts';
import type { Layers } from './layers.ts';

export type Taps<V> = Record<Tap, V>;

const same = { halves: false, widths: [728, 728, 728] };

/** The twelve blocks: whether a block halves the map, and the widths of its convolutions. */
const blocks = [
  { halves: true, widths: [128, 128] },
  { halves: true, widths: [256, 256] },
  { halves: true, widths: [728, 728] },
  ...[same, same, same, same, same, same, same, same],
  { halves: true, widths: [728, 1024] },
];

/**
 * Xception (Chollet 2017) with the names of timm's `legacy_xception`, up to relu(bn4): image
 * [B, S, S, 3], or 6 with its residuals, to the maps that the rest reads. e1 and e5 are read through batch norm and ReLU; every
 * block's sum is raw, before the next ReLU.
 */
export function xception<V>(n: Layers<V, unknown>, image: V): Taps<V> {
  const stem = n.convNorm('encoder', image, 'conv1', 'bn1', { width: 32, kernel: 3, stride: 2 });
  const e1 = n.convNorm('encoder', stem, 'conv2', 'bn2', { width: 64, kernel: 3 });
  const sums: Partial<Taps<V>> = {};
  let x = e1;
  for (let k = 1; k <= blocks.length; k++) {
    x = block(n, k, x);
    sums[`block${k}` as Tap] = x;
  }
  const wide = n.separableNorm('encoder', [x], 'conv3', 'bn3', { width: 1536 });
  const e5 = n.separableNorm('encoder', [wide], 'conv4', 'bn4', { width: 2048 });
  const { block1: e2, block2: e3, block11: e4 } = sums;
  return { e1, e2, e3, e4, e5, ...sums } as Taps<V>;
}

/** Block k of 12: separable convolutions with ReLUs between them, and a skip around them. */
function block<V>(n: Layers<V, unknown>, k: number, x: V): V {
  const { halves, widths } = blocks[k - 1];
  const name = `encoder.block${k}`;
  const last = widths.length - 1;
  const main = () => {
    // Block 1's input has been through a ReLU; in the others a ReLU is the first that timm counts.
    let y = k === 1 ? x : n.relu(`${name}.relu`, x);
    let at = k === 1 ? 0 : 1;
    for (const [i, width] of widths.entries()) {
      const options = { width, relu: i < last };
      y = n.separableNorm(name, [y], `rep.${at}`, `rep.${at + 1}`, options);
      at += 3;
    }
    return y;
  };
  if (!halves) return n.residualAdd(name, main(), x);
  const down = { width: widths[last], kernel: 1, stride: 2, relu: false } as const;
  return n.poolAdd(name, main, () => n.convNorm(name, x, 'skip', 'skipbn', down));
}
