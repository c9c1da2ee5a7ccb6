import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import { type ConfigInput, parseConfig } from '../../src/config/config.ts';
import { valueOfByte } from '../../src/gpu/storage8.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import type { Batch } from '../../src/model/llsm/losses.ts';
import { parseSafetensors } from '../../src/model/safetensors.ts';
import { parseState, serialiseState, shipped } from '../../src/train/state.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { median, normErrors } from '../support/errors-of.ts';
import { skip, test } from '../support/run.ts';

const gpu = await openNodeGpu();

const tiny = (train: ConfigInput['train'], llsm: ConfigInput['llsm'] = { hidden: 8 }) =>
  parseConfig({ width: 0.05, size: 64, llsm, train: { lr: 2e-3, ...train } }, 'test');

/** Real faces are smooth; forged ones carry noise where their mask is 1. */
function makeBatch(items: number, size: number, seed: number): Required<Batch> {
  const random = new Random(seed, 'batch');
  const batch = {
    image: new Uint8Array(items * size * size * 3),
    label: new Float32Array(items),
    mask: new Float32Array(items * size * size),
    maskWeight: new Float32Array(items).fill(1),
  };
  for (let b = 0; b < items; b++) {
    batch.label[b] = b % 2;
    const [fx, fy] = [random.uniform(2, 5), random.uniform(2, 5)];
    const left = random.int(size / 2);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const at = (b * size + y) * size + x;
        const inside = b % 2 === 1 && x >= left && x < left + size / 2 && y >= size / 4;
        batch.mask[at] = Number(inside);
        for (let c = 0; c < 3; c++) {
          batch.image[at * 3 + c] =
            128 +
            64 * Math.sin((fx * x + fy * y) / size + c) +
            (inside ? random.uniform(-60, 60) : 0);
        }
      }
    }
  }
  return batch;
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

const bytes = (values: Map<string, Float32Array>): string =>
  [...values]
    .map(
      ([name, v]) =>
        `${name} ${Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString('base64')}`,
    )
    .join();

test('overfits one batch: every loss falls, and the classes are told apart', async () => {
  const config = tiny({ batch: 4 });
  const trainer = await Trainer.build(gpu, { checkpoint: initParams(config, 1) });
  const batch = makeBatch(4, 64, 7);
  const first = await trainer.step(batch, 0, 5e-3);
  let last = first;
  for (let step = 1; step < 120; step++) last = await trainer.step(batch, step, 5e-3);
  assert.ok(last.cls < 0.05, `cls ${first.cls} -> ${last.cls}`);
  assert.ok(last.loc < 0.5 * first.loc, `loc ${first.loc} -> ${last.loc}`);
  assert.ok(last.ls < 0.5 * first.ls, `ls ${first.ls} -> ${last.ls}`);
});

test('resuming from a saved state gives the bytes of an uninterrupted run; so does the same seed', async () => {
  const config = tiny({ batch: 4 });
  const batches = [1, 2, 3, 4].map((seed) => makeBatch(4, 64, seed));
  const run = async (from: number, to: number, trainer: Trainer) => {
    for (let step = from; step < to; step++) await trainer.step(batches[step], step, 1e-3);
    return trainer.state({ step: to });
  };
  const build = () => Trainer.build(gpu, { checkpoint: initParams(config, 3) });
  const whole = await run(0, 4, await build());
  const again = await run(0, 4, await build());
  const half = await run(0, 2, await build());
  const resumed = await run(2, 4, await Trainer.build(gpu, half));
  const all = (state: typeof whole) =>
    bytes(new Map([...state.checkpoint.tensors].map(([name, { data }]) => [name, data]))) +
    bytes(state.adam.m) +
    bytes(state.adam.v);
  assert.is(all(again) === all(whole), true, 'the same seed');
  assert.is(all(resumed) === all(whole), true, 'resumed');
});

test('a running mean of the weights is kept, resumed to the byte, and changes nothing of the training', async () => {
  const config = tiny({ batch: 4, ema: 0.9 });
  const batches = [1, 2, 3, 4].map((seed) => makeBatch(4, 64, seed));
  const run = async (from: number, to: number, trainer: Trainer) => {
    for (let step = from; step < to; step++) await trainer.step(batches[step], step, 1e-3);
    return trainer.state({ step: to });
  };
  const trainer = await Trainer.build(gpu, { checkpoint: initParams(config, 3) });
  const half = await run(0, 2, trainer);
  // What validation measures is not what training goes on from.
  await trainer.withMean(async () => {
    const { tensors } = (await trainer.state({ step: 2 })).checkpoint;
    for (const [name, { data }] of tensors) assert.equal(data, half.mean?.get(name), name);
  });
  const whole = await run(2, 4, trainer);
  const kept = parseState(parseSafetensors(joined(serialiseState(half)), 'x'), 'x', config);
  const resumed = await run(2, 4, await Trainer.build(gpu, kept));
  assert.is(bytes(tensorsOf(resumed)) === bytes(tensorsOf(whole)), true, 'weights');
  const [a, b] = [whole, resumed].map(({ mean }) => bytes(mean as Map<string, Float32Array>));
  assert.is(a === b, true, 'mean');
  const without = tiny({ batch: 4 });
  const plain = await run(0, 4, await Trainer.build(gpu, { checkpoint: initParams(without, 3) }));
  assert.is(bytes(tensorsOf(plain)) === bytes(tensorsOf(whole)), true, 'without a mean');
  const name = 'head.fc.weight';
  const data = shipped(whole).tensors.get(name)?.data;
  assert.equal(data, whole.mean?.get(name));
  assert.not.equal(data, whole.checkpoint.tensors.get(name)?.data);
});

test('accumulation: two equal micro-batches move the weights as one of them does', async () => {
  const once = tiny({ batch: 2 });
  const twice = tiny({ batch: 4, accumulate: 2 });
  const half = makeBatch(2, 64, 5);
  const doubled = Object.fromEntries(
    Object.entries(half).map(([key, v]) => {
      const both = [...v, ...v];
      return [key, v instanceof Uint8Array ? Uint8Array.from(both) : Float32Array.from(both)];
    }),
  ) as unknown as Required<Batch>;
  const checkpoint = initParams(once, 2);
  const a = await Trainer.build(gpu, { checkpoint });
  const b = await Trainer.build(gpu, { checkpoint: { ...checkpoint, config: twice } });
  const lossA = await a.step(half, 0, 1e-3);
  const lossB = await b.step(doubled, 0, 1e-3);
  assert.ok(Math.abs(lossA.total - lossB.total) < 1e-5, `${lossA.total} ${lossB.total}`);
  const [ma, mb] = [(await a.state({ step: 1 })).adam.m, (await b.state({ step: 1 })).adam.m];
  for (const [name, values] of ma) {
    const scale = Math.max(1e-12, ...values.map(Math.abs));
    const worst = Math.max(
      ...values.map((v, i) => Math.abs(v - (mb.get(name)?.[i] ?? Number.NaN))),
    );
    assert.ok(worst <= 1e-4 * scale, `${name}: ${worst} of ${scale}`);
  }
});

test('drawn pairs: the loss estimates that of all pairs, and depends on the step alone', async () => {
  const batch = makeBatch(4, 64, 9);
  const all = await Trainer.build(gpu, { checkpoint: initParams(tiny({ batch: 4 }), 1) });
  const some = tiny({ batch: 4 }, { hidden: 8, pairs: 512 });
  const drawn = await Trainer.build(gpu, { checkpoint: initParams(some, 1) });
  const again = await Trainer.build(gpu, { checkpoint: initParams(some, 1) });
  const exact = await all.step(batch, 0, 1e-3);
  const sampled = await drawn.step(batch, 0, 1e-3);
  assert.ok(Math.abs(sampled.ls - exact.ls) < 0.05 * exact.ls, `${sampled.ls} ${exact.ls}`);
  assert.equal(await again.step(batch, 0, 1e-3), sampled);
});

test('an item without a mask trains the classes only', async () => {
  const config = tiny({ batch: 4 });
  const batch = makeBatch(4, 64, 11);
  const without = { ...batch, maskWeight: Float32Array.of(1, 0, 1, 0) };
  const wrong = {
    ...without,
    mask: batch.mask.map((m, i) => (i >= 64 * 64 && i < 2 * 64 * 64 ? 1 - m : m)),
  };
  const build = () => Trainer.build(gpu, { checkpoint: initParams(config, 1) });
  const a = await (await build()).step(without, 0, 1e-3);
  const b = await (await build()).step(wrong, 0, 1e-3);
  assert.equal(a, b);
});

test('a step allocates nothing on the GPU, with micro-batches and drawn pairs too', async () => {
  const { device } = gpu;
  const made: string[] = [];
  const makers = Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(device)))
    .filter((name) => /^create/.test(name) && name !== 'createCommandEncoder')
    .map((name) => name as 'createBuffer');
  for (const name of ['createBuffer', 'createBindGroup', 'createComputePipelineAsync']) {
    assert.ok(makers.includes(name as 'createBuffer'), name);
  }
  for (const name of makers) {
    const make = device[name].bind(device);
    device[name] = (...args) => {
      made.push(name);
      return make(...args);
    };
  }
  try {
    for (const [train, pairs] of [
      [{ batch: 4 }, 'all'],
      [{ batch: 4, accumulate: 2 }, 128],
    ] as const) {
      const checkpoint = initParams(tiny(train, { hidden: 8, pairs }), 1);
      const trainer = await Trainer.build(gpu, { checkpoint });
      assert.ok(made.length > 0, 'building does');
      const batch = makeBatch(4, 64, 3);
      let before: Promise<unknown> | undefined;
      for (let step = 0; step < 8; step++) {
        if (step === 2) made.splice(0);
        // As the loop does: a step's losses are awaited when the next one is queued.
        const losses = trainer.step(batch, step, 1e-3);
        await before;
        before = losses;
      }
      await before;
      assert.equal(made, []);
    }
  } finally {
    for (const name of makers) delete (device as Partial<GPUDevice>)[name];
  }
});

const asNumbers = ({ image }: Batch) => Float32Array.from(image, valueOfByte);

const noHalves = () => {
  if (!gpu.device.features.has('shader-f16')) skip('this adapter has no shader-f16');
};

const tensorsOf = (state: Awaited<ReturnType<Trainer['state']>>): Map<string, Float32Array> =>
  new Map([...state.checkpoint.tensors].map(([name, { data }]) => [name, data]));

test('16 bits: gradients and ten steps of losses are those of 32, within what 11 bits give', async () => {
  noHalves();
  const batches = [1, 2, 3, 4, 5].map((seed) => makeBatch(4, 64, seed));
  const run = async (precision: 'f32' | 'f16') => {
    const config = tiny({ batch: 4, precision });
    const trainer = await Trainer.build(gpu, { checkpoint: initParams(config, 3) });
    const losses = [await trainer.step(batches[0], 0, 1e-3)];
    // A tenth of the gradients.
    const { m } = (await trainer.state({ step: 1 })).adam;
    for (let step = 1; step < 10; step++) {
      losses.push(await trainer.step(batches[step % 5], step, 1e-3));
    }
    const { bytes } = trainer.program.plan.memory;
    trainer.destroy();
    return { losses, m, bytes };
  };
  const wide = await run('f32');
  const narrow = await run('f16');
  wide.losses.forEach(({ total, cls, ls, loc }, step) => {
    const other = narrow.losses[step];
    for (const [a, b] of [
      [total, other.total],
      [cls, other.cls],
      [ls, other.ls],
      [loc, other.loc],
    ]) {
      assert.ok(Math.abs(a - b) <= 5e-3 * a, `step ${step}: ${a} and ${b}`);
    }
  });
  // Rounding moves values over the kinks of ReLUs and maxima. The same network in 32 bits, given an
  // image that differs by 2^-9, has gradients that differ by more.
  const image = asNumbers(batches[0]).map((value, i) => value * (1 + (i % 2 ? 1 : -1) * 2 ** -9));
  const checkpoint = initParams(tiny({ batch: 4 }), 3);
  const other = await Trainer.build(gpu, { checkpoint }, 'f32');
  await other.step({ ...batches[0], image }, 0, 1e-3);
  const moved = (await other.state({ step: 1 })).adam.m;
  const errorsOf = (m: Map<string, Float32Array>): number[] =>
    normErrors([...wide.m].map(([name, of]) => [m.get(name) as Float32Array, of]));
  const [errors, allowed] = [errorsOf(narrow.m), errorsOf(moved)];
  assert.ok(median(errors) < median(allowed), `${median(errors)} of ${median(allowed)}`);
  const [worst, most] = [errors, allowed].map((all) => all[all.length - 1]);
  assert.ok(worst < most, `${worst} of ${most}`);
  assert.ok(narrow.bytes < 0.65 * wide.bytes, `${narrow.bytes} of ${wide.bytes} bytes`);
});

test('16 bits: a step that does not fit is left out and halves the scale; resumed, the same bytes', async () => {
  noHalves();
  const config = tiny({ batch: 4, precision: 'f16' });
  const batch = makeBatch(4, 64, 1);
  const checkpoint = initParams(config, 3);
  const build = (lossScale: number) =>
    Trainer.build(gpu, { checkpoint, counters: { step: 0, lossScale, lossScaleSteps: 0 } });
  const trainer = await build(2 ** 40);
  const first = await trainer.step(batch, 0, 1e-3);
  const skipped = await trainer.state({ step: 1 });
  assert.is(skipped.counters.lossScale, 2 ** 39);
  const weights = ({ checkpoint: { tensors } }: typeof skipped) =>
    [...tensors].filter(([name]) => !/running_/.test(name)).map(([, { data }]) => [...data]);
  assert.equal(weights(skipped), weights({ ...skipped, checkpoint }));
  assert.ok([...skipped.adam.m.values()].every((values) => values.every((value) => value === 0)));
  // The losses that are told have no scale.
  const plain = await Trainer.build(gpu, { checkpoint });
  assert.equal(await plain.step(batch, 0, 1e-3), first);

  const resumed = await Trainer.build(gpu, skipped);
  const states = [];
  for (const it of [trainer, resumed]) {
    for (let step = 1; step < 4; step++) await it.step(batch, step, 1e-3);
    states.push(await it.state({ step: 4 }));
  }
  assert.equal(states[0].counters, states[1].counters);
  assert.is(bytes(tensorsOf(states[0])) === bytes(tensorsOf(states[1])), true);
  assert.is(bytes(states[0].adam.v) === bytes(states[1].adam.v), true);
});

test('16 bits: the scale doubles after steps that fit; what fits at no scale is an error', async () => {
  noHalves();
  const config = tiny({ batch: 4, precision: 'f16' });
  const batch = makeBatch(4, 64, 1);
  const checkpoint = initParams(config, 3);
  const counters = { step: 0, lossScale: 64, lossScaleSteps: 1999 };
  const trainer = await Trainer.build(gpu, { checkpoint, counters });
  await trainer.step(batch, 0, 1e-3);
  const { lossScale, lossScaleSteps } = (await trainer.state({ step: 1 })).counters;
  assert.equal([lossScale, lossScaleSteps], [128, 0]);

  checkpoint.tensors.get('encoder.conv1.weight')?.data.fill(1e6);
  const large = await Trainer.build(gpu, { checkpoint, counters: { ...counters, lossScale: 1 } });
  await large.step(batch, 0, 1e-3);
  try {
    await large.step(batch, 1, 1e-3);
    assert.unreachable('nothing was thrown');
  } catch (error) {
    assert.match((error as Error).message, /use train\.precision f32/);
  }
});

test('what is not finite is found in its step, also where a ReLU hides it from the loss', async () => {
  for (const train of [{ batch: 4 }, { batch: 4, accumulate: 2 }]) {
    const trainer = await Trainer.build(gpu, { checkpoint: initParams(tiny(train), 1) }, 'f32');
    const bytes = makeBatch(4, 64, 7);
    const batch = { ...bytes, image: asNumbers(bytes) };
    assert.is((await trainer.step(batch, 0, 1e-3)).notFinite, undefined);
    batch.image[5] = Number.NaN;
    assert.match((await trainer.step(batch, 1, 1e-3)).notFinite ?? '', /\.(weight|bias)$/);
    trainer.destroy();
  }
});
