import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { bce, type Loss } from '../../kernels/bce/bce.ts';
import { type Features, llsmLoss } from '../../kernels/llsm/llsm.ts';
import { llsmSampledLoss, type PairInputs, pairInputs } from '../../kernels/llsm/sampled.ts';
import { scaled, unscaled } from '../../kernels/loss_scale/loss_scale.ts';
import { axis, unpack } from '../../kernels/matrix.ts';
import type { Network } from './network.ts';
import type { Tape } from './tape.ts';

/** What the losses take besides the image; absent where the network has no use for it. */
export interface LossInputs {
  label?: Tensor;
  itemWeight?: Tensor;
  mask?: Tensor;
  maskWeight?: Tensor;
  pairs?: PairInputs;
}

/** A loss and where it stands among the parts: cls 0, ls 1, loc 2. */
interface Part {
  at: number;
  loss: Loss;
}

/**
 * The losses of paper equation 8, each seed already weighted: L = cls + alpha * ls + beta * loc. What they
 * take is added to `inputs`; `scale` is a loss scale's, where there is one.
 */
export function appendLosses(
  { g, config }: Tape,
  net: Network<Read, Features>,
  inputs: LossInputs,
  grad: boolean,
  pairs: 'all' | number,
  scale: Tensor | undefined,
): Part[] {
  inputs.label = g.input('label', []);
  inputs.itemWeight = g.input('item weight', []);
  const weighted = (weight: Tensor): Tensor => (scale ? scaled(g, weight, scale) : weight);
  const itemWeight = weighted(inputs.itemWeight);
  const parts: Part[] = [
    { at: 0, loss: bce(g, net.logit.tensor, inputs.label, itemWeight, { scale: 1, grad }) },
  ];
  if (!net.pairs && !net.mask) return parts;
  inputs.mask = g.input('mask truth', [config.size, config.size, 1]);
  inputs.maskWeight = g.input('mask weight', []);
  const maskWeight = weighted(inputs.maskWeight);
  if (net.pairs) {
    const features = net.pairs;
    const target = adaptivePool(g, 'pair target', inputs.mask, features.height);
    const options = { scale: config.loss.alpha, grad };
    if (pairs === 'all') {
      const loss = llsmLoss(g, features, target, maskWeight, options);
      parts.push({ at: 1, loss });
    } else {
      inputs.pairs = pairInputs(g, features, pairs);
      const loss = llsmSampledLoss(g, features, target, maskWeight, inputs.pairs, options);
      parts.push({ at: 1, loss });
    }
  }
  if (net.mask) {
    const options = { scale: config.loss.beta, grad };
    parts.push({ at: 2, loss: bce(g, net.mask.tensor, inputs.mask, maskWeight, options) });
  }
  return parts;
}

/** The parts [4] as a tensor to read, in the order of `Part.at`; last the loss scale, where there is one. */
export function lossParts(g: Graph, parts: readonly Part[], scale: Tensor | undefined): Tensor {
  const all = g.scratch('loss parts', [4]);
  for (const { at, loss } of parts) {
    unpack(g, loss.partial, all, { rows: axis(1, 0), columns: axis(1, 1), base: at });
  }
  const out = scale ? unscaled(g, all, scale) : all;
  out.keep = true;
  return out;
}
