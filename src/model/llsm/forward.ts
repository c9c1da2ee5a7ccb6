import { LlsmError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Graph } from '../../graph/record.ts';
import { Plan, type PlanOptions } from '../../graph/replay.ts';
import type { ParamStore } from '../../graph/store.ts';
import { type Read, read, type Tensor } from '../../graph/tensor.ts';
import { type Features, llsmMap } from '../../kernels/llsm/llsm.ts';
import { stored } from '../../kernels/resize/resize.ts';
import { type Network, network, tapOf } from './network.ts';
import { Tape } from './tape.ts';

/** What images are given as: the bytes of pictures (a quarter of the memory), or values x / 127.5 - 1. */
export type Pixels = 'u8' | 'f32';

/** A forward pass on a graph: its input, and the network's outputs and feature maps. */
export interface Forward extends Network<Read, Features> {
  g: Graph;
  config: Config;
  params: ParamStore;
  /** Input images [B, S, S, 3]: bytes, or values x / 127.5 - 1. */
  image: Tensor;
}

/**
 * Records the forward pass. Whatever else is wanted of it is recorded on the same graph behind it: the
 * map of pairs (`pairMap`), feature maps (`keepTap`), `losses`, gradients (`backward`), an update
 * (`adam`). `planOf` then makes all of it run.
 * @param pixels what images come as: bytes, or any values
 */
export function forward(
  g: Graph,
  config: Config,
  params: ParamStore,
  pixels: Pixels = 'f32',
): Forward {
  const image = g.input('image', [config.size, config.size, 3], pixels);
  const tape = new Tape(g, config, (name) => params.get(name));
  return { g, config, params, image, ...network(tape, read(image)) };
}

/**
 * Records the map of pair logits [B, HW, HW], to be read after a run; nothing without a pair head.
 * @throws LlsmError above HW = 4,096
 */
export function pairMap({ g, pairs }: Forward): Tensor | undefined {
  const map = pairs && llsmMap(g, pairs);
  if (map) map.keep = true;
  return map;
}

/**
 * Keeps a feature map [B, H, W, C], to be read after a run.
 * @throws LlsmError for a name that this network has not, listing those it has
 */
export function keepTap(pass: Forward, name: string): Tensor {
  const tap = stored(pass.g, `tap ${name}`, tapOf(pass, name));
  tap.keep = true;
  return tap;
}

/**
 * Makes what was recorded ready to run.
 * @throws LlsmError when it does not fit the adapter, or where maps of 16 bits are wanted and the
 *   adapter has none, or nothing watches their range
 */
export function planOf(gpu: Gpu, { g, params }: Forward, options?: PlanOptions): Promise<Plan> {
  if (g.storage === 'f16') {
    if (!gpu.device.features.has('shader-f16')) {
      throw new LlsmError(
        `${gpu.name} has no 16-bit floats (shader-f16): use 32 bits (precision f32)`,
      );
    }
    if (!g.inference && !g.rangeHandled) {
      throw new LlsmError(
        'Feature maps are stored in 16 bits in inference and in training steps only: use precision f32',
      );
    }
  }
  return Plan.build(gpu, g, params, undefined, options);
}
