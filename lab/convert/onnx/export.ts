import {
  type Checkpoint,
  checkpointMetadata,
  type HostTensor,
} from '../../../src/model/llsm/checkpoint.ts';
import { network } from '../../../src/model/llsm/network.ts';
import { OnnxGraph } from './graph.ts';
import { OnnxLayers } from './layers.ts';
import { transpose } from './ops.ts';

/** The network as the bytes of an ONNX file: see `onnxNetwork`. */
export const exportOnnx = (checkpoint: Checkpoint): Uint8Array =>
  onnxNetwork(checkpoint).serialise();

/**
 * The network in evaluation as an ONNX model (opset 18), with the names and layouts of `llsm run`:
 * `image` [B, S, S, 3] (x / 127.5 - 1, B of any size) to `logit` [B], `mask` [B, S, S, 1] and
 * `similarity` [B, HW, HW], all logits; what the config leaves out is absent, and `similarity` above
 * HW = 4,096. Constants bear the checkpoint's names; its metadata (config, version, threshold) is the
 * model's.
 */
export function onnxNetwork(checkpoint: Checkpoint): OnnxGraph {
  const { config, tensors } = checkpoint;
  const g = new OnnxGraph('llsm', {
    doc: 'Face-forgery detection and localisation',
    metadata: checkpointMetadata(checkpoint),
  });
  const tensor = (name: string) => tensors.get(name) as HostTensor;
  const param = (name: string) => g.constant(name, tensor(name).shape, tensor(name).data);
  const { size } = config;
  const image = g.input('image', [size, size, 3], 'RGB, x / 127.5 - 1 of values from 0 to 255');
  const layers = new OnnxLayers({ g, config, tensor, param });
  const net = network(layers, transpose(g, 'image.nchw', image, [3, 1, 2]));
  g.output(net.logit, 'above 0: more likely forged than not');
  if (net.mask) g.output(net.mask, 'logits: above 0, more likely altered than not');
  if (net.pairs) g.output(net.pairs, 'logits of pairs of places: above 0, of different sources');
  return g;
}
