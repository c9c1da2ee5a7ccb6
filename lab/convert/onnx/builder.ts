import type { Config } from '../../../src/config/config.ts';
import type { HostTensor } from '../../../src/model/llsm/checkpoint.ts';
import type { Constant, OnnxGraph } from './graph.ts';

/** What the network's layers are built with in an ONNX file. */
export interface OnnxBuilder {
  g: OnnxGraph;
  config: Config;
  /** A tensor of the checkpoint. */
  tensor(name: string): HostTensor;
  /** The same as a constant of the file, under its checkpoint name; once each. */
  param(name: string): Constant;
}
