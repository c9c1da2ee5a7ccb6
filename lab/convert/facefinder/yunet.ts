/** YuNet's ONNX file (libfacedetection.train, yunet_n) as a face finder. */
import { fromBinary } from '@bufbuild/protobuf';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import type { FinderCheckpoint } from '../../../src/model/facefinder/checkpoint.ts';
import type { HostTensor } from '../../../src/model/safetensors.ts';
import { toFloat32 } from '../../../src/model/safetensors.ts';
import {
  type GraphProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataType,
} from '../onnx/onnx_pb.ts';

/** The heads of a map in the order of our channels. */
const heads = ['cls', 'obj', 'bbox', 'kps'];

/** Its units by our names. */
const units: Record<string, string> = {
  'backbone.model0.conv2': 'model0.conv2',
  ...Object.fromEntries(
    [1, 2, 3, 4, 5].flatMap((k) =>
      [1, 2].map((i) => [`backbone.model${k}.conv${i}`, `model${k}.conv${i}`]),
    ),
  ),
  ...Object.fromEntries([0, 1, 2].map((i) => [`neck.lateral_convs.${i}`, `lateral${i}`])),
  ...Object.fromEntries(
    [0, 1, 2].map((i) => [`bbox_head.multi_level_share_convs.${i}.0`, `shared${i}`]),
  ),
};

/**
 * The weights of a YuNet in ONNX. The exporter has folded its batch norms, and so renamed the
 * depthwise convolutions: each is known by the pointwise one that it reads.
 * @throws LlsmError where the file is no ONNX, or not that network
 */
export function importYunet(file: Uint8Array, where: string): FinderCheckpoint {
  let graph: GraphProto | undefined;
  try {
    graph = fromBinary(ModelProtoSchema, file).graph;
  } catch (error) {
    throw new LlsmError(`${where} is no ONNX file: ${messageOf(error)}`);
  }
  if (!graph?.node.length) throw new LlsmError(`${where} is no ONNX file: it has no graph`);
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const convs = graph.node.filter(({ opType }) => opType === 'Conv');
  const get = (name: string | undefined): HostTensor => {
    const tensor = name === undefined ? undefined : stored.get(name);
    if (!tensor) {
      throw new LlsmError(`${where} is no YuNet that llsm knows: it has no tensor ${name}`);
    }
    return tensorOf(tensor, where);
  };
  /** Weight and bias of a pointwise convolution, and of the depthwise one behind it. */
  const unit = (source: string): HostTensor[] => {
    const pointwise = convs.find(({ input }) => input[1] === `${source}.conv1.weight`);
    const depthwise = convs.find(({ input }) => input[0] === pointwise?.output[0]);
    if (!depthwise)
      throw new LlsmError(`${where} is no YuNet that llsm knows: it has no ${source}`);
    const names = [`${source}.conv1.weight`, `${source}.conv1.bias`, ...depthwise.input.slice(1)];
    return names.map(get);
  };
  const tensors = new Map<string, HostTensor>();
  const put = (name: string, parts: readonly HostTensor[]): void => {
    const [weight, bias, each, eachBias] = parts;
    tensors.set(`yunet.${name}.pointwise.weight`, weight);
    tensors.set(`yunet.${name}.pointwise.bias`, bias);
    tensors.set(`yunet.${name}.depthwise.weight`, each);
    tensors.set(`yunet.${name}.depthwise.bias`, eachBias);
  };
  const [first] = convs;
  tensors.set('yunet.model0.conv1.weight', get(first?.input[1]));
  tensors.set('yunet.model0.conv1.bias', get(first?.input[2]));
  for (const [source, name] of Object.entries(units)) put(name, unit(source));
  for (const level of [0, 1, 2]) {
    const parts = heads.map((head) => unit(`bbox_head.multi_level_${head}.${level}`));
    put(
      `head${level}`,
      [0, 1, 2, 3].map((i) => joined(parts.map((part) => part[i]))),
    );
  }
  return { detector: 'yunet', landmarks: null, tensors, licence };
}

const licence =
  'YuNet (https://github.com/ShiqiYu/libfacedetection.train), Copyright Shiqi Yu, Wei Wu and others: ' +
  'Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0). Converted from ONNX; the heads ' +
  'of each map are joined.';

/** Tensors one behind the other along their first axis. */
function joined(tensors: readonly HostTensor[]): HostTensor {
  const count = tensors.reduce((sum, { shape }) => sum + shape[0], 0);
  const data = new Float32Array(tensors.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, at);
    at += tensor.data.length;
  }
  return { shape: [count, ...tensors[0].shape.slice(1)], data };
}

function tensorOf({ name, dims, dataType, rawData }: TensorProto, where: string): HostTensor {
  const shape = dims.map(Number);
  const size = shape.reduce((product, n) => product * n, 1);
  if (dataType !== TensorProto_DataType.FLOAT || rawData.length !== size * 4) {
    throw new LlsmError(`${where}: tensor ${name} is not stored as 32-bit floats`);
  }
  return { shape, data: toFloat32(rawData, 'F32') };
}
