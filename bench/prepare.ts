import { Random } from '../src/base/random.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Kernel } from '../src/gpu/pipeline.ts';
import { backward } from '../src/graph/backward.ts';
import { Graph, type Launch } from '../src/graph/record.ts';
import { Plan } from '../src/graph/replay.ts';
import { Tensor } from '../src/graph/tensor.ts';
import type { Case, Part, Recorded } from './cases/case.ts';

/** One part of a case, ready to run. */
export interface Prepared {
  plan: Plan;
  /** Its kernels, in the order of their first dispatch. Equal shaders are one object. */
  kernels: Kernel[];
  /** What it makes, kept to be read: the output, or gradients. */
  outputs: readonly Tensor[];
  destroy(): void;
}

/**
 * Makes one part alone ready. Of a backward (dX, dW) the forward is left out: what it would have
 * left in memory is an input.
 * @param subgroupSize 0 picks the portable kernels.
 * @param given values of inputs by name; the others are random.
 */
export async function prepare(
  gpu: Gpu,
  it: Case,
  part: Part,
  subgroupSize: number,
  given: ReadonlyMap<string, Float32Array> = new Map(),
): Promise<Prepared> {
  const params = it.params?.(gpu);
  const g = new Graph({
    batch: it.batch,
    training: true,
    traits: { subgroupSize, software: gpu.software, tuned: gpu.tuned },
  });
  const recorded = it.record(g, part, params);
  const outputs = outputsOf(g, recorded, part);
  for (const tensor of outputs) tensor.keep = true;
  const plan = await Plan.build(gpu, g, params);
  for (const input of plan.memory.inputs) {
    plan.write(input, given.get(input.name) ?? valuesFor(input));
  }
  await plan.settle();
  return {
    plan,
    kernels: [...new Set(g.launches.map(({ kernel }) => kernel))],
    outputs,
    destroy() {
      plan.destroy();
      params?.destroy();
    },
  };
}

/** Appends the backward, where the part has one; what the part makes in the end. */
function outputsOf(g: Graph, made: Recorded, part: Part): readonly Tensor[] {
  if (made.gradients) return made.gradients;
  if (!made.out) return [];
  if (part === 'forward') return [made.out];
  const forward = part === 'whole' ? [] : g.launches.splice(0);
  const wanted = part === 'whole' ? [...(made.dX ?? []), ...(made.dW ?? [])] : (made[part] ?? []);
  const seeds = new Map([[made.out, g.input('d out', made.out.shape.slice(1))]]);
  const gradients = backward(g, seeds, wanted);
  replaceWritten(g, forward);
  const own = wanted.map((tensor) => gradients.of(tensor) as Tensor);
  return part === 'whole' ? [made.out, ...own] : own;
}

/** Makes inputs of what the launches left out would have written. */
function replaceWritten(g: Graph, leftOut: readonly Launch[]): void {
  const standIns = new Map<Tensor, Tensor>();
  for (const tensor of leftOut.flatMap(writtenBy)) {
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
export function valuesFor(tensor: Tensor): Float32Array {
  const out = new Float32Array(tensor.size);
  const random = new Random(1, tensor.name);
  const block = Math.min(out.length, 1 << 16);
  for (let i = 0; i < block; i++) {
    out[i] = tensor.batched ? random.uniform(-1, 1) : random.uniform(0.5, 1.5);
  }
  for (let done = block; done < out.length; done *= 2) out.copyWithin(done, 0, done);
  return out;
}
