/** A network of the face finder, run on pixels as it is. */
import * as assert from 'uvu/assert';
import type { Gpu } from '../../../src/gpu/device.ts';
import { ParamStore } from '../../../src/graph/params.ts';
import { Graph } from '../../../src/graph/record.ts';
import { Plan } from '../../../src/graph/replay.ts';
import type { FinderCheckpoint } from '../../../src/model/facefinder/checkpoint.ts';
import { type DetectorNetwork, normalised } from '../../../src/model/facefinder/network.ts';

/** The values of a network's outputs on square RGB pixels. */
export async function run(
  gpu: Gpu,
  { tensors }: FinderCheckpoint,
  pixels: Uint8ClampedArray,
  { normalisation, forward }: Pick<DetectorNetwork, 'normalisation' | 'forward'>,
): Promise<{ shape: readonly number[]; data: Float32Array }[]> {
  const specs = [...tensors].map(([name, { shape }]) => ({ name, shape, kind: 'weight' as const }));
  const store = new ParamStore(gpu, specs);
  for (const [name, { data }] of tensors) store.write(name, data);
  const g = new Graph({ batch: 1, training: false, traits: gpu, inference: true });
  const side = Math.sqrt(pixels.length / 3);
  const image = g.input('image', [side, side, 3]);
  const outs = forward({ g, param: (name) => store.get(name) }, image);
  for (const out of outs) out.keep = true;
  const plan = await Plan.build(gpu, g, store);
  plan.write(image, normalised(pixels, normalisation));
  plan.run();
  const values = await Promise.all(outs.map((out) => plan.read(out)));
  plan.destroy();
  store.destroy();
  return values.map((data, i) => ({ shape: outs[i].shape, data }));
}

/** The values without the columns that pad them to a multiple of four. */
export function columns(
  { shape, data }: { shape: readonly number[]; data: Float32Array },
  n: number,
) {
  const padded = shape[shape.length - 1];
  return data.filter((_, i) => i % padded < n);
}

/** Equal within a ten-thousandth of `scale`, by itself the largest value. */
export function compare(
  ours: Float32Array,
  theirs: Float32Array,
  what = 'values',
  scale = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
): void {
  assert.is(ours.length, theirs.length, what);
  const off = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i])), 0);
  assert.ok(off < 1e-4 * scale, `${what} are off by ${off} where they reach ${scale}`);
}
