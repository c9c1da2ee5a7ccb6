import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { inStrips } from '../grid.ts';
import { passOn } from '../residual_add/residual_add.ts';
import { shader } from '../shader.ts';
import forwardSource from './upsample_add.wgsl';
import backwardSource from './upsample_add_backward.wgsl';

const upsampleAddShader = shader('upsample_add', forwardSource);
const upsampleAddBackwardShader = shader('upsample_add_backward', backwardSource);

/**
 * A step down a feature pyramid: `base` [B, 2H, 2W, C] plus `small` [B, H, W, C], each of whose
 * pixels stands for four.
 * @throws LlsmError where `base` is not twice as large
 */
export function upsampleAdd(g: Graph, name: string, small: Tensor, base: Tensor): Tensor {
  const [, height, width, channels] = base.shape;
  const [, smallH, smallW] = small.shape;
  if (height !== smallH * 2 || width !== smallW * 2 || channels !== small.shape[3]) {
    throw new LlsmError(
      `${name}: upsampleAdd takes a map twice as large, not [${base.shape}] and [${small.shape}]`,
    );
  }
  const c4 = channels / 4;
  const out = g.activation(name, [height, width, channels]);
  const work = inStrips(height, width, c4, 8);
  g.launch({
    kernel: upsampleAddShader(),
    bind: { small, base, out },
    params: ({ count }) => work.params(count),
    grid: ({ count }) => work.grid(count),
  });
  g.op([small, base], out, (dOut, gradients) => {
    if (gradients.wants(small)) {
      const { gradient, accumulate } = gradients.into(small);
      const back = inStrips(smallH, smallW, c4, 8);
      g.launch({
        kernel: upsampleAddBackwardShader(),
        bind: { dOut, dSmall: gradient },
        params: ({ count }) => ({ ...back.params(count), accumulate: Number(accumulate) }),
        grid: ({ count }) => back.grid(count),
      });
    }
    passOn(g, gradients, base, dOut);
  });
  return out;
}
