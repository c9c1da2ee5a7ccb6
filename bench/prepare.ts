import type { Gpu } from '../src/gpu/device.ts';
import type { Kernel } from '../src/gpu/pipeline.ts';
import { backward } from '../src/graph/backward.ts';
import { Graph, type Launch } from '../src/graph/record.ts';
import { Plan } from '../src/graph/replay.ts';
import { Tensor } from '../src/graph/tensor.ts';
import { Random } from '../src/random.ts';
import type { Case, Part, Recorded } from './cases.ts';

/** One part of a case, ready to run. */
export interface Prepared {
  plan: Plan;
  /** Its kernels, in the order of their first dispatch. Equal shaders are one object. */
  kernels: Kernel[];
  destroy(): void;
}

/**
 * Makes one part alone ready. Of a backward (dX, dW) the forward is left out: what it would have
 * left in memory is an input.
 * @param subgroupSize 0 picks the portable kernels.
 */
export async function prepare(
  gpu: Gpu,
  it: Case,
  part: Part,
  subgroupSize: number,
): Promise<Prepared> {
  const params = it.params?.(gpu);
  const g = new Graph(it.batch, true, { subgroupSize });
  const recorded = it.record(g, part, params);
  if (part === 'dX' || part === 'dW') keepBackward(g, recorded, part);
  const plan = await Plan.build(gpu, g, params);
  for (const input of plan.memory.inputs) plan.write(input, valuesFor(input));
  await plan.settle();
  return {
    plan,
    kernels: [...new Set(g.launches.map(({ kernel }) => kernel))],
    destroy() {
      plan.destroy();
      params?.destroy();
    },
  };
}

function keepBackward(g: Graph, made: Recorded, part: 'dX' | 'dW'): void {
  const out = made.out as Tensor;
  const forward = g.launches.splice(0);
  backward(g, new Map([[out, g.input('d out', out.shape.slice(1))]]), made[part] ?? []);
  const standIns = new Map<Tensor, Tensor>();
  for (const tensor of forward.flatMap(writtenBy)) {
    const { name, shape, batched } = tensor;
    if (tensor.home !== 'temp') continue;
    standIns.set(tensor, new Tensor(name, shape, { batched, home: 'input' }));
  }
  const launches = g.launches.splice(0).map((launch) => ({
    ...launch,
    bind: Object.fromEntries(
      Object.entries(launch.bind).map(([name, tensor]) => [name, standIns.get(tensor) ?? tensor]),
    ),
  }));
  g.launches.push(...launches);
}

const writtenBy = ({ kernel, bind }: Launch): Tensor[] =>
  kernel.bindings.filter(({ access }) => access === 'write').map(({ name }) => bind[name]);

/**
 * Random values, a block of them over and over: maps in [-1, 1); the rest, variances and counts
 * among them, in [0.5, 1.5).
 */
function valuesFor(tensor: Tensor): Float32Array {
  const out = new Float32Array(tensor.size);
  const random = new Random(1, tensor.name);
  const block = Math.min(out.length, 1 << 16);
  for (let i = 0; i < block; i++) {
    out[i] = tensor.batched ? random.uniform(-1, 1) : random.uniform(0.5, 1.5);
  }
  for (let done = block; done < out.length; done *= 2) out.copyWithin(done, 0, done);
  return out;
}
