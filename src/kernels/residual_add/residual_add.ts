import { LlsmError } from '../../base/errors.ts';
import type { Gradients } from '../../graph/gradients.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { channelsOf, groups64, inColumns, itemsOf, pixelsOf } from '../grid.ts';
import { shader } from '../shader.ts';
import addIntoSource from './add_into.wgsl';
import source from './residual_add.wgsl';

const residualAddShader = shader('residual_add', source);
const addIntoShader = shader('add_into', addIntoSource);

/** The end of Xception's identity blocks: the main branch through its batch norm, plus the skip. */
export function residualAdd(g: Graph, name: string, main: Read, skip: Tensor): Tensor {
  if (main.relu) throw new LlsmError(`${name}: residualAdd reads without ReLU`);
  const { affine } = main;
  const out = g.activation(name, main.tensor.shape.slice(1));
  const work = inColumns(pixelsOf(out), channelsOf(out) / 4, 16);
  g.launch({
    kernel: residualAddShader({ AFFINE: affine !== undefined }),
    bind: { main_x: main.tensor, skip, out, affine },
    params: ({ count }) => work.params(count),
    grid: ({ count }) => work.grid(count),
  });
  g.op([main.value, skip], out, (dOut, gradients) => {
    if (!affine) {
      // Main and skip must not have one gradient, to which both would go on adding: main has a copy.
      if (gradients.wants(main.value)) {
        const { gradient, accumulate } = gradients.into(main.value);
        addInto(g, dOut, gradient, accumulate);
      }
      passOn(g, gradients, skip, dOut);
      return;
    }
    // The batch norm reads dOut before anything is added to the skip's gradient: its operation
    // was recorded just before this one, so its backward comes next.
    passOn(g, gradients, main.value, dOut);
    passOn(g, gradients, skip, dOut);
  });
  return out;
}

/**
 * Adds `dOut` to the gradient of `tensor`: mostly without a copy where it is the first contribution.
 */
export function passOn(g: Graph, gradients: Gradients, tensor: Tensor, dOut: Tensor): void {
  if (!gradients.wants(tensor) || gradients.alias(tensor, dOut)) return;
  const { gradient, accumulate } = gradients.into(tensor);
  addInto(g, dOut, gradient, accumulate);
}

/** Records to += addend, or to = addend without `accumulate`; both have one shape. */
export function addInto(g: Graph, addend: Tensor, to: Tensor, accumulate = true): void {
  const items = itemsOf(to);
  const perLoad = items(1) % 4 === 0 ? 4 : 1;
  g.launch({
    kernel: addIntoShader({ TYPE: perLoad === 4 ? 'vec4f' : 'f32' }),
    bind: { addend, sum: to },
    params: ({ count }) => ({ count: items(count) / perLoad, accumulate: Number(accumulate) }),
    grid: ({ count }) => [groups64(items(count) / perLoad)],
  });
}
