import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/record.ts';
import type { Plan } from '../../src/graph/replay.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import { forward, pairMap, planOf } from '../../src/model/llsm/forward.ts';
import { TrainingStep } from '../../src/model/llsm/step.ts';
import type { HostTensor } from '../../src/model/safetensors.ts';
import type { Contestant } from '../alternate.ts';
import { convCase, depthwiseCase } from '../cases/convolutions.ts';
import { pairCase } from '../cases/pairs.ts';
import { prepare } from '../prepare.ts';
import { oneByOne, sample } from '../time.ts';
import type { Given } from './given.ts';
import type { NetworkTask, Task } from './task.ts';

export const ourName = 'llsm';

/** Ourselves, in this process, with what the first run computed. */
export interface Ours extends Contestant {
  outputs: Map<string, HostTensor>;
  /** The arithmetic of a run, where that is nearly all of its work. */
  flops?: number;
}

/** Ready, and run once. @throws LlsmError where the row does not fit the adapter */
export function enterOurs(gpu: Gpu, task: Task, given: Given): Promise<Ours> {
  return task.kind === 'network'
    ? enterNetwork(gpu, task, given.input, given.checkpoint as Checkpoint)
    : enterOperation(gpu, task, given.input);
}

async function enterOperation(
  gpu: Gpu,
  task: Exclude<Task, NetworkTask>,
  input: Given['input'],
): Promise<Ours> {
  const { batch, size } = task;
  const it =
    task.kind === 'pairs'
      ? pairCase(batch, 'mlp', size, task.depth)
      : task.kind === 'pointwise'
        ? convCase('', batch, { size, cin: task.channels, n: task.channels, stats: false })
        : depthwiseCase(batch, size, task.channels, 'nothing');
  const values = new Map([...input].map(([name, { data }]) => [name, data]));
  const part = task.kind === 'pairs' ? 'whole' : task.part;
  const made = await prepare(gpu, it, part, gpu.subgroupSize, values);
  made.plan.run();
  const outputs = new Map<string, HostTensor>();
  for (const tensor of made.outputs) {
    outputs.set(tensor.name, { shape: [...tensor.shape], data: await made.plan.read(tensor) });
  }
  const flops = it.work[part]?.flops;
  return { ...contestant(gpu, outputs, () => made.plan.run(), made.destroy), flops };
}

async function enterNetwork(
  gpu: Gpu,
  { part, batch }: NetworkTask,
  input: Given['input'],
  checkpoint: Checkpoint,
): Promise<Ours> {
  const { config } = checkpoint;
  const params = uploadCheckpoint(gpu, checkpoint);
  const data = (name: string) => (input.get(name) as HostTensor).data;
  const outputs = new Map<string, HostTensor>();
  const put = (name: string, values: Float32Array) =>
    outputs.set(name, { shape: [values.length], data: values });
  const entered = (graph: Graph, plan: Plan, run: () => void): Ours => {
    const flops = graph.launches.reduce((sum, launch) => sum + (launch.flops ?? 0), 0);
    const destroy = () => {
      plan.destroy();
      params.destroy();
    };
    return { ...contestant(gpu, outputs, run, destroy), flops };
  };
  if (part === 'step') {
    const step = await TrainingStep.build(gpu, config, params, { batch });
    step.write({ image: data('image'), label: data('label'), mask: data('mask') });
    let t = 0;
    const run = () => step.run({ lr: config.train.lr, t: ++t });
    run();
    const { total, cls, ls, loc } = await step.losses();
    put('loss', Float32Array.of(total, cls, ls, loc));
    for (const [name, values] of await params.readAll('grads')) put(`grad.${name}`, values);
    return entered(step.pass.g, step.plan, run);
  }
  const pass = forward(
    new Graph({ batch, training: false, traits: gpu, inference: true }),
    config,
    params,
  );
  const similarity = pairMap(pass);
  const plan = await planOf(gpu, pass);
  plan.write(pass.image, data('image'));
  plan.run();
  put('logit', await plan.read(pass.logit.tensor));
  if (pass.mask) put('mask', await plan.read(pass.mask.tensor));
  if (similarity) put('similarity', await plan.read(similarity));
  return entered(pass.g, plan, () => plan.run());
}

const contestant = (
  gpu: Gpu,
  outputs: Ours['outputs'],
  run: () => void,
  destroy: () => void,
): Ours => ({
  name: ourName,
  outputs,
  sample: (repeats) => sample(gpu, oneByOne(run), repeats),
  close: async () => destroy(),
});
