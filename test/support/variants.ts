/** The launches that the networks record under all kinds of configs and settings; no adapter is needed. */
import { type ConfigInput, parseConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { backward } from '../../src/graph/backward.ts';
import { planMemory } from '../../src/graph/plan.ts';
import { Graph, type Launch, type Traits } from '../../src/graph/record.ts';
import { ParamStore } from '../../src/graph/store.ts';
import { type Dtype, Tensor } from '../../src/graph/tensor.ts';
import { adam } from '../../src/kernels/adam/adam.ts';
import { charbonnier } from '../../src/kernels/charbonnier/charbonnier.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { ema } from '../../src/kernels/ema/ema.ts';
import { fill } from '../../src/kernels/fill/fill.ts';
import { maxPool } from '../../src/kernels/max_pool/max_pool.ts';
import { addInto } from '../../src/kernels/residual_add/residual_add.ts';
import { upsampleAdd } from '../../src/kernels/upsample_add/upsample_add.ts';
import {
  autoencoder,
  autoencoderParams,
  autoencoderSchema,
} from '../../src/model/autoencoder/network.ts';
import { detectors } from '../../src/model/facefinder/checkpoint.ts';
import { landmarkSide, landmarks } from '../../src/model/facefinder/landmarks.ts';
import { recordCam } from '../../src/model/llsm/cam.ts';
import { forward, keepTap, pairMap } from '../../src/model/llsm/forward.ts';
import { losses } from '../../src/model/llsm/losses.ts';
import { listParams } from '../../src/model/llsm/params.ts';
import { mapPositions } from '../../src/model/llsm/positions.ts';
import { recordStep } from '../../src/model/llsm/step.ts';

/** Kinds of adapters: GPUs; software drivers whose subgroups are of no fixed size, of 4 and of 8. */
export const kinds = {
  gpu: { subgroupSize: 0, software: false },
  software: { subgroupSize: 0, software: true },
  SwiftShader: { subgroupSize: 4, software: true },
  lavapipe: { subgroupSize: 8, software: true },
} satisfies Record<string, Traits & { software: boolean }>;

/** Limits under which no launch is cut. */
const limits = {
  maxStorageBufferBindingSize: 2 ** 31,
  maxBufferSize: 2 ** 32,
  minStorageBufferOffsetAlignment: 256,
};

const heads = ['linear', 'mlp', 'absdiff', 'bilinear'] as const;

const configs: ConfigInput[] = [
  ...heads.flatMap((head) =>
    (['block7', 'e1', 'e5'] as const).map((tap) => ({
      width: 0.25,
      size: 64,
      llsm: { head, tap },
    })),
  ),
  // What is wide, what is odd, and what has less.
  { size: 224 },
  { size: 75, width: 0.05, llsm: { hidden: 12 }, head: { source: 'both' } },
  { size: 112, width: 0.125, llsm: false, head: { source: 'encoder' } },
  { size: 112, width: 0.125, llsm: false, flm: false },
  { size: 64, width: 0.05, residual: true, maskPrior: 8, loss: { mask: 'bce+dice' } },
];

/** A store that is never asked for a buffer. */
const storeOf = (specs: ConstructorParameters<typeof ParamStore>[1]): ParamStore =>
  new ParamStore({} as Gpu, specs);

/** The launches as a plan has them. */
function launchesOf(g: Graph): Launch[] {
  const { preparations, dispatches } = planMemory(g, limits);
  return [...preparations, ...dispatches].map(({ launch }) => launch);
}

/** Everything that is recorded for one config on one kind of adapter. */
function* ofConfig(input: ConfigInput, traits: Traits): Generator<Launch> {
  const config = parseConfig(input, 'variants');
  const store = storeOf(listParams(config));
  for (const precision of ['f32', 'f16'] as const satisfies Dtype[]) {
    for (const pairs of config.llsm ? (['all', 64] as const) : (['all'] as const)) {
      for (const pixels of ['u8', 'f32'] as const) {
        const options = { batch: 4, pairs, precision, pixels };
        yield* launchesOf(recordStep(traits, config, store, options).pass.g);
      }
    }
    const inference = { batch: 2, training: false, traits, inference: true, storage: precision };
    const pass = forward(new Graph(inference), config, store, 'u8');
    if (mapPositions(config) > 0) pairMap(pass);
    keepTap(pass, 'block11');
    losses(pass);
    yield* launchesOf(pass.g);
  }
  // Gradients with running statistics, as `llsm run --grad` has them.
  const still = forward(new Graph({ batch: 2, training: false, traits }), config, store);
  backward(still.g, losses(still, { grad: true }).seeds, store.weights());
  yield* launchesOf(still.g);
  const shown = forward(new Graph({ batch: 2, training: false, traits }), config, store);
  recordCam(shown, 'block11');
  yield* launchesOf(shown.g);
}

/** A step of the autoencoder. */
function* ofAutoencoder(traits: Traits): Generator<Launch> {
  const config = autoencoderSchema.parse({});
  const { side } = config;
  const store = storeOf(autoencoderParams(config));
  const g = new Graph({ batch: 4, training: true, traits });
  const out = autoencoder(
    g,
    (name) => store.get(name),
    config,
    g.input('image', [side, side, 3], 'u8'),
  );
  const { seeds } = charbonnier(g, out, g.input('truth', [side, side, 4]), g.input('weight', []));
  backward(g, seeds, store.weights());
  yield* launchesOf(g);
}

/** What a trainer records besides its step: micro-batches added up, running means. */
function* besides(traits: Traits): Generator<Launch> {
  const store = storeOf([{ name: 'w', shape: [64], kind: 'weight' }]);
  const g = new Graph({ batch: 1, training: true, traits });
  const input = (name: string, size: number) => new Tensor(name, [size], { home: 'input' });
  fill(g, store.flat('gradSum'), 0);
  addInto(g, store.flat('grads'), store.flat('gradSum'));
  adam(g, store, input('step', 2), { from: 'gradSum' });
  ema(g, store.flat('weights'), store.flat('meanWeights'), input('rate', 1));
  yield* launchesOf(g);
}

/** The gradients of what only the face finders have, and nothing trains as yet. */
function* gradientsOfFinders(traits: Traits): Generator<Launch> {
  const g = new Graph({ batch: 1, training: true, traits });
  const map = (name: string, side: number) => g.input(name, [side, side, 8]);
  const [x, small, w] = [
    map('x', 8),
    map('small', 4),
    new Tensor('w', [8, 1, 3, 3], { home: 'input' }),
  ];
  const outs = [
    depthwise(g, 'strided', [x], w, { stride: 2, pad: 'tf' }),
    maxPool(g, 'pool', x, 2),
    upsampleAdd(g, 'up', small, x),
  ];
  const seeds = new Map(outs.map((out) => [out, g.input(`d ${out.name}`, out.shape.slice(1))]));
  const gradients = backward(g, seeds, [x, small, w]);
  for (const tensor of [x, small, w]) (gradients.of(tensor) as Tensor).keep = true;
  yield* launchesOf(g);
}

/** The face finders, and the networks that mark points in a face. */
function* finders(traits: Traits): Generator<Launch> {
  const graph = () => new Graph({ batch: 1, training: false, traits, inference: true });
  const param = (name: string, shape: readonly number[]) =>
    new Tensor(name, [...shape], { home: 'weights', offset: 0 });
  for (const { forward, sides } of Object.values(detectors)) {
    const g = graph();
    forward({ g, param }, g.input('image', [sides[0], sides[0], 3]));
    yield* launchesOf(g);
  }
  for (const size of ['tiny', 'full'] as const) {
    const g = graph();
    landmarks({ g, param }, g.input('face', [landmarkSide, landmarkSide, 3]), size);
    yield* launchesOf(g);
  }
}

/**
 * The launches of every config, of the trainer, and of the face finders, on one kind of adapter: with
 * the forms that are shipped, and with each other form that `llsm bench --tune` may choose.
 */
export function* launchesOn(kind: keyof typeof kinds): Generator<Launch> {
  const choices = new Map<string, readonly string[]>();
  const noting = function* (launches: Iterable<Launch>): Generator<Launch> {
    for (const launch of launches) {
      if (launch.choice) choices.set(launch.choice.key, launch.choice.among);
      yield launch;
    }
  };
  for (const config of configs) yield* noting(ofConfig(config, kinds[kind]));
  yield* besides(kinds[kind]);
  yield* gradientsOfFinders(kinds[kind]);
  yield* noting(finders(kinds[kind]));
  yield* noting(ofAutoencoder(kinds[kind]));
  const most = Math.max(...[...choices.values()].map(({ length }) => length));
  for (let i = 0; i < most; i++) {
    const traits = { ...kinds[kind], tuned: { get: (key: string) => choices.get(key)?.[i] } };
    for (const config of configs.filter(({ llsm }) => !llsm || llsm.head === 'mlp')) {
      yield* ofConfig(config, traits);
    }
    yield* finders(traits);
  }
}
