import { LlsmError } from '../../base/errors.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { type Features, llsmFeatures } from '../../kernels/llsm/llsm.ts';
import { stored } from '../../kernels/resize/resize.ts';
import { flm, type Localisation } from './flm.ts';
import { head } from './head.ts';
import type { Builder } from './layers.ts';
import { type Taps, xception } from './xception.ts';

/** The network's outputs as tensors of a graph; a part that the config leaves out is absent. */
export interface Network {
  /** [B, 1, 1, 1]: above 0, more likely forged than not. */
  logit: Tensor;
  /** What `llsmMap` and `llsmLoss` compare in pairs. */
  features?: Features;
  /** Mask logits [B, S, S, 1]. */
  mask?: Tensor;
  taps: Taps;
  maps?: Localisation['maps'];
}

/** Appends the whole forward pass of image [B, S, S, 3] (x / 127.5 - 1) to the graph. */
export function network(build: Builder, image: Tensor): Network {
  const { g, config, param } = build;
  const taps = xception(build, image);
  const features = config.llsm
    ? llsmFeatures(g, taps[config.llsm.tap], config.llsm, param)
    : undefined;
  const localisation = config.flm ? flm(build, taps) : undefined;
  const logit = head(build, taps, localisation);
  return { logit, features, mask: localisation?.mask, taps, maps: localisation?.maps };
}

/** Every name that `tapOf` knows. */
export const tapNames = (net: Network): string[] => [
  ...Object.keys(net.taps),
  ...Object.keys(net.maps ?? {}),
];

/**
 * A feature map by name as a tensor that can be read after a run.
 * @throws LlsmError for a name that this network has not, listing those it has.
 */
export function tapOf({ g }: Builder, net: Network, name: string): Tensor {
  const known: Record<string, Read | Tensor> = { ...net.taps, ...net.maps };
  const found = known[name];
  if (!found) {
    throw new LlsmError(`No tap named ${name}; this network has ${tapNames(net).join(', ')}`);
  }
  const tensor = stored(g, `tap ${name}`, asRead(found));
  tensor.keep = true;
  return tensor;
}
