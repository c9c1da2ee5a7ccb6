import { ParamStore } from '../../src/graph/store.ts';
import { adam } from '../../src/kernels/adam/adam.ts';
import { type Case, given, work } from './case.ts';
import { convCase, depthwiseCase } from './convolutions.ts';
import {
  adaptivePoolCase,
  batchNormCase,
  gateCase,
  poolAddCase,
  residualCase,
  resizeCase,
} from './maps.ts';
import { pairCase, pairMapCase } from './pairs.ts';

/** About 12 operations a weight; gradient, both moments and weight read, the last three written. */
function adamCase(values: number): Case {
  return {
    name: `adam, ${(values / 1e6).toFixed(0)}M weights`,
    batch: 1,
    params: (gpu) => new ParamStore(gpu, [{ name: 'w', shape: [values], kind: 'weight' }]),
    record(g, _, params) {
      adam(g, params as ParamStore, given('step', [2]));
      return {};
    },
    work: { forward: work(12 * values, 7 * values) },
  };
}

/** All operations, as the network orders them; `batch` overrides each one's own. */
export function cases(batch?: number): Case[] {
  const b = (own: number): number => batch ?? own;
  return [
    convCase('conv 3x3', b(2), { size: 111, cin: 32, n: 64, kernel: 3 }),
    convCase('conv 1x1', b(2), { size: 109, cin: 64, n: 128 }),
    convCase('conv 1x1 stride 2', b(8), { size: 28, cin: 256, n: 728, stride: 2 }),
    convCase('conv 1x1', b(8), { size: 14, cin: 728, n: 728 }),
    ...(batch ? [] : [convCase('conv 1x1', 32, { size: 14, cin: 728, n: 728, slow: true })]),
    convCase('conv 1x1', b(8), { size: 7, cin: 1024, n: 1536 }),
    depthwiseCase(b(2), 109, 128, 'norm relu'),
    depthwiseCase(b(8), 14, 728, 'relu'),
    batchNormCase(b(2), 109, 128),
    batchNormCase(b(8), 14, 728),
    poolAddCase(b(2), 109, 128),
    residualCase(b(8), 14, 728),
    resizeCase(b(2), 55, 109, 64),
    gateCase(b(2), 109, 32),
    adaptivePoolCase(b(2), 55, 4, 64),
    // The taps block7, block2 and block1 (whose 55 x 55 is made 56 x 56); K and D are 64.
    ...(['mlp', 'linear', 'absdiff', 'bilinear'] as const).flatMap((head) => {
      const depthAt = (channels: number): number =>
        head === 'linear' ? 1 : head === 'absdiff' ? channels : 64;
      return [
        pairCase(b(8), head, 14, depthAt(728)),
        pairCase(b(2), head, 28, depthAt(256), head !== 'mlp'),
        pairCase(b(1), head, 56, depthAt(128), true),
      ];
    }),
    pairMapCase(b(1), 'mlp', 28, 64),
    adamCase(24e6),
  ];
}
