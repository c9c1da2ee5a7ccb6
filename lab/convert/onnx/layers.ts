import type { Config } from '../../../src/config/config.ts';
import type { Layers, Normed, NormedConv } from '../../../src/model/llsm/layers.ts';
import { mapPositions } from '../../../src/model/llsm/positions.ts';
import type { OnnxBuilder } from './builder.ts';
import type { Value } from './graph.ts';
import { llsm } from './llsm.ts';
import {
  adaptivePool,
  batchNorm,
  concat,
  conv,
  elementwise,
  globalPool,
  maxPool,
  relu,
  reshape,
  residualChannels,
  resize,
  stretched,
} from './ops.ts';

/** The layers as nodes of an ONNX file. Of pairs it makes the map, where there is room for one. */
export class OnnxLayers implements Layers<Value, Value | undefined> {
  constructor(private readonly build: OnnxBuilder) {}

  get config(): Config {
    return this.build.config;
  }

  convNorm(module: string, x: Value, conv: string, norm: string, options: NormedConv): Value {
    return this.#convNorm(x, `${module}.${conv}`, `${module}.${norm}`, options);
  }

  separableNorm(
    module: string,
    xs: readonly Value[],
    name: string,
    norm: string,
    options: Normed,
  ): Value {
    const { g, param } = this.build;
    const x = xs.length > 1 ? concat(g, `${module}.concat`, xs) : xs[0];
    const at = `${module}.${name}`;
    const weight = param(`${at}.conv1.weight`);
    const d = conv(g, `${at}.conv1`, x, weight, { padding: 1, groups: x.shape[0] });
    return this.#convNorm(d, `${at}.pointwise`, `${module}.${norm}`, options);
  }

  relu(name: string, x: Value): Value {
    return relu(this.build.g, name, x);
  }

  poolAdd(name: string, main: () => Value, skip: () => Value): Value {
    const { g, config } = this.build;
    const [value, aside] = [main(), skip()];
    const pooled = maxPool(g, `${name}.pool`, value, config.poolPad);
    return elementwise(g, 'Add', name, pooled, aside);
  }

  residualAdd(name: string, main: Value, x: Value): Value {
    return elementwise(this.build.g, 'Add', name, main, x);
  }

  resize(name: string, x: Value, { shape: [, height, width] }: Value): Value {
    return resize(this.build.g, name, x, height, width);
  }

  averagePool(name: string, x: Value, size: number): Value {
    const { g } = this.build;
    return size === 1 ? globalPool(g, name, x) : adaptivePool(g, name, x, size);
  }

  dense(name: string, x: Value, _width: number): Value {
    return this.#biased(name, x);
  }

  gate(name: string, a: Value, logit: Value): Value {
    const { g } = this.build;
    return elementwise(
      g,
      'Mul',
      name,
      a,
      g.node('Sigmoid', `${name}.sigmoid`, [logit], logit.shape),
    );
  }

  dot(name: string, x: Value, _bias: number): Value {
    return this.#biased(name, x);
  }

  residualChannels(name: string, image: Value): Value {
    return residualChannels(this.build.g, name, image);
  }

  offset(name: string, x: Value, side: number): Value {
    const { g, tensor } = this.build;
    const [, height, width] = x.shape;
    const map = stretched(tensor(name).data, side, height, width);
    const constant = g.constant(`${name}.resized`, [1, 1, height, width], map);
    return g.node('Add', name, [x, constant], x.shape);
  }

  linear(name: string, pooled: readonly Value[]): Value {
    const { g, param } = this.build;
    const both = concat(g, 'head.pool', pooled);
    const flat = reshape(g, 'head.flat', both, [both.shape[0]]);
    const inputs = [flat, param(`${name}.weight`), param(`${name}.bias`)];
    return g.node('Gemm', name, inputs, [1], { transB: 1 });
  }

  pairs(tap: Value, head: Exclude<Config['llsm'], false>): Value | undefined {
    return mapPositions(this.config) > 0 ? llsm(this.build, tap, head) : undefined;
  }

  /** With the shapes of `llsm run`: a mask [S, S, 1], where a map is [1, S, S], and one logit. */
  output(name: 'logit' | 'mask', x: Value): Value {
    return reshape(this.build.g, name, x, name === 'logit' ? [] : [...x.shape.slice(1), 1]);
  }

  /** Runtimes fold the batch norm into the convolution before it. */
  #convNorm(
    x: Value,
    name: string,
    norm: string,
    { stride, relu: through = true }: { stride?: 1 | 2; relu?: boolean },
  ): Value {
    const { g, config, param } = this.build;
    const weight = param(`${name}.weight`);
    const out = conv(g, name, x, weight, { stride });
    const params = {
      weight: param(`${norm}.weight`),
      bias: param(`${norm}.bias`),
      runningMean: param(`${norm}.running_mean`),
      runningVar: param(`${norm}.running_var`),
    };
    const normed = batchNorm(g, norm, out, params, config.bnEps);
    return through ? relu(g, `${norm}.relu`, normed) : normed;
  }

  #biased(name: string, x: Value): Value {
    const { g, param } = this.build;
    return conv(g, name, x, param(`${name}.weight`), { bias: param(`${name}.bias`) });
  }
}
