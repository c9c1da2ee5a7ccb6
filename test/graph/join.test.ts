import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import type { Kernel } from '../../src/gpu/pipeline.ts';
import { backward } from '../../src/graph/backward.ts';
import { joinLaunches } from '../../src/graph/join.ts';
import { Graph, type Launch } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { ParamStore } from '../../src/graph/store.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { test } from '../support/run.ts';

/** A launch from `reads` to `writes`; with `kind` it may be joined, by what `to` names. */
function launch(
  name: string,
  reads: readonly Tensor[],
  writes: readonly Tensor[],
  { kind, early, most = 3 }: { kind?: string; early?: boolean; most?: number } = {},
): Launch {
  const all = [...reads, ...writes];
  const kernel: Kernel = {
    name,
    source: '',
    bindings: all.map((_, i) => ({
      name: `b${i}`,
      binding: i + 1,
      access: i < reads.length ? 'read' : 'write',
    })),
    fields: [],
    uniformSize: 0,
  };
  const bind = Object.fromEntries(all.map((tensor, i) => [`b${i}`, tensor]));
  const it = { kernel, bind, params: () => ({}), grid: () => [1] as const };
  if (!kind) return it;
  const of = (parts: readonly Launch[], common: Tensor): Launch =>
    launch(
      `${parts.map((part) => part.kernel.name).join('+')} in ${common.name}@${common.options.offset ?? 0}:${common.size}`,
      [],
      [],
    );
  const common = early ? 'b0' : `b${all.length - 1}`;
  return { ...it, joint: { kind, most, early, common, of } };
}

const names = (launches: readonly Launch[], bindable = 2 ** 27): string[] =>
  joinLaunches(launches, bindable).map(({ kernel }) => kernel.name);

const temp = (name: string): Tensor => new Tensor(name, [8]);
const grad = (offset: number): Tensor => new Tensor('g', [64], { home: 'grads', offset });

test('late ones wait for the last of their group, unless something needs one', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(temp);
  const sums = [a, b, c].map((from, i) =>
    launch(`sum ${from.name}`, [from], [grad(64 * i)], { kind: 'sum' }),
  );
  const makes = [a, b, c].map((to) => launch(`make ${to.name}`, [], [to]));
  const each = makes.flatMap((make, i) => [make, sums[i]]);
  assert.equal(names(each), ['make a', 'make b', 'make c', 'sum a+sum b+sum c in grads@0:192']);
  // A reader of the first one's gradient, of all of them, and a second writer of what one reads.
  const read = launch('read', [grad(0)], [temp('r')]);
  assert.equal(names([...each.slice(0, 4), read, ...each.slice(4)]), [
    ...['make a', 'make b', 'sum a+sum b in grads@0:128', 'read', 'make c', 'sum c'],
  ]);
  const all = launch('all', [new Tensor('all', [192], { home: 'grads', offset: 0 })], []);
  assert.equal(names([...each, all]).slice(-2), ['sum a+sum b+sum c in grads@0:192', 'all']);
  const again = launch('again', [], [a]);
  assert.equal(names([...each.slice(0, 4), again]).slice(-2), [
    ...['sum a+sum b in grads@0:128', 'again'],
  ]);
  // A reader of another gradient does not matter.
  const other = launch('other', [grad(640)], [temp('o')]);
  assert.is(names([...each.slice(0, 4), other, ...each.slice(4)]).length, 5);
});

test('groups are as large as their kind allows, and as a binding', () => {
  const sum = (i: number, kind: string, to = grad(64 * i)): Launch =>
    launch(`${i}`, [temp(`t${i}`)], [to], { kind });
  const sums = (kind: string) => [0, 1, 2, 3].map((i) => sum(i, kind));
  assert.equal(names(sums('sum')), ['0+1+2 in grads@0:192', '3']);
  assert.equal(names([sum(0, 'sum'), sum(1, 'other')]), ['0', '1']);
  assert.equal(names(sums('sum'), 128 * 4), ['0+1 in grads@0:128', '2+3 in grads@128:128']);
  // What is no range of a flat buffer must be one tensor: then they write it in turn.
  assert.equal(names([sum(0, 'sum', temp('x')), sum(1, 'sum', temp('x'))]), ['0', '1']);
});

test('early ones go to the first of their group, but not before what they read is written', () => {
  const weight = (i: number) => new Tensor('w', [64], { home: 'weights', offset: 64 * i });
  const pack = (i: number): Launch =>
    launch(`pack ${i}`, [weight(i)], [temp(`p${i}`)], { kind: 'pack', early: true });
  const use = (i: number): Launch => launch(`use ${i}`, [], []);
  assert.equal(names([pack(0), use(0), pack(1), use(1)]), [
    ...['pack 1+pack 0 in weights@0:128', 'use 0', 'use 1'],
  ]);
  const update = launch('update', [], [weight(1)]);
  assert.equal(names([pack(0), update, pack(1), use(1)]), ['pack 0', 'update', 'pack 1', 'use 1']);
});

test('gradients of joined launches are those of single ones, to the bit', async () => {
  const gpu = await openNodeGpu();
  const [batch, size] = [2, 12];
  const widths = [16, 20, 36, 8, 12, 24];
  const recorded = (joined: boolean) => {
    const params = new ParamStore(
      gpu,
      widths.slice(1).flatMap((n, i) => [
        { name: `d${i}`, shape: [widths[i], 1, 3, 3], kind: 'weight' as const },
        { name: `p${i}`, shape: [n, widths[i], 1, 1], kind: 'weight' as const },
        { name: `b${i}`, shape: [n], kind: 'weight' as const },
      ]),
    );
    const g = new Graph({ batch, training: true, traits: { subgroupSize: 0 } });
    const x = g.input('x', [size, size, widths[0]]);
    let out: Tensor = x;
    for (let i = 0; i + 1 < widths.length; i++) {
      const d = depthwise(g, `depthwise ${i}`, [out], params.get(`d${i}`));
      out = conv(g, `product ${i}`, d, params.get(`p${i}`), { bias: params.get(`b${i}`) }).out;
    }
    const seed = g.input('d out', out.shape.slice(1));
    backward(g, new Map([[out, seed]]), params.weights());
    if (!joined) {
      const single = g.launches.map((it) => ({ ...it, joint: undefined }));
      g.launches.splice(0, single.length, ...single);
    }
    return { g, params, inputs: [x, seed] };
  };
  const gradients = async (joined: boolean) => {
    const { g, params, inputs } = recorded(joined);
    const plan = await Plan.build(gpu, g, params);
    const random = new Random(3, 'join');
    const draw = (n: number) => Float32Array.from({ length: n }, () => random.normal());
    for (const input of inputs) plan.write(input, draw(input.size));
    for (const weight of params.weights()) params.write(weight.name, draw(weight.size));
    plan.run();
    const values = [...(await params.readAll('grads'))].map(([name, data]) => [name, [...data]]);
    const dispatches = plan.memory.dispatches.length;
    plan.destroy();
    params.destroy();
    return { values, dispatches };
  };
  const [single, joined] = [await gradients(false), await gradients(true)];
  assert.ok(single.values.every(([, data]) => (data as number[]).some((value) => value !== 0)));
  assert.equal(joined.values, single.values);
  // Fifteen reductions and as many packs less the biases', in groups of seven.
  assert.ok(joined.dispatches <= single.dispatches - 12, `${joined.dispatches}`);
});
