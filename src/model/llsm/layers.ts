import type { Config } from '../../config/config.ts';

/** Result of a convolution with a batch norm behind it. */
export interface Normed {
  /** Output channels of a network of full width. */
  width: number;
  /** Whether the result is read through a ReLU (default true). */
  relu?: boolean;
}

/** Result and shape of an unpadded convolution with a batch norm behind it. */
export interface NormedConv extends Normed {
  /** Side of its square kernel. */
  kernel: 1 | 3;
  /** Step of the windows in rows and columns (default 1). */
  stride?: 1 | 2;
}

/**
 * The layers that the network is made of. The network is written once, against this interface, in
 * xception.ts, flm.ts, claffm.ts and head.ts, and is read in three ways by what implements it:
 *
 * - `Tape` (tape.ts) records kernels on a graph, to be run and differentiated;
 * - `ParamList` (params.ts) lists the parameters and follows the shapes;
 * - `OnnxLayers` (lab/convert/onnx/layers.ts) writes an ONNX file.
 *
 * `V` stands for a feature map in that reading, `P` for what the pair head makes. A layer's
 * parameters are named by its module and by its name (`conv`, `norm`) inside it. Widths are those of a network of
 * full width: a reading that has weights at hand takes their shapes instead.
 */
export interface Layers<V, P> {
  readonly config: Config;
  /** A convolution without bias, batch norm, and perhaps a ReLU. */
  convNorm(module: string, x: V, conv: string, norm: string, options: NormedConv): V;
  /**
   * A separable convolution (depthwise 3x3 `.conv1` with padding 1, then `.pointwise`, nothing
   * between), batch norm, and perhaps a ReLU. Several inputs are one, joined along the channels.
   */
  separableNorm(module: string, xs: readonly V[], conv: string, norm: string, options: Normed): V;
  relu(name: string, x: V): V;
  /**
   * A max pool (3x3, stride 2, to half the size rounded up) of the main branch, plus the skip
   * branch. Branches come as functions: a reading records them in the order that it needs.
   */
  poolAdd(name: string, main: () => V, skip: () => V): V;
  /** The sum of two maps of one shape. */
  residualAdd(name: string, main: V, x: V): V;
  /** Bilinear resize to the height and width of another map. */
  resize(name: string, x: V, like: V): V;
  /** Adaptive average pool to size x size. */
  averagePool(name: string, x: V, size: number): V;
  /** A fully connected layer with bias, of all values of a small map to `width` channels. */
  dense(name: string, x: V, width: number): V;
  /** Gate a * sigmoid(logit), with one logit for each channel of the map a. */
  gate(name: string, a: V, logit: V): V;
  /** A 1x1 convolution to one channel; `bias` is what its bias begins as. */
  dot(name: string, x: V, bias: number): V;
  /** Three fixed high-pass residuals beside the picture's RGB. */
  residualChannels(name: string, image: V): V;
  /** A map of one channel plus a stored one [1, 1, side, side] that is not trained, resized to it. */
  offset(name: string, x: V, side: number): V;
  /** One fully connected layer of all pooled maps to one number. */
  linear(name: string, pooled: readonly V[]): V;
  /** The pair head on a feature map; see `Config.llsm`. */
  pairs(tap: V, head: Exclude<Config['llsm'], false>): P;
  /** Marks an output of the network by its name. */
  output(name: 'logit' | 'mask', x: V): V;
}
