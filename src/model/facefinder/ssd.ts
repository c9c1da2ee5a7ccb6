import { LlsmError } from '../../base/errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Candidate, sigmoid } from './candidates.ts';
import { convBias, depthwiseBias, type FinderBuilder } from './layers.ts';
import type { DetectorNetwork } from './network.ts';

const relu6 = { activation: 'relu6', pad: 'tf' } as const;

/** Channels behind the trunk's thirteen pairs of depthwise and pointwise convolutions. */
const widths = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
/** Numbers of the pairs whose depthwise convolution halves the map. */
const halving = new Set([2, 4, 6, 12]);
/** Channels of the eight convolutions behind the trunk: 1x1 and strided 3x3 in turn. */
const extras = [256, 512, 128, 256, 128, 256, 64, 128];

/** Boxes of all maps. */
const boxes = 5118;
/** Where the boxes lie before they are moved. */
const anchorName = 'ssd.anchors';
/** Classes a box: background, face, and one that the network does not use. */
const classes = 3;

/**
 * SSD on MobileNetV1 as face-api.js has it, batch norms folded into the convolutions: six maps of
 * boxes at 512 pixels, which lie about `ssd.anchors` [5118, 4] (top, left, bottom, right in [0, 1]).
 */
export const ssd: DetectorNetwork = {
  normalisation: { mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
  sides: [512],
  multiple: 512,
  resizable: false,
  iou: 0.5,
  score: 0.4,
  forward(build, image) {
    let x = convBias(build, 'ssd.conv0', image, 32, 3, { ...relu6, stride: 2 });
    const maps: Tensor[] = [];
    widths.forEach((width, i) => {
      const stride = halving.has(i + 1) ? 2 : 1;
      const d = depthwiseBias(build, `ssd.depthwise${i + 1}`, x, { ...relu6, stride });
      x = convBias(build, `ssd.pointwise${i + 1}`, d, width, 1, relu6);
      if (i + 1 === 11) maps.push(x);
    });
    maps.push(x);
    extras.forEach((width, i) => {
      const strided = i % 2 === 1;
      const options = { ...relu6, stride: strided ? 2 : 1 } as const;
      x = convBias(build, `ssd.extra${i}`, x, width, strided ? 3 : 1, options);
      if (strided) maps.push(x);
    });
    return maps.flatMap((map, i) => predictors(build, map, i));
  },
  tables: { [anchorName]: [boxes, 4] },
  decode(outs, least, side, tables) {
    const anchors = tables[anchorName];
    const found: Candidate[] = [];
    let first = 0;
    for (let i = 0; i < outs.length; i += 2) {
      const [encoded, scores] = [outs[i], outs[i + 1]];
      const [, height, width] = encoded.shape;
      const perCell = i === 0 ? 3 : 6;
      for (let n = 0; n < height * width * perCell; n++) {
        const [place, k] = [Math.floor(n / perCell), n % perCell];
        const score = sigmoid(scores.data[place * scores.shape[3] + k * classes + 1]);
        if (!(score >= least)) continue;
        const at = place * encoded.shape[3] + k * 4;
        const [top, left, bottom, right] = anchors.subarray((first + n) * 4, (first + n) * 4 + 4);
        const h = Math.exp(encoded.data[at + 2] / 5) * (bottom - top);
        const w = Math.exp(encoded.data[at + 3] / 5) * (right - left);
        const y = (encoded.data[at] / 10) * (bottom - top) + (top + bottom) / 2;
        const x = (encoded.data[at + 1] / 10) * (right - left) + (left + right) / 2;
        found.push({ box: [(x - w / 2) * side, (y - h / 2) * side, w * side, h * side], score });
      }
      first += height * width * perCell;
    }
    if (first !== boxes) throw new LlsmError(`ssd: ${first} boxes where ${boxes} have an anchor`);
    return found;
  },
};

/** What stands in each cell of a map: boxes, then their classes. */
function predictors(build: FinderBuilder, map: Tensor, i: number): Tensor[] {
  const perCell = i === 0 ? 3 : 6;
  return [
    convBias(build, `ssd.box${i}`, map, perCell * 4, 1),
    convBias(build, `ssd.class${i}`, map, perCell * classes, 1),
  ];
}
