import type { Tap } from '../../../src/config/config.ts';
import type { Value } from './graph.ts';
import { convNorm, type OnnxBuilder, separableNorm } from './layers.ts';
import { elementwise, maxPool, relu } from './ops.ts';

export type Taps = Record<Tap, Value>;

/** The encoder of `../xception.ts`: image [3, S, S] to the maps that the rest reads. */
export function xception(build: OnnxBuilder, image: Value): Taps {
  const stem = convNorm(
    build,
    image,
    { conv: 'encoder.conv1', norm: 'encoder.bn1' },
    { relu: true, stride: 2 },
  );
  const e1 = convNorm(build, stem, { conv: 'encoder.conv2', norm: 'encoder.bn2' }, { relu: true });
  const taps: Partial<Taps> = { e1 };
  let x = e1;
  for (let k = 1; k <= 12; k++) {
    x = block(build, k, x);
    taps[`block${k}` as Tap] = x;
  }
  const wide = separableNorm(
    build,
    x,
    { conv: 'encoder.conv3', norm: 'encoder.bn3' },
    { relu: true },
  );
  const e5 = separableNorm(
    build,
    wide,
    { conv: 'encoder.conv4', norm: 'encoder.bn4' },
    { relu: true },
  );
  return { ...taps, e2: taps.block1, e3: taps.block2, e4: taps.block11, e5 } as Taps;
}

/** Block k of 12: see `../xception.ts`. */
function block(build: OnnxBuilder, k: number, x: Value): Value {
  const { g, config } = build;
  const name = `encoder.block${k}`;
  const down = k <= 3 || k === 12;
  const first = k === 1 ? 0 : 1;
  let main = k === 1 ? x : relu(g, `${name}.relu`, x);
  const convs = down ? 2 : 3;
  for (let i = 0; i < convs; i++) {
    const at = first + 3 * i;
    const names = { conv: `${name}.rep.${at}`, norm: `${name}.rep.${at + 1}` };
    main = separableNorm(build, main, names, { relu: i < convs - 1 });
  }
  if (!down) return elementwise(g, 'Add', name, main, x);
  const skip = convNorm(
    build,
    x,
    { conv: `${name}.skip`, norm: `${name}.skipbn` },
    { relu: false, stride: 2 },
  );
  const pooled = maxPool(g, `${name}.pool`, main, config.poolPad);
  return elementwise(g, 'Add', name, pooled, skip);
}
