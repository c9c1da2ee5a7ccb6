/**
 * The network in TensorFlow.js' own operations, from one of our checkpoints: see `src/model`, whose
 * functions these mirror. Inference has batch norms folded into the convolutions and ReLUs fused
 * with them, as tfjs' converter leaves a model; training has them apart, as tfjs' layers do.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Checkpoint, HostTensor } from '../../src/model/llsm/checkpoint.ts';
import { fromTorch } from './tfjs-layout.ts';
import { crossEntropy, pairLogits, pairTargets, pooled, resize } from './tfjs-ops.ts';

type Map4 = tf.Tensor4D;
type Taps = Record<string, Map4>;

interface Outputs {
  logit: tf.Tensor1D;
  mask: Map4;
  similarity: tf.Tensor3D;
  taps: Taps;
}

export class TfjsNetwork {
  readonly #params: Map<string, tf.Variable>;
  readonly #folded = new Map<string, { filter: Map4; bias: tf.Tensor1D }>();
  readonly #input: Map<string, tf.Tensor>;
  readonly #optimiser: tf.AdamOptimizer;
  readonly #tap: string;
  #training = false;

  /** @throws Error for a config that this file has not: it knows the paper's, of any width and size */
  constructor(
    private readonly checkpoint: Checkpoint,
    input: ReadonlyMap<string, HostTensor>,
  ) {
    const { config } = checkpoint;
    const { llsm, flm, head, poolPad } = config;
    const pairs = llsm || { head: 'none', tap: '' };
    if (pairs.head !== 'mlp' || !flm || head.source !== 'decoder' || poolPad !== 'torch') {
      throw new Error('the network in tfjs has an mlp pair head, FLM, and PyTorch pooling');
    }
    this.#tap = pairs.tap;
    const weights = [...checkpoint.tensors].map(([name, tensor]) => {
      const trained = !/\.running_(mean|var)$/.test(name);
      return [name, tf.variable(fromTorch(tensor), trained, name)] as const;
    });
    this.#params = new Map(weights);
    this.#input = new Map(
      [...input].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]),
    );
    this.#optimiser = new tf.AdamOptimizer(config.train.lr, 0.9, 0.999, 1e-8);
  }

  /** `logit` [B], `mask` [B, S, S, 1], `similarity` [B, HW, HW]: logits. */
  inference = (): tf.NamedTensorMap => {
    const { logit, mask, similarity } = this.#forward();
    return { logit, mask, similarity };
  };

  /** An Adam step: `loss` [4] before it (total, cls, ls, loc) and `grad.NAME` of every weight. */
  step = (): tf.NamedTensorMap => {
    this.#training = true;
    let parts: tf.Tensor1D | undefined;
    const { value, grads } = tf.variableGrads(() => {
      const losses = this.#losses();
      parts = tf.keep(tf.stack(losses)) as tf.Tensor1D;
      return losses[0];
    });
    this.#optimiser.applyGradients(
      Object.entries(grads).map(([name, tensor]) => ({ name, tensor })),
    );
    value.dispose();
    const named = Object.entries(grads).map(([name, gradient]) => [`grad.${name}`, gradient]);
    return { loss: parts as tf.Tensor1D, ...Object.fromEntries(named) };
  };

  #losses(): tf.Scalar[] {
    const { alpha, beta } = this.checkpoint.config.loss;
    const { logit, mask, similarity, taps } = this.#forward();
    const truth = this.#input.get('mask') as Map4;
    const cls = crossEntropy(logit, this.#input.get('label') as tf.Tensor1D);
    const ls = crossEntropy(similarity, pairTargets(truth, taps[this.#tap].shape[1]));
    const loc = crossEntropy(mask, truth);
    const total = tf.addN([cls, tf.mul(alpha, ls), tf.mul(beta, loc)]) as tf.Scalar;
    return [total, cls, ls, loc];
  }

  #forward(): Outputs {
    const { size } = this.checkpoint.config;
    const taps = this.#xception(this.#input.get('image') as Map4);
    const similarity = pairLogits(taps[this.#tap], {
      pair: this.#param('llsm.pair.weight'),
      pairBias: this.#param('llsm.pair.bias'),
      out: this.#param('llsm.out.weight'),
      outBias: this.#param('llsm.out.bias'),
    });
    const d1 = this.#flm(taps);
    const small = tf.add(
      tf.conv2d(d1, this.#param('flm.mask.weight'), 1, 'valid'),
      this.#param('flm.mask.bias'),
    ) as Map4;
    const pooledFeatures = tf.mean(d1, [1, 2]) as tf.Tensor2D;
    const fc = tf.matMul(pooledFeatures, this.#param('head.fc.weight'), false, true);
    const logit = tf.reshape(tf.add(fc, this.#param('head.fc.bias')), [-1]) as tf.Tensor1D;
    return { logit, mask: resize(small, size, size), similarity, taps };
  }

  #xception(image: Map4): Taps {
    const stem = this.#convNorm(image, 'encoder.conv1', 'encoder.bn1', { stride: 2 });
    let x = this.#convNorm(stem, 'encoder.conv2', 'encoder.bn2', {});
    const taps: Taps = { e1: x };
    for (let k = 1; k <= 12; k++) {
      x = this.#block(k, x);
      taps[`block${k}`] = x;
    }
    const wide = this.#separable(x, 'encoder.conv3', 'encoder.bn3');
    const e5 = this.#separable(wide, 'encoder.conv4', 'encoder.bn4');
    return { ...taps, e2: taps.block1, e3: taps.block2, e4: taps.block11, e5 };
  }

  #block(k: number, x: Map4): Map4 {
    const name = `encoder.block${k}`;
    const down = k <= 3 || k === 12;
    const first = k === 1 ? 0 : 1;
    let main = k === 1 ? x : tf.relu(x);
    const convs = down ? 2 : 3;
    for (let i = 0; i < convs; i++) {
      const at = first + 3 * i;
      const relu = i < convs - 1;
      main = this.#separable(main, `${name}.rep.${at}`, `${name}.rep.${at + 1}`, relu);
    }
    if (!down) return tf.add(main, x);
    const skip = { stride: 2, relu: false } as const;
    return tf.add(
      tf.maxPool(main, 3, 2, 1),
      this.#convNorm(x, `${name}.skip`, `${name}.skipbn`, skip),
    );
  }

  #flm(taps: Taps): Map4 {
    let d = this.#convNorm(taps.e5, 'flm.reduce', 'flm.bn', {});
    for (const stage of [4, 3, 2, 1]) {
      const name = `flm.stage${stage}`;
      const skip = taps[`e${stage}`];
      const both = tf.concat([resize(d, skip.shape[1], skip.shape[2]), skip], 3);
      const first = this.#separable(both, `${name}.sep1`, `${name}.bn1`);
      const a = this.#separable(first, `${name}.sep2`, `${name}.bn2`);
      d = tf.mul(a, this.#gate(`${name}.attn`, d));
    }
    return d;
  }

  /** CLAFFM's factors [B, 1, 1, C]. */
  #gate(name: string, deeper: Map4): Map4 {
    const conv = (x: Map4, layer: string): Map4 =>
      tf.add(
        tf.conv2d(x, this.#param(`${name}.${layer}.weight`), 1, 'valid'),
        this.#param(`${name}.${layer}.bias`),
      );
    return tf.sigmoid(conv(tf.relu(conv(pooled(deeper, 4), 'conv')), 'fc'));
  }

  #separable(x: Map4, conv: string, norm: string, relu = true): Map4 {
    const d = tf.depthwiseConv2d(x, this.#param(`${conv}.conv1.weight`), 1, 'same');
    return this.#convNorm(d, `${conv}.pointwise`, norm, { relu });
  }

  #convNorm(
    x: Map4,
    conv: string,
    norm: string,
    { stride = 1, relu = true }: { stride?: 1 | 2; relu?: boolean },
  ): Map4 {
    if (!this.#training) {
      const { filter, bias } = this.#fold(conv, norm);
      const activation = relu ? 'relu' : 'linear';
      return tf.fused.conv2d({ x, filter, bias, activation, strides: stride, pad: 'valid' });
    }
    const out = tf.conv2d(x, this.#param<Map4>(`${conv}.weight`), stride, 'valid');
    const { mean, variance } = tf.moments(out, [0, 1, 2]);
    this.#move(`${norm}.running_mean`, mean);
    const n = out.size / out.shape[3];
    this.#move(`${norm}.running_var`, tf.mul(variance, n / (n - 1)));
    const normed = tf.batchNorm(
      out,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      this.#param<tf.Tensor1D>(`${norm}.bias`),
      this.#param<tf.Tensor1D>(`${norm}.weight`),
      this.checkpoint.config.bnEps,
    );
    return relu ? tf.relu(normed) : normed;
  }

  /** A convolution with the batch norm behind it folded in; made once. */
  #fold(conv: string, norm: string): { filter: Map4; bias: tf.Tensor1D } {
    const known = this.#folded.get(conv);
    if (known) return known;
    const field = (name: string) => this.#param<tf.Tensor1D>(`${norm}.${name}`);
    const scale = tf.div(
      field('weight'),
      tf.sqrt(tf.add(field('running_var'), this.checkpoint.config.bnEps)),
    );
    const made = {
      filter: tf.keep(tf.mul(this.#param<Map4>(`${conv}.weight`), scale) as Map4),
      bias: tf.keep(tf.sub(field('bias'), tf.mul(field('running_mean'), scale)) as tf.Tensor1D),
    };
    this.#folded.set(conv, made);
    return made;
  }

  /** A running statistic, by PyTorch's momentum of 0.1. */
  #move(name: string, value: tf.Tensor): void {
    const running = this.#params.get(name) as tf.Variable;
    running.assign(tf.add(tf.mul(running, 0.9), tf.mul(value, 0.1)));
  }

  #param<T extends tf.Tensor = Map4>(name: string): T {
    const found = this.#params.get(name);
    if (!found) throw new Error(`the checkpoint has no ${name}`);
    return found as unknown as T;
  }
}
