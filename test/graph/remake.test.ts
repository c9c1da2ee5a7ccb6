import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import { backward } from '../../src/graph/backward.ts';
import { planMemory } from '../../src/graph/plan.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { ParamStore } from '../../src/graph/store.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();
const [batch, size, channels] = [2, 24, 16];

/** Four separable convolutions in a row, and the gradients of all weights. */
function recorded(
  cheap: boolean,
  { keep, room = 0, memory }: { keep?: string; room?: number; memory?: number } = {},
) {
  const params = new ParamStore(
    gpu,
    [0, 1, 2, 3].flatMap((i) => [
      { name: `d${i}`, shape: [channels * (i === 1 ? 2 : 1), 1, 3, 3], kind: 'weight' as const },
      {
        name: `p${i}`,
        shape: [channels, channels * (i === 1 ? 2 : 1), 1, 1],
        kind: 'weight' as const,
      },
    ]),
  );
  const traits = { ...gpu, memory };
  const g = new Graph({ batch, training: true, traits, roomForCheap: room });
  const x = g.input('x', [size, size, channels]);
  const outs: Tensor[] = [x];
  for (let i = 0; i < 4; i++) {
    // The second reads a concatenation, which two launches make.
    const reads = i === 1 ? [outs[1], outs[0]] : [outs[i]];
    const d = depthwise(g, `depthwise ${i}`, reads, params.get(`d${i}`));
    if (d.name === keep) d.keep = true;
    outs.push(conv(g, `product ${i}`, d, params.get(`p${i}`), { stride: 1 }).out);
  }
  const out = outs[4];
  const forward = g.launches.length;
  if (!cheap) g.launches.splice(0, forward, ...g.launches.map((it) => ({ ...it, cheap: false })));
  const seed = g.input('d out', [size, size, channels]);
  backward(g, new Map([[out, seed]]), params.weights());
  return { g, params, x, seed };
}

async function gradients(cheap: boolean) {
  const { g, params, x, seed } = recorded(cheap);
  const plan = await Plan.build(gpu, g, params);
  const random = new Random(3, 'remake');
  const draw = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  plan.write(x, draw(x.size));
  plan.write(seed, draw(seed.size));
  for (const weight of params.weights()) params.write(weight.name, draw(weight.size));
  plan.run();
  const values = [...(await params.readAll('grads'))].map(([name, data]) => [name, [...data]]);
  const { memory } = plan;
  plan.destroy();
  params.destroy();
  return { values, memory };
}

test('what is made again is the same to the bit, and takes less memory', async () => {
  const [kept, again] = [await gradients(false), await gradients(true)];
  assert.equal(again.values, kept.values);
  assert.ok(again.values.every(([, data]) => (data as number[]).some((value) => value !== 0)));
  assert.ok(again.memory.peak.bytes < 0.8 * kept.memory.peak.bytes);
  // Four outputs, one of them made by two launches.
  assert.is(again.memory.dispatches.length, kept.memory.dispatches.length + 5);
});

test('each is made right before it is read, once, and what is kept anyway is not', () => {
  const { g } = recorded(true, { keep: 'depthwise 2' });
  const again = g.launches.flatMap(({ kernel, bind }, at) =>
    kernel.name === 'depthwise' && bind.out.name.endsWith(' again')
      ? [{ at, name: bind.out.name }]
      : [],
  );
  assert.equal(
    again.map(({ name }) => name),
    ['depthwise 3 again', 'depthwise 1 again', 'depthwise 1 again', 'depthwise 0 again'],
  );
  for (const { at, name } of again) {
    const next = g.launches.slice(at + 1).find(({ kernel }) => kernel.name !== 'depthwise');
    assert.ok(
      Object.values(next?.bind ?? {}).some((tensor) => tensor.name === name),
      `${name} is read next`,
    );
  }
});

test('where there is room for all of it, nothing is made again', () => {
  const bytes = batch * size ** 2 * channels * 4 * 5;
  const again = ({ g }: ReturnType<typeof recorded>): number =>
    g.launches.filter(({ bind }) => bind.out?.name.endsWith(' again')).length;
  assert.is(again(recorded(true, { room: bytes })), 0);
  assert.is(again(recorded(true, { room: bytes - 1 })), 5);
});

test('nothing is made again where everything fits', () => {
  const again = (memory?: number): number =>
    recorded(true, { memory }).g.launches.filter(
      ({ kernel, bind }) => kernel.name === 'depthwise' && bind.out.name.endsWith(' again'),
    ).length;
  const { g } = recorded(false);
  const { bytes } = planMemory(g, gpu.device.limits);
  assert.equal([again(), again(bytes - 1), again(bytes)], [5, 5, 0]);
});
