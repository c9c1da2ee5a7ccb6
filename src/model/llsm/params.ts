import type { Config, Tap } from '../../config/config.ts';
import type { ParamSpec } from '../../graph/store.ts';
import type { Layers, Normed, NormedConv } from './layers.ts';
import { network } from './network.ts';

/** First values of a tensor: normal(0, std), uniform(-bound, bound), or one value. */
export type Init =
  | { kind: 'normal'; std: number }
  | { kind: 'uniform'; bound: number }
  | { kind: 'constant'; value: number };

/**
 * A tensor of a network. Shapes are PyTorch's: convolutions [out, in / groups, height, width], fully
 * connected [out, in].
 */
export interface NetworkParam extends ParamSpec {
  shape: number[];
  /** Whether the tensor stays F32 in half-precision files: of a batch norm, and what is not trained. */
  bn: boolean;
  init: Init;
}

/** The channel count that stands for `c` in a network of this width: a multiple of 8, at least 8. */
export const channels = (width: number, c: number): number =>
  Math.max(8, Math.floor((c * width) / 8 + 0.5) * 8);

/** Values in a tensor of this shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** The tensors of a config's network, in checkpoint order, with timm's names for the encoder. */
export const listParams = (config: Config): NetworkParam[] => shapesOf(config).specs;

/** Channels of one of the encoder's feature maps. */
export const tapChannels = (config: Config, tap: Tap): number =>
  shapesOf(config).net.taps[tap].channels;

/** Side, in positions, of one of the encoder's (square) feature maps. */
export const tapSize = (config: Config, tap: Tap): number => shapesOf(config).net.taps[tap].side;

/** The shape of a square feature map. */
interface MapShape {
  channels: number;
  side: number;
}

function shapesOf(config: Config) {
  const list = new ParamList(config);
  const net = network(list, { channels: 3, side: config.size });
  return { net, specs: list.specs };
}

/** The layers as shapes: each adds its parameters to the list, and says what it makes of a shape. */
class ParamList implements Layers<MapShape, void> {
  readonly specs: NetworkParam[] = [];

  constructor(readonly config: Config) {}

  convNorm(
    module: string,
    x: MapShape,
    conv: string,
    norm: string,
    { width, kernel, stride = 1 }: NormedConv,
  ): MapShape {
    const out = this.#width(width);
    this.#conv(`${module}.${conv}`, [out, x.channels, kernel, kernel]);
    this.#norm(`${module}.${norm}`, out);
    return { channels: out, side: Math.floor((x.side - kernel) / stride) + 1 };
  }

  separableNorm(
    module: string,
    xs: readonly MapShape[],
    conv: string,
    norm: string,
    { width }: Normed,
  ): MapShape {
    const [into, out] = [sum(xs), this.#width(width)];
    this.#conv(`${module}.${conv}.conv1`, [into, 1, 3, 3]);
    this.#conv(`${module}.${conv}.pointwise`, [out, into, 1, 1]);
    this.#norm(`${module}.${norm}`, out);
    return { channels: out, side: xs[0].side };
  }

  relu(_name: string, x: MapShape): MapShape {
    return x;
  }

  poolAdd(_name: string, main: () => MapShape, skip: () => MapShape): MapShape {
    // Checkpoints hold the skip's tensors first, as timm does.
    const shape = skip();
    main();
    return shape;
  }

  residualAdd(_name: string, main: MapShape): MapShape {
    return main;
  }

  resize(_name: string, x: MapShape, { side }: MapShape): MapShape {
    return { channels: x.channels, side };
  }

  averagePool(_name: string, { channels }: MapShape, size: number): MapShape {
    return { channels, side: size };
  }

  dense(name: string, x: MapShape, width: number): MapShape {
    const out = this.#width(width);
    this.#biased(name, [out, x.channels, x.side, x.side]);
    return { channels: out, side: 1 };
  }

  gate(_name: string, a: MapShape): MapShape {
    return a;
  }

  dot(name: string, { channels, side }: MapShape, bias: number): MapShape {
    this.#biased(name, [1, channels, 1, 1], bias);
    return { channels: 1, side };
  }

  residualChannels(_name: string, { channels, side }: MapShape): MapShape {
    return { channels: 2 * channels, side };
  }

  offset(name: string, x: MapShape, side: number): MapShape {
    const init = { kind: 'constant', value: 0 } as const;
    this.#add(name, [1, 1, side, side], init, { bn: true, kind: 'state' });
    return x;
  }

  linear(name: string, pooled: readonly MapShape[]): MapShape {
    this.#biased(name, [1, sum(pooled)]);
    return { channels: 1, side: 1 };
  }

  pairs({ channels: c }: MapShape, { head, hidden }: Exclude<Config['llsm'], false>): void {
    if (head === 'linear') this.#biased('llsm.pair', [1, c, 2, 1]);
    else if (head === 'mlp') {
      this.#biased('llsm.pair', [hidden, c, 2, 1]);
      this.#biased('llsm.out', [1, hidden, 1, 1]);
    } else if (head === 'absdiff') this.#biased('llsm.diff', [1, c, 1, 1]);
    else {
      this.#plain('llsm.theta', [hidden, c, 1, 1]);
      this.#plain('llsm.phi', [hidden, c, 1, 1]);
      this.#constant('llsm.bias', 1, 0);
    }
  }

  output(_name: string, x: MapShape): MapShape {
    return x;
  }

  #width(c: number): number {
    return channels(this.config.width, c);
  }

  /** Adds a weight of variance 2 / fan_in (He et al., 2015), for layers before batch norm and ReLU. */
  #conv(name: string, shape: number[]) {
    const std = Math.sqrt(2 / fanIn(shape));
    this.#add(`${name}.weight`, shape, { kind: 'normal', std });
  }

  /** Adds a weight uniform within 1 / sqrt(fan_in), as PyTorch's layers begin, and a bias of one value. */
  #biased(name: string, shape: number[], bias = 0) {
    this.#plain(name, shape);
    this.#constant(`${name}.bias`, shape[0], bias);
  }

  #plain(name: string, shape: number[]) {
    const bound = 1 / Math.sqrt(fanIn(shape));
    this.#add(`${name}.weight`, shape, { kind: 'uniform', bound });
  }

  #constant(name: string, n: number, value: number, of: Partial<NetworkParam> = {}) {
    this.#add(name, [n], { kind: 'constant', value }, of);
  }

  #norm(name: string, n: number) {
    this.#constant(`${name}.weight`, n, 1, { bn: true });
    this.#constant(`${name}.bias`, n, 0, { bn: true });
    this.#constant(`${name}.running_mean`, n, 0, { bn: true, kind: 'state' });
    this.#constant(`${name}.running_var`, n, 1, { bn: true, kind: 'state' });
  }

  #add(name: string, shape: number[], init: Init, of: Partial<NetworkParam> = {}) {
    this.specs.push({ name, shape, kind: 'weight', bn: false, init, ...of });
  }
}

const fanIn = (shape: number[]): number => sizeOf(shape.slice(1));
const sum = (maps: readonly MapShape[]): number =>
  maps.reduce((n, { channels }) => n + channels, 0);
