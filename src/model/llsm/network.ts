import { LlsmError } from '../../base/errors.ts';
import { flm, type Localisation } from './flm.ts';
import { head } from './head.ts';
import type { Layers } from './layers.ts';
import { type Taps, xception } from './xception.ts';

/** The network's outputs and feature maps; a part that the config leaves out is absent. */
export interface Network<V, P> {
  /** Logit [B, 1, 1, 1] of being forged: above 0, more likely forged than not. */
  logit: V;
  /** Result of the pair head on its tap. */
  pairs?: P;
  /** Mask logits [B, S, S, 1]. */
  mask?: V;
  taps: Taps<V>;
  maps?: Localisation<V>['maps'];
}

/** The whole forward pass of image [B, S, S, 3] (x / 127.5 - 1). */
export function network<V, P>(n: Layers<V, P>, image: V): Network<V, P> {
  const { config } = n;
  const input = config.residual ? n.residualChannels('residual', image) : image;
  const taps = xception(n, input);
  const pairs = config.llsm ? n.pairs(taps[config.llsm.tap], config.llsm) : undefined;
  const { mask, maps } = config.flm ? flm(n, image, taps) : {};
  const logit = head(n, taps.e5, maps?.d1);
  return { logit, pairs, mask, taps, maps };
}

/** Names of all maps that `tapOf` knows. */
export const tapNames = ({ taps, maps }: Network<unknown, unknown>): string[] =>
  Object.keys({ ...taps, ...maps });

/**
 * A feature map by name.
 * @throws LlsmError for a name that this network has not, listing those it has.
 */
export function tapOf<V>(net: Network<V, unknown>, name: string): V {
  const found = ({ ...net.taps, ...net.maps } as Record<string, V>)[name];
  if (!found) {
    throw new LlsmError(`No tap named ${name}; this network has ${tapNames(net).join(', ')}`);
  }
  return found;
}
