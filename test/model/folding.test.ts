/** Inference folds batch norm into the convolutions, once: the unfolded network is its oracle. */
import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import { type Config, type ConfigInput, parseConfig } from '../../src/config/config.ts';
import type { ParamStore } from '../../src/graph/params.ts';
import { Graph } from '../../src/graph/record.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import { forward, planOf } from '../../src/model/llsm/forward.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { outputPass } from '../../src/model/llsm/run.ts';
import { TrainingStep } from '../../src/model/llsm/step.ts';
import { noiseBatch } from '../support/faces.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();

/**
 * Running statistics as no fresh network has them: variances from 1e-12 to 1e4, means far from 0
 * beside them, scales of either sign and some of 0. gamma grows with the standard deviation, so that
 * maps stay small: gates multiply the rounding error of large ones, in either form.
 */
function awkward(config: Config): Checkpoint {
  const checkpoint = initParams(config, 2);
  const random = new Random(9, 'statistics');
  for (const [name, { data }] of checkpoint.tensors) {
    if (!name.endsWith('.running_var')) continue;
    const norm = name.slice(0, -'.running_var'.length);
    const of = (key: string): Float32Array =>
      checkpoint.tensors.get(`${norm}.${key}`)?.data as Float32Array;
    data.forEach((_, c) => {
      data[c] = [1e-12, 1e-5, 1, 1e4][random.int(4)];
      const deviation = Math.sqrt(data[c] + config.bnEps);
      of('running_mean')[c] = deviation * random.normal() * (c % 5 === 0 ? 10 : 1);
      of('weight')[c] = c % 7 === 3 ? 0 : deviation * random.uniform(0.2, 0.6) * (c % 3 ? 1 : -1);
      of('bias')[c] = random.normal();
    });
  }
  return checkpoint;
}

async function outputsOf(store: ParamStore, config: Config, grad: boolean) {
  const taps = ['e1', 'block7', 'e5', ...(config.flm ? ['d5', 'd1'] : [])];
  const options = { batch: 2, mode: 'eval', loss: true, grad, taps } as const;
  const { pass, plan, write, read } = await outputPass(gpu, config, store, options);
  write(noiseBatch(2, config.size));
  plan.run();
  const outputs = await read();
  for (const name of outputs.keys()) if (name.startsWith('grad.')) outputs.delete(name);
  return { graph: pass.g, plan, outputs };
}

const largest = (values: Float32Array): number =>
  values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

const configs: Record<string, ConfigInput> = {
  mlp: { llsm: { hidden: 12 } },
  'linear of e1, tf pools': { llsm: { head: 'linear', tap: 'e1' }, poolPad: 'tf' },
  'absdiff of e5': { llsm: { head: 'absdiff', tap: 'e5' }, head: { source: 'both' } },
  'bilinear, eps 1e-3': { llsm: { head: 'bilinear', hidden: 8 }, bnEps: 1e-3 },
  'encoder alone': { llsm: false, flm: false },
};
for (const [name, input] of Object.entries(configs)) {
  test(`folded equals unfolded: ${name}`, async () => {
    const config = parseConfig({ width: 0.25, size: 64, ...input }, 'test');
    const store = uploadCheckpoint(gpu, awkward(config));
    const folded = await outputsOf(store, config, false);
    // With gradients nothing is folded.
    const unfolded = await outputsOf(store, config, true);
    assert.is(unfolded.graph.preparations.length, 0);
    const each = folded.graph.launches.map(({ kernel }) => kernel.name);
    assert.not.ok(each.includes('pack') || each.includes('bn_finalise'), 'prepared in each run');
    for (const [key, { data: expected }] of unfolded.outputs) {
      const actual = folded.outputs.get(key)?.data as Float32Array;
      const scale = largest(expected);
      assert.ok(Number.isFinite(scale) && scale > 0, `${key}: ${scale}`);
      const off = actual.reduce((m, v, i) => Math.max(m, Math.abs(v - expected[i])), 0) / scale;
      assert.ok(off <= 1e-5, `${key} is off by ${off}`);
    }
    folded.plan.destroy();
    unfolded.plan.destroy();
    store.destroy();
  });
}

test('weights that another plan, or the caller, changes reach the folded network', async () => {
  const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 } }, 'test');
  const checkpoint = initParams(config, 4);
  const store = uploadCheckpoint(gpu, checkpoint);
  const batch = noiseBatch(2, config.size);
  const trained = await TrainingStep.build(gpu, config, store, { batch: 2 });
  trained.write(batch);
  const inference = async () => {
    const pass = forward(
      new Graph({ batch: 2, training: false, traits: gpu, inference: true }),
      config,
      store,
    );
    const plan = await planOf(gpu, pass);
    plan.write(pass.image, batch.image);
    return { pass, plan };
  };
  type Inference = Awaited<ReturnType<typeof inference>>;
  const logits = async ({ pass, plan }: Inference): Promise<number[]> => {
    plan.run();
    return [...(await plan.read(pass.logit.tensor))];
  };
  const folded = await inference();
  const seen = [await logits(folded)];
  assert.equal(await logits(folded), seen[0]);
  const changes = [
    () => trained.run({ lr: 1e-2, t: 1 }),
    () => trained.run({ lr: 1e-2, t: 2 }),
    () => store.write('encoder.bn1.running_mean', new Float32Array(8).fill(3)),
  ];
  for (const change of changes) {
    change();
    const now = await logits(folded);
    const fresh = await inference();
    assert.equal(now, await logits(fresh));
    assert.not.ok(
      seen.some((before) => before.every((v, i) => v === now[i])),
      'nothing changed',
    );
    seen.push(now);
    fresh.plan.destroy();
  }
});
