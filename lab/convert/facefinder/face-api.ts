/**
 * The networks of `@vladmandic/face-api` (npm, MIT) as tensors in PyTorch's layouts, under the names
 * that src/model/facefinder gives them. Its files hold 8-bit values with a scale and a minimum a
 * tensor; TensorFlow's layouts are [height, width, in, out], and [height, width, channels, 1] for a
 * depthwise convolution.
 */
import { z } from 'zod';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import { problemsOf } from '../../../src/base/problems.ts';
import type { HostTensor } from '../../../src/model/safetensors.ts';

const manifestSchema = z
  .array(
    z.looseObject({
      weights: z.array(
        z.looseObject({
          name: z.string(),
          shape: z.array(z.int().min(0)),
          dtype: z.string(),
          quantization: z
            .looseObject({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() })
            .optional(),
        }),
      ),
    }),
  )
  .length(1);

type Tensors = Map<string, HostTensor>;

/** The networks, by the package's names for their files. */
export const networks = {
  tiny: { file: 'tiny_face_detector_model', convert: tinyTensors },
  ssd: { file: 'ssd_mobilenetv1_model', convert: ssdTensors },
  landmarks_tiny: {
    file: 'face_landmark_68_tiny_model',
    convert: (from: Tensors) => landmarkTensors(from, 'landmarks_tiny'),
  },
  landmarks: {
    file: 'face_landmark_68_model',
    convert: (from: Tensors) => landmarkTensors(from, 'landmarks'),
  },
};

/**
 * The tensors of a model of face-api, dequantised, by its own names and in its own layouts.
 * @param manifest the text of NAME-weights_manifest.json
 * @param bin the bytes of NAME.bin
 * @throws LlsmError where they do not fit each other
 */
export function readFaceApi(manifest: string, bin: Uint8Array, where: string): Tensors {
  let json: unknown;
  try {
    json = JSON.parse(manifest);
  } catch (error) {
    throw new LlsmError(`${where}: the manifest is no JSON: ${messageOf(error)}`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw new LlsmError(`${where}: the manifest's ${problemsOf(parsed.error)}`);
  const tensors: Tensors = new Map();
  let at = 0;
  for (const { name, shape, dtype, quantization } of parsed.data[0].weights) {
    const size = shape.reduce((product, n) => product * n, 1);
    const bytes = bin.subarray(at, at + size * (quantization ? 1 : 4));
    at += bytes.length;
    if (bytes.length < size * (quantization ? 1 : 4)) {
      throw new LlsmError(`${where}: cut short in tensor ${name}`);
    }
    if (dtype !== 'float32') continue;
    tensors.set(name, {
      shape,
      data: quantization
        ? Float32Array.from(bytes, (value) => value * quantization.scale + quantization.min)
        : new Float32Array(new Uint8Array(bytes).buffer),
    });
  }
  if (at !== bin.length) throw new LlsmError(`${where}: ${bin.length - at} bytes too many`);
  return tensors;
}

function get(from: Tensors, name: string): HostTensor {
  const tensor = from.get(name);
  if (!tensor) throw new LlsmError(`face-api's model has no tensor ${name}`);
  return tensor;
}

/** [height, width, in, out] as [out, in, height, width]. */
function window({ shape: [h, w, c, n], data }: HostTensor): HostTensor {
  const out = new Float32Array(data.length);
  for (let tap = 0; tap < h * w; tap++) {
    for (let i = 0; i < c; i++) {
      for (let o = 0; o < n; o++) out[(o * c + i) * h * w + tap] = data[(tap * c + i) * n + o];
    }
  }
  return { shape: [n, c, h, w], data: out };
}

/** [height, width, channels, 1] as [channels, 1, height, width]. */
function depthwise({ shape: [h, w, c], data }: HostTensor): HostTensor {
  return window({ shape: [h, w, 1, c], data });
}

/** A layer's tensors, whichever of its two kinds it is. */
function layer(from: Tensors, to: Tensors, source: string, target: string): void {
  const bias = get(from, `${source}/bias`);
  if (from.has(`${source}/filters`)) {
    to.set(`${target}.weight`, window(get(from, `${source}/filters`)));
    to.set(`${target}.bias`, bias);
    return;
  }
  to.set(`${target}.depthwise.weight`, depthwise(get(from, `${source}/depthwise_filter`)));
  to.set(`${target}.pointwise.weight`, window(get(from, `${source}/pointwise_filter`)));
  to.set(`${target}.pointwise.bias`, bias);
}

function tinyTensors(from: Tensors): Tensors {
  const to: Tensors = new Map();
  for (const k of [0, 1, 2, 3, 4, 5, 8]) layer(from, to, `conv${k}`, `tiny.conv${k}`);
  return to;
}

function landmarkTensors(from: Tensors, prefix: string): Tensors {
  const to: Tensors = new Map();
  for (let i = 0; from.has(`dense${i}/conv0/bias`); i++) {
    for (let k = 0; from.has(`dense${i}/conv${k}/bias`); k++) {
      layer(from, to, `dense${i}/conv${k}`, `${prefix}.dense${i}.conv${k}`);
    }
  }
  const { shape, data } = get(from, 'fc/weights');
  to.set(`${prefix}.fc.weight`, window({ shape: [1, 1, ...shape], data }));
  to.set(`${prefix}.fc.bias`, get(from, 'fc/bias'));
  return to;
}

/** Of the depthwise convolutions' batch norms (face-api, mobileNetV1.ts). */
const epsilon = 0.0010000000474974513;

function ssdTensors(from: Tensors): Tensors {
  const to: Tensors = new Map();
  const conv = (source: string, bias: string, target: string): void => {
    to.set(`${target}.weight`, window(get(from, `${source}/weights`)));
    to.set(`${target}.bias`, get(from, `${source}/${bias}`));
  };
  const trunk = 'MobilenetV1/Conv2d';
  conv(`${trunk}_0_pointwise`, 'convolution_bn_offset', 'ssd.conv0');
  for (let k = 1; k <= 13; k++) {
    const norm = (name: string): Float32Array =>
      get(from, `${trunk}_${k}_depthwise/BatchNorm/${name}`).data;
    const { shape, data } = depthwise(get(from, `${trunk}_${k}_depthwise/depthwise_weights`));
    const [variance, mean, beta] = ['moving_variance', 'moving_mean', 'beta'].map(norm);
    const scale = norm('gamma').map((gamma, c) => gamma / Math.sqrt(variance[c] + epsilon));
    to.set(`ssd.depthwise${k}.weight`, {
      shape,
      data: data.map((value, i) => value * scale[Math.floor(i / 9)]),
    });
    to.set(`ssd.depthwise${k}.bias`, {
      shape: [scale.length],
      data: beta.map((value, c) => value - mean[c] * scale[c]),
    });
    conv(`${trunk}_${k}_pointwise`, 'convolution_bn_offset', `ssd.pointwise${k}`);
  }
  for (let i = 0; i < 8; i++) {
    conv(`Prediction/Conv2d_${i}_pointwise`, 'convolution_bn_offset', `ssd.extra${i}`);
  }
  for (let i = 0; i < 6; i++) {
    const predictor = `Prediction/BoxPredictor_${i}`;
    conv(`${predictor}/BoxEncodingPredictor`, 'biases', `ssd.box${i}`);
    conv(`${predictor}/ClassPredictor`, 'biases', `ssd.class${i}`);
  }
  const { shape, data } = get(from, 'Output/extra_dim');
  to.set('ssd.anchors', { shape: shape.slice(1), data });
  return to;
}
