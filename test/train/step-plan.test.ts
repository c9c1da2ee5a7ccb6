import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { parseConfig } from '../../src/config/config.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { planInWords, planStep, stepPlanOf } from '../../src/train/step-plan.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();

test('the plan, made before anything is allocated, is what a step then takes', async () => {
  const made: GPUBufferDescriptor[] = [];
  const create = gpu.device.createBuffer.bind(gpu.device);
  gpu.device.createBuffer = (descriptor) => {
    made.push(descriptor);
    return create(descriptor);
  };
  for (const train of [{ batch: 4 }, { batch: 4, accumulate: 2 }]) {
    const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 }, train }, 'test');
    made.splice(0);
    const plan = planStep(gpu, config);
    assert.equal(made, []);
    const trainer = await Trainer.build(gpu, { checkpoint: initParams(config, 1) });
    // Uniforms are not counted, nor the rate that adding micro-batches up has for itself.
    const own = 'accumulate' in train ? ['uniforms', 'adam step'] : ['uniforms'];
    const storage = made.filter(({ label }) => !own.includes(label ?? ''));
    assert.is(
      storage.reduce((sum, { size }) => sum + size, 0),
      plan.bytes,
    );
    assert.equal(plan, stepPlanOf(trainer.program.plan.memory, trainer.store, config));
    assert.is(
      plan.homes.some(({ name }) => name === 'gradSum'),
      'accumulate' in train,
    );

    assert.is(plan.bytes, plan.activations + plan.params);
    assert.ok(plan.aliveAtOnce <= plan.activations);
    assert.is(plan.largest.length, 10);
    for (const [i, { name, shape, bytes }] of plan.largest.entries()) {
      assert.is(bytes, 4 * shape.reduce((a, b) => a * b, 1), name);
      assert.ok(i === 0 || bytes <= plan.largest[i - 1].bytes, 'largest first');
    }
    const images = 64 * 64 * 3 * trainer.program.pass.g.batch;
    assert.is(plan.inputs.find(({ name }) => name === 'image')?.bytes, images);
    assert.match(planInWords(plan), new RegExp(`${(images / 2 ** 20).toFixed(1)} MiB  image \\[`));
    trainer.program.destroy();
    trainer.store.destroy();
  }
});
