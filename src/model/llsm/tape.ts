import type { Config } from '../../config/config.ts';
import type { Graph } from '../../graph/record.ts';
import { type Read, read, relu, type Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { conv } from '../../kernels/conv/conv.ts';
import { depthwise } from '../../kernels/depthwise/depthwise.ts';
import { dot } from '../../kernels/dot/dot.ts';
import { gate } from '../../kernels/gate/gate.ts';
import { type Features, llsmFeatures } from '../../kernels/llsm/llsm.ts';
import { offset } from '../../kernels/offset/offset.ts';
import { poolAdd } from '../../kernels/pool_add/pool_add.ts';
import { residualAdd } from '../../kernels/residual_add/residual_add.ts';
import { residualChannels } from '../../kernels/residual_channels/residual_channels.ts';
import { resize } from '../../kernels/resize/resize.ts';
import { convNorm } from '../conv-norm.ts';
import type { Layers, Normed, NormedConv } from './layers.ts';

/**
 * The layers as kernels recorded on a graph. A feature map is a `Read`: batch norm and ReLU are not
 * computed where they stand, but by whoever loads the map.
 */
export class Tape implements Layers<Read, Features> {
  /** Begins a network on a tape. @param param gives a parameter by its checkpoint name */
  constructor(
    readonly g: Graph,
    readonly config: Config,
    private readonly param: (name: string) => Tensor,
  ) {}

  convNorm(module: string, x: Read, conv: string, norm: string, options: NormedConv): Read {
    return this.#convNorm(x, `${module}.${conv}`, `${module}.${norm}`, options);
  }

  separableNorm(
    module: string,
    xs: readonly Read[],
    conv: string,
    norm: string,
    options: Normed,
  ): Read {
    const name = `${module}.${conv}`;
    const d = depthwise(this.g, `${name}.conv1`, xs, this.param(`${name}.conv1.weight`));
    return this.#convNorm(read(d), `${name}.pointwise`, `${module}.${norm}`, options);
  }

  relu(_name: string, x: Read): Read {
    return relu(x.tensor);
  }

  poolAdd(name: string, main: () => Read, skip: () => Read): Read {
    // The skip goes first: so its gradient comes last, and adds to a map that is there.
    const aside = skip();
    return read(poolAdd(this.g, name, main(), aside, this.config.poolPad));
  }

  residualAdd(name: string, main: Read, x: Read): Read {
    return read(residualAdd(this.g, name, main, x.tensor));
  }

  resize(name: string, x: Read, like: Read): Read {
    const [, height, width] = like.tensor.shape;
    return read(resize(this.g, name, x, height, width));
  }

  averagePool(name: string, x: Read, size: number): Read {
    return read(adaptivePool(this.g, name, x, size, { flat: true }));
  }

  dense(name: string, x: Read, _width: number): Read {
    const weight = this.param(`${name}.weight`);
    const bias = this.param(`${name}.bias`);
    const layout = weight.shape[2] > 1 ? 'flat' : 'window';
    return read(conv(this.g, name, x, weight, { bias, layout }).out);
  }

  gate(name: string, a: Read, logit: Read): Read {
    return read(gate(this.g, name, a, logit.tensor));
  }

  dot(name: string, x: Read, _bias: number): Read {
    return this.linear(name, [x]);
  }

  residualChannels(name: string, image: Read): Read {
    return read(residualChannels(this.g, name, image.tensor));
  }

  offset(name: string, x: Read, _side: number): Read {
    return read(offset(this.g, name, x.tensor, this.param(name)));
  }

  linear(name: string, inputs: readonly Read[]): Read {
    const tensors = inputs.map(({ tensor }) => tensor);
    const [weight, bias] = [this.param(`${name}.weight`), this.param(`${name}.bias`)];
    return read(dot(this.g, name, tensors, weight, bias));
  }

  pairs(tap: Read, head: Exclude<Config['llsm'], false>): Features {
    return llsmFeatures(this.g, tap, head, this.param);
  }

  output(_name: string, x: Read): Read {
    x.tensor.keep = true;
    return x;
  }

  #convNorm(
    x: Read,
    name: string,
    norm: string,
    { stride, relu }: { stride?: 1 | 2; relu?: boolean },
  ): Read {
    const options = { eps: this.config.bnEps, stride, relu };
    return convNorm(this.g, this.param, x, name, norm, options);
  }
}
