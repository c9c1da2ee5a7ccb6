/**
 * Every tensor of a network, in checkpoint order, with PyTorch's shapes and timm's names for the
 * encoder (legacy_xception), and how it begins.
 */

import { Random } from '../../base/random.ts';
import { version } from '../../base/version.ts';
import type { Config, Tap } from '../../config/config.ts';
import type { ParamSpec as StoredParam } from '../../graph/params.ts';
import type { Checkpoint, HostTensor } from './checkpoint.ts';

/** How a tensor begins: normal(0, std), uniform(-bound, bound), or one value. */
export type Init =
  | { kind: 'normal'; std: number }
  | { kind: 'uniform'; bound: number }
  | { kind: 'constant'; value: number };

/** PyTorch's layouts: convolutions [out, in / groups, height, width], fully connected [out, in]. */
export interface ParamSpec extends StoredParam {
  shape: number[];
  /** Belongs to a batch norm, and so stays F32 in half-precision files. */
  bn: boolean;
  init: Init;
}

/** Xception's channel counts at width 1 after block 1 to block 12. */
const BLOCKS = [128, 256, 728, 728, 728, 728, 728, 728, 728, 728, 728, 1024];
/** The decoder's stages from the deepest, at width 1: its width and the encoder's map it takes. */
const STAGES: { stage: number; width: number; skip: Tap }[] = [
  { stage: 4, width: 256, skip: 'e4' },
  { stage: 3, width: 128, skip: 'e3' },
  { stage: 2, width: 64, skip: 'e2' },
  { stage: 1, width: 32, skip: 'e1' },
];

/**
 * Where the mask's logit begins: p = 0.12, about the altered share of a balanced batch (Lin et al.,
 * 2017, 4.1, begin so too). From 0 the bias itself is what is learned first, over hundreds of steps,
 * and the features learn later (bench/NOTES.md).
 */
const MASK_BIAS = -2;

/** The channel count that stands for `c` in a network of this width: a multiple of 8, at least 8. */
export const channels = (width: number, c: number): number =>
  Math.max(8, Math.floor((c * width) / 8 + 0.5) * 8);

/** The number of the block whose sum a tap is; 0 for e1, 13 for e5. */
function depth(tap: Tap): number {
  const skips: Partial<Record<Tap, number>> = { e1: 0, e2: 1, e3: 2, e4: 11, e5: 13 };
  return skips[tap] ?? Number(tap.slice('block'.length));
}

/** Channels of one of the encoder's feature maps. */
export function tapChannels(config: Config, tap: Tap): number {
  return channels(config.width, [64, ...BLOCKS, 2048][depth(tap)]);
}

/** Side, in positions, of one of the encoder's (square) feature maps. */
export function tapSize(config: Config, tap: Tap): number {
  let side = Math.floor((config.size - 3) / 2) + 1 - 2;
  for (const strided of [1, 2, 3, 12]) if (depth(tap) >= strided) side = Math.ceil(side / 2);
  return side;
}

/** Values in a tensor of this shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** The tensors of a config's network, in checkpoint order. */
export function listParams(config: Config): ParamSpec[] {
  const list = new List();
  encoder(list, config);
  if (config.llsm) pairHead(list, config.llsm, tapChannels(config, config.llsm.tap));
  if (config.flm) decoder(list, config);
  const d1 = channels(config.width, 32);
  const e5 = tapChannels(config, 'e5');
  const source = config.flm ? config.head.source : 'encoder';
  list.linear('head.fc', { encoder: e5, decoder: d1, both: e5 + d1 }[source], 1);
  return list.specs;
}

/**
 * A network before training. Each tensor is drawn from its own stream, so that equal seeds give
 * equal tensors whatever else the config holds.
 */
export function initParams(config: Config, seed: number): Checkpoint {
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, init } of listParams(config)) {
    const data = new Float32Array(sizeOf(shape));
    const random = new Random(seed, `init ${name}`);
    if (init.kind === 'constant') data.fill(init.value);
    else if (init.kind === 'normal') {
      for (let i = 0; i < data.length; i++) data[i] = init.std * random.normal();
    } else {
      for (let i = 0; i < data.length; i++) data[i] = random.uniform(-init.bound, init.bound);
    }
    tensors.set(name, { shape, data });
  }
  return { config, tensors, version };
}

class List {
  specs: ParamSpec[] = [];

  /** Variance 2 / fan_in (He et al., 2015), for the layers that a batch norm and ReLU follow. */
  conv(name: string, shape: number[]) {
    const std = Math.sqrt(2 / fanIn(shape));
    this.#add(`${name}.weight`, shape, { kind: 'normal', std });
  }

  /** Uniform within 1 / sqrt(fan_in), as PyTorch's layers begin; with a bias of one value. */
  biased(name: string, shape: number[], value = 0) {
    this.plain(name, shape);
    this.bias(`${name}.bias`, shape[0], value);
  }

  plain(name: string, shape: number[]) {
    const bound = 1 / Math.sqrt(fanIn(shape));
    this.#add(`${name}.weight`, shape, { kind: 'uniform', bound });
  }

  bias(name: string, n: number, value = 0) {
    this.#add(name, [n], { kind: 'constant', value });
  }

  linear(name: string, inputs: number, outputs: number) {
    this.biased(name, [outputs, inputs]);
  }

  separable(name: string, inputs: number, outputs: number) {
    this.conv(`${name}.conv1`, [inputs, 1, 3, 3]);
    this.conv(`${name}.pointwise`, [outputs, inputs, 1, 1]);
  }

  norm(name: string, n: number) {
    const one: Init = { kind: 'constant', value: 1 };
    const zero: Init = { kind: 'constant', value: 0 };
    this.#add(`${name}.weight`, [n], one, 'weight', true);
    this.#add(`${name}.bias`, [n], zero, 'weight', true);
    this.#add(`${name}.running_mean`, [n], zero, 'state', true);
    this.#add(`${name}.running_var`, [n], one, 'state', true);
  }

  #add(name: string, shape: number[], init: Init, kind: ParamSpec['kind'] = 'weight', bn = false) {
    this.specs.push({ name, shape, kind, bn, init });
  }
}

const fanIn = (shape: number[]): number => sizeOf(shape.slice(1));

function encoder(list: List, config: Config) {
  const w = (c: number) => channels(config.width, c);
  list.conv('encoder.conv1', [w(32), 3, 3, 3]);
  list.norm('encoder.bn1', w(32));
  list.conv('encoder.conv2', [w(64), w(32), 3, 3]);
  list.norm('encoder.bn2', w(64));
  let inputs = 64;
  BLOCKS.forEach((outputs, k) => {
    const name = `encoder.block${k + 1}`;
    const strided = [1, 2, 3, 12].includes(k + 1);
    if (strided) {
      list.conv(`${name}.skip`, [w(outputs), w(inputs), 1, 1]);
      list.norm(`${name}.skipbn`, w(outputs));
    }
    // Block 1 has no ReLU in front, so that its indices start at 0; only block 12 grows last.
    const first = k === 0 ? 0 : 1;
    const middle = k + 1 === 12 ? inputs : outputs;
    const widths = strided ? [inputs, middle, outputs] : [inputs, outputs, outputs, outputs];
    for (let i = 0; i + 1 < widths.length; i++) {
      const at = first + 3 * i;
      list.separable(`${name}.rep.${at}`, w(widths[i]), w(widths[i + 1]));
      list.norm(`${name}.rep.${at + 1}`, w(widths[i + 1]));
    }
    inputs = outputs;
  });
  list.separable('encoder.conv3', w(1024), w(1536));
  list.norm('encoder.bn3', w(1536));
  list.separable('encoder.conv4', w(1536), w(2048));
  list.norm('encoder.bn4', w(2048));
}

function pairHead(list: List, { head, hidden }: Exclude<Config['llsm'], false>, c: number) {
  if (head === 'linear') list.biased('llsm.pair', [1, c, 2, 1]);
  else if (head === 'mlp') {
    list.biased('llsm.pair', [hidden, c, 2, 1]);
    list.biased('llsm.out', [1, hidden, 1, 1]);
  } else if (head === 'absdiff') list.biased('llsm.diff', [1, c, 1, 1]);
  else {
    list.plain('llsm.theta', [hidden, c, 1, 1]);
    list.plain('llsm.phi', [hidden, c, 1, 1]);
    list.bias('llsm.bias', 1);
  }
}

function decoder(list: List, config: Config) {
  const w = (c: number) => channels(config.width, c);
  list.conv('flm.reduce', [w(256), tapChannels(config, 'e5'), 1, 1]);
  list.norm('flm.bn', w(256));
  let before = w(256);
  for (const { stage, width, skip } of STAGES) {
    const name = `flm.stage${stage}`;
    const d = w(width);
    list.separable(`${name}.sep1`, before + tapChannels(config, skip), d);
    list.norm(`${name}.bn1`, d);
    list.separable(`${name}.sep2`, d, d);
    list.norm(`${name}.bn2`, d);
    list.biased(`${name}.attn.conv`, [d, before, 4, 4]);
    list.biased(`${name}.attn.fc`, [d, d, 1, 1]);
    before = d;
  }
  list.biased('flm.mask', [1, before, 1, 1], MASK_BIAS);
}
