import type { Tap } from '../../config/config.ts';
import { asRead, type Read, relu, type Tensor } from '../../graph/tensor.ts';
import { poolAdd } from '../../kernels/pool_add/pool_add.ts';
import { residualAdd } from '../../kernels/residual_add/residual_add.ts';
import { type Builder, convNorm, separableNorm } from './layers.ts';

export type Taps = Record<Tap, Read>;

/**
 * Xception (Chollet 2017) as in timm's `legacy_xception`, up to relu(bn4): image [B, S, S, 3] to
 * the maps that the rest reads. e1 and e5 are read through batch norm and ReLU; every block's
 * sum is raw, before the next ReLU.
 */
export function xception(build: Builder, image: Tensor): Taps {
  const stem = convNorm(
    build,
    image,
    { conv: 'encoder.conv1', norm: 'encoder.bn1' },
    { relu: true, stride: 2 },
  );
  const e1 = convNorm(build, stem, { conv: 'encoder.conv2', norm: 'encoder.bn2' }, { relu: true });
  const blocks: Tensor[] = [];
  let x: Read = e1;
  for (let k = 1; k <= 12; k++) {
    const sum = block(build, k, x);
    blocks.push(sum);
    x = asRead(sum);
  }
  const wide = separableNorm(
    build,
    [x],
    { conv: 'encoder.conv3', norm: 'encoder.bn3' },
    { relu: true },
  );
  const e5 = separableNorm(
    build,
    [wide],
    { conv: 'encoder.conv4', norm: 'encoder.bn4' },
    { relu: true },
  );
  const taps: Partial<Taps> = { e1, e5 };
  blocks.forEach((sum, i) => {
    taps[`block${i + 1}` as Tap] = asRead(sum);
  });
  return { ...taps, e2: taps.block1, e3: taps.block2, e4: taps.block11 } as Taps;
}

/**
 * Block k of 12. Blocks 1, 2, 3 and 12 halve the map (two separable convolutions and a max pool,
 * with a strided skip); the others add three separable convolutions to their input. Block 1 has
 * no ReLU in front: its input has been through one.
 */
function block(build: Builder, k: number, x: Read): Tensor {
  const { g, config } = build;
  const name = `encoder.block${k}`;
  const down = k <= 3 || k === 12;
  const first = k === 1 ? 0 : 1;
  // Recorded before the main branch: its gradient comes last and adds to a map that is there.
  const skip = down
    ? convNorm(
        build,
        x,
        { conv: `${name}.skip`, norm: `${name}.skipbn` },
        { relu: false, stride: 2 },
      )
    : undefined;
  let main: Read = k === 1 ? x : relu(x.tensor);
  const convs = down ? 2 : 3;
  for (let i = 0; i < convs; i++) {
    const at = first + 3 * i;
    const names = { conv: `${name}.rep.${at}`, norm: `${name}.rep.${at + 1}` };
    main = separableNorm(build, [main], names, { relu: i < convs - 1 });
  }
  return skip ? poolAdd(g, name, main, skip, config.poolPad) : residualAdd(g, name, main, x.tensor);
}
