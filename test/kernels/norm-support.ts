/** Gradients through a batch norm whose sums another operation leaves, against those it makes by itself. */
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { type Read, Tensor } from '../../src/graph/tensor.ts';
import { batchNorm } from '../../src/kernels/batch_norm/batch_norm.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { valuesOf } from '../reference/values.ts';
import { compare, gpu } from './support.ts';

/** Makes an input of random values; `shape` is that of one item where it is batched. */
type Given = (name: string, shape: number[], options?: { batched: boolean }) => Tensor;

/** Records operations that read the batch norm's map [31, 31, 20]. */
type Build = (g: Graph, read: Read, given: Given) => { outs: Tensor[]; wrt: Tensor[] };

/**
 * Checks that the sums are left, on GPUs alone or on software drivers too, and that nothing changes
 * by it.
 */
export async function checkNorm(build: Build, { relu = true, onGpus = false } = {}): Promise<void> {
  for (const software of [true, false]) {
    const apart = await gradients(build, { software, relu, left: false });
    const together = await gradients(build, { software, relu, left: true });
    assert.equal([apart.sums, together.sums], [1, software && onGpus ? 1 : 0]);
    apart.values.forEach((values, i) => {
      const exact = valuesOf([values.length], [...values]);
      const name = `gradient ${i} (${software ? 'rows' : 'trees'})`;
      compare(name, together.values[i], exact, 1e-5);
    });
  }
}

async function gradients(
  build: Build,
  { software, relu, left }: { software: boolean; relu: boolean; left: boolean },
) {
  const subgroupSize = software ? gpu.subgroupSize : 0;
  const g = new Graph({ batch: 3, training: true, traits: { subgroupSize, software } });
  const random = new Random(5, 'through a norm');
  const feeds = new Map<Tensor, Float32Array>();
  const given: Given = (name, shape, { batched } = { batched: true }) => {
    const tensor = batched ? g.input(name, shape) : new Tensor(name, shape, { home: 'input' });
    feeds.set(
      tensor,
      Float32Array.from({ length: tensor.size }, () => random.normal()),
    );
    return tensor;
  };
  const parameter = (name: string): Tensor => given(name, [20], { batched: false });
  const x = given('x', [31, 31, 8]);
  const weight = given('weight', [20, 8, 1, 1], { batched: false });
  const { out, stats } = conv(g, 'conv', x, weight, { stats: true });
  const norm = {
    weight: parameter('gamma'),
    bias: parameter('beta'),
    runningMean: parameter('mean'),
    runningVar: parameter('variance'),
  };
  const read = batchNorm(g, out, stats, norm, { eps: 1e-5, relu });
  const made = build(g, left ? read : { ...read, saved: undefined }, given);
  const seeds = new Map(
    made.outs.map((it) => [it, given(`d ${it.name}`, it.shape.slice(1) as number[])]),
  );
  const wrt = [x, weight, norm.weight, norm.bias, ...made.wrt];
  const walked = backward(g, seeds, wrt);
  const wanted = wrt.map((tensor) => walked.of(tensor) as Tensor);
  for (const tensor of wanted) tensor.keep = true;
  const plan = await Plan.build(gpu, g);
  const bound = new Set(plan.memory.inputs);
  for (const [tensor, data] of feeds) if (bound.has(tensor)) plan.write(tensor, data);
  plan.run();
  const values: Float32Array[] = [];
  for (const tensor of wanted) values.push(await plan.read(tensor));
  plan.destroy();
  const sums = g.launches.filter(({ kernel }) => kernel.name === 'bn_backward_sums').length;
  return { values, sums };
}
