import type { Tensor } from '../../graph/tensor.ts';
import { maxPool } from '../../kernels/max_pool/max_pool.ts';
import { upsampleAdd } from '../../kernels/upsample_add/upsample_add.ts';
import { type Candidate, sigmoid } from './candidates.ts';
import { convBias, depthwiseBias, type FinderBuilder, type LayerOptions } from './layers.ts';
import type { DetectorNetwork } from './network.ts';

const relu = { activation: 'relu' } as const;

/**
 * What stands in a cell: that there is a face, that it is one, its box (x, y, width, height), and x
 * and y of five points.
 */
const values = 16;

/**
 * YuNet (Wu et al., 2023; libfacedetection.train): six stages of pointwise and depthwise convolutions,
 * a pyramid of three maps, and one face a cell of 8, 16 and 32 pixels. Its four heads a map are one
 * layer here, whose channels stand in the order of `values`.
 */
export const yunet: DetectorNetwork = {
  normalisation: { mean: [0, 0, 0], scale: 1, bgr: true },
  sides: [640],
  multiple: 32,
  resizable: true,
  iou: 0.3,
  score: 0.6,
  forward(build, image) {
    const { g } = build;
    const stage = (k: number, x: Tensor): Tensor =>
      unit(build, `model${k}.conv2`, unit(build, `model${k}.conv1`, x, k === 1 ? 16 : 64), 64);
    const halved = (k: number, x: Tensor): Tensor => maxPool(g, `yunet.pool${k}`, x, 2);
    const options = { ...relu, stride: 2, pad: 'torch' } as const;
    const first = convBias(build, 'yunet.model0.conv1', image, 16, 3, options);
    const c2 = stage(2, stage(1, halved(0, unit(build, 'model0.conv2', first, 16))));
    const c3 = stage(3, halved(2, c2));
    const c4 = stage(4, halved(3, c3));
    const c5 = stage(5, halved(4, c4));
    const p5 = unit(build, 'lateral2', c5, 64);
    const p4 = unit(build, 'lateral1', upsampleAdd(g, 'yunet.up1', p5, c4), 64);
    const p3 = unit(build, 'lateral0', upsampleAdd(g, 'yunet.up0', p4, c3), 64);
    return [p3, p4, p5].map((map, i) =>
      unit(build, `head${i}`, unit(build, `shared${i}`, map, 64), values, {}),
    );
  },
  decode(outs, least, side) {
    const found: Candidate[] = [];
    for (const { shape, data } of outs) {
      const [, rows, columns] = shape;
      const cell = side / rows;
      for (let place = 0; place < rows * columns; place++) {
        const at = place * values;
        const score = Math.sqrt(sigmoid(data[at]) * sigmoid(data[at + 1]));
        if (!(score >= least)) continue;
        const [column, row] = [place % columns, Math.floor(place / columns)];
        const [x, y] = [(column + data[at + 2]) * cell, (row + data[at + 3]) * cell];
        const [w, h] = [Math.exp(data[at + 4]) * cell, Math.exp(data[at + 5]) * cell];
        const points = Array.from({ length: 5 }, (_, k): [number, number] => [
          (column + data[at + 6 + k * 2]) * cell,
          (row + data[at + 7 + k * 2]) * cell,
        ]);
        found.push({ box: [x - w / 2, y - h / 2, w, h], score, points });
      }
    }
    return found;
  },
};

/** A pointwise convolution, then a depthwise one, each with a bias. */
function unit(
  build: FinderBuilder,
  name: string,
  x: Tensor,
  n: number,
  options: LayerOptions = relu,
): Tensor {
  const pointwise = convBias(build, `yunet.${name}.pointwise`, x, n, 1);
  return depthwiseBias(build, `yunet.${name}.depthwise`, pointwise, options);
}
