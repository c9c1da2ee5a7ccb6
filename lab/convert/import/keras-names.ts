/**
 * Keras' Xception in our names and layouts.
 *
 * Two kinds of file are about. `xception_weights_tf_dim_ordering_tf_kernels(_notop).h5`, which
 * keras.applications downloads, was written by Keras 1: every layer is called by its class and a
 * number (`separableconvolution2d_7`), and Keras itself loads it by order. What Keras 2 saves has
 * the names of keras/applications/xception.py (`block5_sepconv1_bn`), but for the layers of the
 * skips, which have none and are numbered (`conv2d_2`, `batch_normalization_2`).
 * In both the numbers rise as the layers were made, whatever they begin with, and a block's skip
 * is made before its main branch: the order of our own parameters.
 */
import { LlsmError } from '../../../src/base/errors.ts';
import type { NetworkParam } from '../../../src/model/llsm/params.ts';
import type { HostTensor } from '../../../src/model/safetensors.ts';

type Kind = 'conv' | 'separable' | 'norm';

/** What layers without a name of their own are called, in Keras 1 and 2. */
const NUMBERED: Readonly<Record<Kind, RegExp>> = {
  conv: /^conv(?:olution)?2d(?:_(\d+))?$/,
  separable: /^separable_?conv(?:olution)?2d(?:_(\d+))?$/,
  norm: /^batch_?normalization(?:_(\d+))?$/,
};
const NAMED = /^block\d+_(sep)?conv\d+(_bn)?$/;
/** Keras 1 says W, running_mean, and running_std for what holds the variance. */
const VARIABLE =
  /(?:^|_)(depthwise_kernel|pointwise_kernel|kernel|W|gamma|beta|moving_mean|running_mean|moving_variance|running_std)(?:_\d+)?(?::\d+)?$/;
const KERAS_2: Readonly<Record<string, string>> = {
  W: 'kernel',
  running_mean: 'moving_mean',
  running_std: 'moving_variance',
};

/** Where the axes of a kernel come from: ours are [out, in, height, width]. */
const AXES: Readonly<Record<string, number[]>> = {
  kernel: [3, 2, 0, 1],
  pointwise_kernel: [3, 2, 0, 1],
  depthwise_kernel: [2, 3, 0, 1],
};

export interface Renamed {
  /** In the source's file. */
  source: string;
  tensor: HostTensor;
}

/**
 * The tensors of a Keras file under the names of `specs`, with their axes in our order.
 *
 * @param specs the encoder's parameters, in checkpoint order
 * @param where the file's name, for messages
 * @throws LlsmError where a layer is there twice
 */
export function fromKeras(
  tensors: ReadonlyMap<string, HostTensor>,
  specs: readonly NetworkParam[],
  where: string,
): Map<string, Renamed> {
  const layers = layersOf(tensors, where);
  const numbered = (kind: Kind): string[] => inOrder([...layers.keys()], NUMBERED[kind]);
  const unnamed = {
    conv: numbered('conv'),
    separable: numbered('separable'),
    norm: numbered('norm'),
  };
  const named = [...layers.keys()].some((layer) => NAMED.test(layer));
  const layerOf = new Map<string, string | undefined>();
  const found = new Map<string, Renamed>();
  for (const spec of specs) {
    const { layer, kind, variable } = kerasPlace(spec);
    if (!layerOf.has(layer)) {
      layerOf.set(layer, (named && kerasName(layer)) || unnamed[kind].shift());
    }
    const renamed = layers.get(layerOf.get(layer) ?? '')?.get(variable);
    if (!renamed) continue;
    const { source, tensor } = renamed;
    found.set(spec.name, { source, tensor: transposed(tensor, AXES[variable]) });
  }
  return found;
}

/** Every variable in the file, by layer and by its name in Keras 2. */
function layersOf(tensors: ReadonlyMap<string, HostTensor>, where: string) {
  const layers = new Map<string, Map<string, Renamed>>();
  const known = [NAMED, ...Object.values(NUMBERED)];
  for (const [source, tensor] of tensors) {
    const parts = source.split('/');
    const variable = VARIABLE.exec(parts[parts.length - 1])?.[1];
    const layer = parts.find((part) => known.some((pattern) => pattern.test(part)));
    if (!variable || !layer) continue;
    const variables = layers.get(layer) ?? new Map<string, Renamed>();
    layers.set(layer, variables);
    const name = KERAS_2[variable] ?? variable;
    const before = variables.get(name);
    if (before) {
      throw new LlsmError(
        `${where}: it holds ${name} of ${layer} twice: ${before.source}, ${source}`,
      );
    }
    variables.set(name, { source, tensor });
  }
  return layers;
}

/** The layers of a pattern by their number; one without a number was the first. */
function inOrder(layers: string[], pattern: RegExp): string[] {
  const number = (layer: string): number => Number(pattern.exec(layer)?.[1] ?? 0);
  return layers.filter((layer) => pattern.test(layer)).sort((a, b) => number(a) - number(b));
}

/** The layer of ours that a parameter belongs to, and what Keras calls its kind and the parameter. */
function kerasPlace({ name, shape, bn }: NetworkParam): {
  layer: string;
  kind: Kind;
  variable: string;
} {
  const dot = name.lastIndexOf('.');
  const layer = name.slice(0, dot);
  if (bn) {
    const variables = {
      weight: 'gamma',
      bias: 'beta',
      running_mean: 'moving_mean',
      running_var: 'moving_variance',
    };
    return {
      layer,
      kind: 'norm',
      variable: variables[name.slice(dot + 1) as keyof typeof variables],
    };
  }
  const whole = layer.slice(0, layer.lastIndexOf('.'));
  if (layer.endsWith('.pointwise')) {
    return { layer: whole, kind: 'separable', variable: 'pointwise_kernel' };
  }
  if (shape[1] === 1) return { layer: whole, kind: 'separable', variable: 'depthwise_kernel' };
  return { layer, kind: 'conv', variable: 'kernel' };
}

/** The name of one of our layers in keras/applications/xception.py; undefined for the skips. */
function kerasName(layer: string): string | undefined {
  const stem = /^encoder\.(conv|bn)(\d)$/.exec(layer);
  if (stem) {
    const k = Number(stem[2]);
    const bn = stem[1] === 'bn' ? '_bn' : '';
    return k <= 2 ? `block1_conv${k}${bn}` : `block14_sepconv${k - 2}${bn}`;
  }
  const inside = /^encoder\.block(\d+)\.rep\.(\d+)$/.exec(layer);
  if (!inside) return undefined;
  const [block, at] = [Number(inside[1]), Number(inside[2])];
  // ReLU, convolution, batch norm, and again; block 1 begins without the ReLU.
  const bn = at % 3 === (block === 1 ? 1 : 2) ? '_bn' : '';
  return `block${block + 1}_sepconv${Math.floor(at / 3) + 1}${bn}`;
}

/** A kernel with its axes in another order; what has not that many axes stays as it is. */
function transposed(tensor: HostTensor, axes?: readonly number[]): HostTensor {
  const { shape, data } = tensor;
  if (!axes || shape.length !== axes.length) return tensor;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((n, d) => n * d, 1));
  const [a, b, c, d] = axes.map((axis) => shape[axis]);
  const [sa, sb, sc, sd] = axes.map((axis) => strides[axis]);
  const out = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        for (let l = 0; l < d; l++) out[at++] = data[i * sa + j * sb + k * sc + l * sd];
      }
    }
  }
  return { shape: [a, b, c, d], data: out };
}
