/**
 * The exported network in onnxruntime (its WebAssembly build, on the processor) against ours, and
 * the operations that need care against PyTorch's results.
 */
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import * as assert from 'uvu/assert';
import { exportOnnx } from '../../../lab/convert/onnx/export.ts';
import { OnnxGraph, type Value } from '../../../lab/convert/onnx/graph.ts';
import { ModelProtoSchema } from '../../../lab/convert/onnx/onnx_pb.ts';
import { adaptivePool, conv, maxPool, resize, transpose } from '../../../lab/convert/onnx/ops.ts';
import { readSafetensors } from '../../../node/files/checkpoint.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { Random } from '../../../src/base/random.ts';
import { version } from '../../../src/base/version.ts';
import { type ConfigInput, parseConfig } from '../../../src/config/config.ts';
import { Graph } from '../../../src/graph/record.ts';
import { downloadCheckpoint, uploadCheckpoint } from '../../../src/model/llsm/bind.ts';
import type { Checkpoint, HostTensor } from '../../../src/model/llsm/checkpoint.ts';
import { forward, planOf } from '../../../src/model/llsm/forward.ts';
import { initParams } from '../../../src/model/llsm/init.ts';
import type { Batch } from '../../../src/model/llsm/losses.ts';
import { listParams } from '../../../src/model/llsm/params.ts';
import { outputsOf } from '../../../src/model/llsm/run.ts';
import { maxError } from '../../support/errors-of.ts';
import { type Session, session } from '../../support/onnx.ts';
import { test } from '../../support/run.ts';

const gpu = await openNodeGpu();

/** As after some training: no bias is 0, no batch norm that of a fresh network. */
async function used(given: ConfigInput, batch: Batch): Promise<Checkpoint> {
  const config = parseConfig({ width: 0.125, ...given }, 'test');
  const fresh = initParams(config, 4);
  const random = new Random(5, 'used');
  const change = ({ tensors }: Checkpoint, pattern: RegExp, of: (value: number) => number) => {
    for (const { name, init } of listParams(config)) {
      const { data } = tensors.get(name) as HostTensor;
      if (init.kind !== 'constant' || !pattern.test(name)) continue;
      for (let i = 0; i < data.length; i++) data[i] = of(data[i]);
    }
  };
  change(fresh, /weight$/, () => random.uniform(0.5, 1.5));
  change(fresh, /bias$|prior$/, () => 0.3 * random.normal());
  // Statistics like those of the images keep the maps' values, and so the biases' part, near 1.
  const store = uploadCheckpoint(gpu, fresh);
  const pass = forward(new Graph({ batch: 2, training: true, traits: gpu }), config, store);
  const plan = await planOf(gpu, pass);
  plan.write(pass.image, batch.image);
  for (let i = 0; i < 20; i++) plan.run();
  const settled = await downloadCheckpoint(store, config);
  plan.destroy();
  store.destroy();
  change(settled, /running_var$/, (value) => value * random.uniform(0.7, 1.4));
  change(settled, /running_mean$/, (value) => value + 0.2 * random.normal());
  return settled;
}

function images(count: number, size: number): HostTensor {
  const random = new Random(6, 'images');
  const shape = [count, size, size, 3];
  const data = Float32Array.from({ length: count * size * size * 3 }, () => random.uniform(-1, 1));
  return { shape, data };
}

/** Item `at` of a batch, as a batch of one. */
function item({ shape, data }: HostTensor, at: number): HostTensor {
  const n = data.length / shape[0];
  return { shape: [1, ...shape.slice(1)], data: data.slice(at * n, (at + 1) * n) };
}

/** max|a - b| over half the spread of the values of b; over the largest one where they are two at most. */
function spreadError(ours: Float32Array, theirs: Float32Array): number {
  const middle = theirs.length > 2 ? (Math.max(...theirs) + Math.min(...theirs)) / 2 : 0;
  const centred = (values: Float32Array) => values.map((value) => value - middle);
  return maxError(centred(ours), centred(theirs));
}

function agree(ours: Map<string, HostTensor>, theirs: Map<string, HostTensor>, what: string) {
  assert.equal([...theirs.keys()].sort(), [...ours.keys()].sort(), what);
  for (const [name, { shape, data }] of ours) {
    const other = theirs.get(name) as HostTensor;
    assert.equal(other.shape, shape, `${what}: ${name}`);
    const error = spreadError(other.data, data);
    assert.ok(error <= 1e-4, `${what}: ${name} differs by ${error.toExponential(1)}`);
  }
}

const networks: Record<string, ConfigInput & { size: number }> = {
  'mlp, both maps to the classifier': { size: 96, head: { source: 'both' } },
  "linear, Keras' pooling and epsilon": {
    size: 100,
    poolPad: 'tf',
    bnEps: 1e-3,
    llsm: { head: 'linear' },
  },
  'absdiff on e5, no decoder': { size: 96, flm: false, llsm: { head: 'absdiff', tap: 'e5' } },
  'bilinear on block2, the encoder to the classifier': {
    size: 100,
    llsm: { head: 'bilinear', tap: 'block2', hidden: 24 },
    head: { source: 'encoder' },
  },
  'residual channels and a prior of masks': { size: 96, residual: true, maskPrior: 8, llsm: false },
  'no pairs': { size: 96, poolPad: 'tf', llsm: false },
};

for (const [name, config] of Object.entries(networks)) {
  test(`${name}: one file gives our outputs, for batches of 2 and of 1`, async () => {
    const image = images(2, config.size);
    const batch = { image: image.data };
    const checkpoint = await used(config, batch);
    const input = { ...batch, items: 2, notes: [] };
    const options = { mode: 'eval', grad: false, taps: [] } as const;
    const ours = await outputsOf(gpu, checkpoint, input, options);
    const theirs = await session(exportOnnx(checkpoint));
    agree(ours, await theirs({ image }), 'both images');
    for (const at of [0, 1]) {
      const own = new Map([...ours].map(([key, tensor]) => [key, item(tensor, at)]));
      agree(own, await theirs({ image: item(image, at) }), `image ${at}`);
    }
  });
}

const initialised = (config: ConfigInput): Checkpoint =>
  initParams(parseConfig({ width: 0.05, ...config }, 'test'), 1);

test('a network whose map of pairs would be too large has none', () => {
  const checkpoint = initialised({ size: 140, flm: false, llsm: { tap: 'e1' } });
  const model = fromBinary(ModelProtoSchema, exportOnnx(checkpoint));
  assert.equal(
    model.graph?.output.map(({ name }) => name),
    ['logit'],
  );
});

test('config, threshold and version travel in the file', () => {
  const threshold = { value: 0.25, rule: 'eer', fpr: 0.1, data: 'some faces', n: 40 };
  const checkpoint = { ...initialised({ flm: false, llsm: false }), threshold };
  const model = fromBinary(ModelProtoSchema, exportOnnx(checkpoint));
  assert.is(model.producerVersion, version);
  const metadata = new Map(model.metadataProps.map(({ key, value }) => [key, value]));
  assert.is(metadata.get('llsm.version'), version);
  assert.equal(JSON.parse(metadata.get('llsm.config') ?? ''), checkpoint.config);
  assert.equal(JSON.parse(metadata.get('llsm.threshold') ?? ''), threshold);
});

test('what cannot be written is refused by name', () => {
  const g = new OnnxGraph('wide');
  const x = g.input('x', [4, 2, 2]);
  assert.throws(() => g.input('x', [4]), /wide: two tensors named x/);
  assert.throws(() => g.constant('w', [3, 2], new Float32Array(5)), /w: 5 values .* \[3,2\]/);
  // Memory that is never touched is never taken.
  g.constant('half', [2 ** 28], new Float32Array(2 ** 28));
  assert.throws(
    () => g.constant('rest', [2 ** 28], new Float32Array(2 ** 28)),
    /wide: with rest it has 2147483648 bytes of constants/,
  );
  assert.is(x.name, 'x');
});

/** A model of one operation, NHWC outside as our tensors are. */
function single(
  [, height, width, channels]: readonly number[],
  operation: (g: OnnxGraph, x: Value) => Value,
): Promise<Session> {
  const g = new OnnxGraph('single');
  const x = g.input('x', [height, width, channels]);
  const y = operation(g, transpose(g, 'nchw', x, [3, 1, 2]));
  g.output(transpose(g, 'y', y, [2, 3, 1]));
  return session(g.serialise());
}

const golden = readSafetensors(
  fileURLToPath(new URL('../../../../test/golden/ops.safetensors', import.meta.url)),
).tensors;

test("resize, adaptive and max pools give PyTorch's values", async () => {
  const seen = new Set<string>();
  for (const [key, x] of golden) {
    const [, kind, pad, form] =
      /^(resize|adaptive|maxpool)\.(?:(torch|tf)\.)?(.*)\.x$/.exec(key) ?? [];
    if (!kind || (kind === 'adaptive' && !form.endsWith('-4x4'))) continue;
    const wanted = golden.get(key.replace(/x$/, 'y')) as HostTensor;
    const [, height, width] = wanted.shape;
    const run = await single(x.shape, (g, value) => {
      if (kind === 'resize') return resize(g, 'op', value, height, width);
      if (kind === 'adaptive') return adaptivePool(g, 'op', value, height);
      return maxPool(g, 'op', value, pad as 'torch' | 'tf');
    });
    const y = (await run({ x })).get('y') as HostTensor;
    assert.equal(y.shape, wanted.shape, key);
    const error = maxError(y.data, wanted.data);
    // Places up to 224 in f32, and white noise between them: 2e-5 of a pixel shows.
    assert.ok(error < (kind === 'resize' ? 5e-5 : 1e-6), `${key}: ${error}`);
    seen.add(kind);
  }
  assert.is(seen.size, 3);
});

test('a model of one convolution, pointwise or depthwise', async () => {
  const random = new Random(7, 'single');
  const draw = (shape: number[]): HostTensor => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((n, d) => n * d) }, () => random.normal()),
  });
  const x = draw([2, 5, 4, 3]);
  const at = (b: number, y: number, column: number, c: number): number =>
    y < 0 || column < 0 || y > 4 || column > 3 ? 0 : x.data[((b * 5 + y) * 4 + column) * 3 + c];
  const pointwise = draw([6, 3, 1, 1]);
  const depthwise = draw([3, 1, 3, 3]);
  const wanted = { pointwise: [] as number[], depthwise: [] as number[] };
  for (let b = 0; b < 2; b++) {
    for (let y = 0; y < 5; y++) {
      for (let column = 0; column < 4; column++) {
        for (let n = 0; n < 6; n++) {
          const sum = [0, 1, 2].reduce(
            (s, c) => s + at(b, y, column, c) * pointwise.data[3 * n + c],
            0,
          );
          wanted.pointwise.push(sum);
        }
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let t = 0; t < 9; t++) {
            const [dy, dx] = [Math.floor(t / 3) - 1, (t % 3) - 1];
            sum += at(b, y + dy, column + dx, c) * depthwise.data[9 * c + t];
          }
          wanted.depthwise.push(sum);
        }
      }
    }
  }
  const runs = {
    pointwise: await single(x.shape, (g, value) =>
      conv(g, 'op', value, g.constant('w', pointwise.shape, pointwise.data)),
    ),
    depthwise: await single(x.shape, (g, value) => {
      const weight = g.constant('w', depthwise.shape, depthwise.data);
      return conv(g, 'op', value, weight, { padding: 1, groups: 3 });
    }),
  };
  for (const kind of ['pointwise', 'depthwise'] as const) {
    const y = (await runs[kind]({ x })).get('y') as HostTensor;
    assert.ok(maxError(y.data, Float32Array.from(wanted[kind])) < 1e-6, kind);
  }
});
