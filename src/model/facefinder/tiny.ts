import { maxPool } from '../../kernels/max_pool/max_pool.ts';
import { type Candidate, sigmoid } from './candidates.ts';
import { convBias, separable } from './layers.ts';
import type { DetectorNetwork } from './network.ts';

/** Widths and heights of the five boxes of a cell, in cells. */
const anchors = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
];

/** Values a box: x, y, width, height, score. */
const values = 5;

/**
 * TinyFaceDetector of face-api.js: a small YOLOv2 of separable convolutions, 13 x 13 cells of five
 * boxes at 416 pixels.
 */
export const tiny: DetectorNetwork = {
  normalisation: { mean: [117.001, 114.697, 97.404], scale: 1 / 255 },
  sides: [320, 608],
  multiple: 32,
  resizable: true,
  iou: 0.4,
  score: 0.5,
  forward(build, image) {
    const leaky = { activation: 'leaky' } as const;
    let x = convBias(build, 'tiny.conv0', image, 16, 3, leaky);
    for (let k = 1; k <= 5; k++) {
      x = separable(
        build,
        `tiny.conv${k}`,
        maxPool(build.g, `tiny.pool${k - 1}`, x, 2),
        16 << k,
        leaky,
      );
    }
    return [convBias(build, 'tiny.conv8', maxPool(build.g, 'tiny.pool5', x, 1), 25, 1)];
  },
  decode([{ shape, data }], least, side) {
    const [, rows, columns, channels] = shape;
    const cell = side / rows;
    const found: Candidate[] = [];
    for (let place = 0; place < rows * columns; place++) {
      anchors.forEach(([width, height], k) => {
        const at = place * channels + k * values;
        const score = sigmoid(data[at + 4]);
        if (!(score >= least)) return;
        const w = Math.exp(data[at + 2]) * width * cell;
        const h = Math.exp(data[at + 3]) * height * cell;
        const x = ((place % columns) + sigmoid(data[at])) * cell;
        const y = (Math.floor(place / columns) + sigmoid(data[at + 1])) * cell;
        found.push({ box: [x - w / 2, y - h / 2, w, h], score });
      });
    }
    return found;
  },
};
