import { LlsmError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { backward } from '../../graph/backward.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { cam } from '../../kernels/cam/cam.ts';
import { fill } from '../../kernels/fill/fill.ts';
import type { Forward } from './forward.ts';
import { tapNames, tapOf } from './network.ts';

/**
 * Whether a tap's map needs no gradient: the classifier is linear in what it pools, so the logit's
 * gradient by such a map is the classifier's weights over the number of positions, everywhere.
 */
export const isClosedForm = ({ flm, head }: Config, tap: string): boolean =>
  tap === (flm && head.source !== 'encoder' ? 'd1' : 'e5');

/**
 * Records Grad-CAM (Selvaraju et al., 2017) of the logit at a feature map: [B, H, W, 1], the
 * ReLU of the sum over the channels of alpha_k * A_k, alpha_k the mean over the positions of the
 * logit's gradient by A_k. Batch norm must hold by its running statistics: then each image's map
 * comes from its own logit alone. Values are in the logit's unit over the number of positions.
 *
 * `closed` takes the closed form, which `isClosedForm` allows; else the graph must be one that is
 * differentiated (`inference: false`).
 * @throws LlsmError for a name that this network has not, a map that the logit does not depend on, and in training
 */
export function recordCam(
  pass: Forward,
  tap: string,
  { closed = false }: { closed?: boolean } = {},
): Tensor {
  const { g, config, params } = pass;
  const map = tapOf(pass, tap);
  if (g.training) {
    throw new LlsmError(
      'Grad-CAM is of one image by itself: batch norm must hold by its running statistics (eval mode)',
    );
  }
  const [, height, width, channels] = map.tensor.shape;
  let out: Tensor;
  if (closed) {
    const weights = params.get('head.fc.weight');
    // Where two maps are pooled, e5's weights come first.
    const at = weights.size - channels;
    out = cam(g, `cam.${tap}`, map, weights, { scale: 1 / (height * width), at });
  } else {
    if (config.flm && config.head.source === 'encoder' && /^d\d$/.test(tap)) {
      const those = tapNames(pass).filter((name) => !/^d\d$/.test(name));
      throw new LlsmError(
        `This network's logit does not depend on ${tap} (head.source is encoder); it does on ${those.join(', ')}`,
      );
    }
    const seed = g.activation('d logit', [1, 1, 1], 'f32');
    fill(g, seed, 1);
    const gradients = backward(g, new Map([[pass.logit.tensor, seed]]), [map.value]);
    const means = adaptivePool(g, `mean d ${tap}`, gradients.of(map.value) as Tensor, 1);
    out = cam(g, `cam.${tap}`, map, means);
  }
  out.keep = true;
  return out;
}
