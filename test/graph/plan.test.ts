import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import type { Kernel } from '../../src/gpu/pipeline.ts';
import { type MemoryPlan, type PlanLimits, planMemory } from '../../src/graph/plan.ts';
import { Graph } from '../../src/graph/record.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { test } from '../support/run.ts';

const unlimited: PlanLimits = {
  maxStorageBufferBindingSize: 2 ** 40,
  maxBufferSize: 2 ** 40,
  minStorageBufferOffsetAlignment: 256,
};

/** Records a launch that reads some tensors and writes others; nothing is run here. */
function launch(
  g: Graph,
  name: string,
  reads: readonly Tensor[],
  writes: readonly Tensor[],
  partial?: { tensor: Tensor; rows(count: number): number },
): void {
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
  g.launch({ kernel, bind, params: () => ({}), grid: () => [1], partial });
}

const newGraph = (batch = 1): Graph =>
  new Graph({ batch, training: true, traits: { subgroupSize: 0 } });

function kept(tensor: Tensor): Tensor {
  tensor.keep = true;
  return tensor;
}

/**
 * Runs the plan with each slot's owner as its only content: what a launch reads must be what was
 * last written to that tensor, and kept tensors must be there at the end.
 */
function simulate(g: Graph, plan: MemoryPlan): void {
  const owner = new Map<number, Tensor>();
  const written = new Set<Tensor>();
  for (const { kernel, bind } of g.launches) {
    const here = new Map<number, Tensor>();
    for (const { name, access } of kernel.bindings) {
      const tensor = bind[name];
      if (tensor.home !== 'temp') continue;
      const slot = plan.slotOf.get(tensor);
      if (slot === undefined) throw new Error(`${tensor.name} has no slot`);
      assert.ok(plan.slots[slot].bytes >= tensor.bytes, `${tensor.name} fits its slot`);
      const beside = here.get(slot);
      assert.ok(!beside || beside === tensor, `${kernel.name} binds a slot for two tensors`);
      here.set(slot, tensor);
      if (access === 'write' && !written.has(tensor)) {
        written.add(tensor);
        owner.set(slot, tensor);
      }
      assert.is(owner.get(slot), tensor, `${kernel.name}: ${tensor.name} was overwritten`);
    }
  }
  for (const tensor of written) {
    if (!tensor.keep) continue;
    assert.is(owner.get(plan.slotOf.get(tensor) as number), tensor, `${tensor.name} is kept`);
  }
}

/** The most bytes that any launch needs at once, counted launch by launch. */
function floorOf(g: Graph): number {
  const uses = new Map<Tensor, number[]>();
  g.launches.forEach(({ bind }, at) => {
    for (const tensor of Object.values(bind)) {
      if (tensor.home === 'temp') uses.set(tensor, [...(uses.get(tensor) ?? []), at]);
    }
  });
  let most = 0;
  g.launches.forEach((_, at) => {
    let alive = 0;
    for (const [tensor, ats] of uses) {
      if (ats[0] <= at && (tensor.keep || ats[ats.length - 1] >= at)) alive += tensor.bytes;
    }
    most = Math.max(most, alive);
  });
  return most;
}

test('over random graphs nothing that is still needed is overwritten', () => {
  for (let round = 0; round < 150; round++) {
    const random = new Random(11, 'random graphs', round);
    const batch = 1 + random.int(4);
    const g = newGraph(batch);
    const made: Tensor[] = [];
    const input = g.input('input', [1 + random.int(50)]);
    const count = 1 + random.int(40);
    for (let i = 0; i < count; i++) {
      // Mostly recent tensors are read, now and then an old one.
      const reads = new Set<Tensor>(random.chance(0.2) ? [input] : []);
      for (let r = 0; r < random.int(4) && made.length; r++) {
        const back = random.chance(0.7) ? Math.min(made.length, 4) : made.length;
        reads.add(made[made.length - 1 - random.int(back)]);
      }
      const writes: Tensor[] = [];
      for (let w = 0; w <= random.int(2); w++) {
        const old = made.length ? random.pick(made) : undefined;
        if (old && random.chance(0.15) && !reads.has(old) && !writes.includes(old)) {
          writes.push(old);
          continue;
        }
        const shape = [1 + random.int(200)];
        const fresh = random.chance(0.5)
          ? g.activation(`t${i}.${w}`, shape)
          : g.scratch(`t${i}.${w}`, shape);
        fresh.keep = random.chance(0.1);
        writes.push(fresh);
      }
      launch(g, `launch ${i}`, [...reads], writes);
      for (const tensor of writes) if (!made.includes(tensor)) made.push(tensor);
    }
    const plan = planMemory(g, unlimited);
    simulate(g, plan);
    const inputBytes = plan.inputs.reduce((n, t) => n + Math.ceil(t.bytes / 256) * 256, 0);
    assert.is(plan.peak.bytes, floorOf(g) + inputBytes);
    assert.ok(plan.bytes >= plan.peak.bytes);
    const alive = plan.peak.tensors.filter(({ home }) => home === 'temp');
    assert.is(
      alive.reduce((n, t) => n + t.bytes, 0),
      floorOf(g),
      'what is alive at the peak',
    );
    const apart = made.reduce((n, t) => n + Math.ceil(t.bytes / 256) * 256, 0) + inputBytes;
    assert.ok(plan.bytes <= apart, 'no more than without sharing');
    assert.is(plan.slots.flatMap((slot) => slot.tensors).length, plan.slotOf.size);
  }
});

test('a chain needs two slots, however long it is', () => {
  const g = newGraph();
  let x = g.input('x', [64]);
  for (let i = 0; i < 20; i++) {
    const y = g.activation(`y${i}`, [64]);
    launch(g, `step ${i}`, [x], [y]);
    x = y;
  }
  const plan = planMemory(g, unlimited);
  assert.is(plan.slots.length, 2);
  assert.is(plan.bytes, 3 * 256);
  assert.is(plan.peak.bytes, plan.bytes);
});

test('a kept tensor, and one that is read late, keep their memory', () => {
  for (const late of [false, true]) {
    const g = newGraph();
    const x = g.input('x', [64]);
    const tap = g.activation('tap', [64]);
    launch(g, 'first', [x], [tap]);
    let y = tap;
    for (let i = 0; i < 4; i++) {
      const next = g.activation(`y${i}`, [64]);
      launch(g, `step ${i}`, [y], [next]);
      y = next;
    }
    if (late) launch(g, 'late', [y, tap], [g.activation('end', [64])]);
    else kept(tap);
    const plan = planMemory(g, unlimited);
    simulate(g, plan);
    assert.equal(plan.slots[plan.slotOf.get(tap) as number].tensors, [tap]);
  }
});

test('slices cover the batch once, begin where the adapter allows, and fit its limit', () => {
  for (let round = 0; round < 300; round++) {
    const random = new Random(12, 'slices', round);
    const batch = 1 + random.int(40);
    const g = newGraph(batch);
    const alignment = random.pick([4, 32, 256]);
    const x = g.input('x', [random.pick([1, 3, 16, 49, 64, 784])]);
    const y = g.activation('y', [random.pick([8, 64, 72, 196])]);
    const partial = g.partialRows('partial', 4);
    const rows = (count: number): number => Math.ceil(count / 3) + 1;
    launch(g, 'both', [x], [y, partial], { tensor: partial, rows });
    const maxStorageBufferBindingSize = 4 * (200 + random.int(20_000));
    const limits = {
      ...unlimited,
      maxStorageBufferBindingSize,
      minStorageBufferOffsetAlignment: alignment,
    };
    const item = Math.max(x.bytes, y.bytes) / batch;
    // An input of small items is stored once more wherever a slice of it begins.
    const aligned = x.itemBytes < alignment ? [y] : [x, y];
    let plan: MemoryPlan;
    try {
      plan = planMemory(g, limits);
    } catch (error) {
      // Only where no aligned slice fits: brute force over the places where one may begin.
      assert.instance(error, LlsmError);
      if ((error as Error).message.startsWith('partial takes')) continue;
      const starts = (n: number): boolean =>
        aligned.every((t) => (t.itemBytes * n) % alignment === 0);
      let first = 1;
      while (!starts(first)) first++;
      assert.ok(first * item > maxStorageBufferBindingSize, (error as Error).message);
      assert.ok(batch * item > maxStorageBufferBindingSize, (error as Error).message);
      continue;
    }
    let next = 0;
    let row = 0;
    for (const { slice } of plan.dispatches) {
      assert.is(slice.first, next);
      assert.is(slice.row, row);
      assert.ok(slice.count > 0);
      for (const tensor of [x, y]) {
        const bytes = tensor.bytes / batch;
        const shifted = plan.shifts.get(tensor)?.includes(slice.first) ?? false;
        assert.is(shifted, (slice.first * bytes) % alignment !== 0);
        assert.ok(!shifted || !aligned.includes(tensor));
        assert.ok(slice.count * bytes <= maxStorageBufferBindingSize);
      }
      next += slice.count;
      row += rows(slice.count);
    }
    assert.is(next, batch);
    assert.is(plan.rows.get(partial), row);
    if (batch * item <= maxStorageBufferBindingSize) assert.is(plan.dispatches.length, 1);
  }
});

test('launches of one graph are sliced each by what they bind', () => {
  const g = newGraph(8);
  const x = g.input('x', [1024]);
  const small = g.activation('small', [64]);
  const w = g.scratch('w', [64]);
  launch(g, 'reduce', [x], [small, w]);
  launch(g, 'rest', [small, w], [g.activation('out', [64])]);
  const plan = planMemory(g, { ...unlimited, maxStorageBufferBindingSize: 3 * 4096 });
  const of = (name: string) =>
    plan.dispatches.filter((d) => d.launch.kernel.name === name).map(({ slice }) => slice.count);
  assert.equal(of('reduce'), [3, 3, 2]);
  assert.equal(of('rest'), [8]);
});

/** Planning must fail with this message. */
function refused(g: Graph, limits: Partial<PlanLimits>, message: RegExp): void {
  assert.throws(
    () => planMemory(g, { ...unlimited, ...limits }),
    (error: unknown) => error instanceof LlsmError && message.test(error.message),
    String(message),
  );
}

test('what cannot be planned is named, with what to do', () => {
  const big = newGraph(4);
  launch(big, 'conv', [big.input('x', [8, 8, 64])], [big.activation('y', [64])]);
  refused(
    big,
    { maxStorageBufferBindingSize: 16_383 },
    /conv: one item of x \[8, 8, 64\], y \[64\] is more than this adapter binds \(16383 bytes\)/,
  );
  planMemory(big, { ...unlimited, maxStorageBufferBindingSize: 16_384 });
  refused(
    big,
    { maxBufferSize: 40_000 },
    /x takes 65536 bytes, and this adapter's buffers hold 40000: use a batch of at most 2/,
  );

  const odd = newGraph(8);
  launch(odd, 'add', [odd.input('x', [100])], [odd.activation('y', [100])]);
  refused(
    odd,
    { maxStorageBufferBindingSize: 2000 },
    /add: x \[100\], y \[100\] can only be cut at every 16th item.* use a batch of at most 5/,
  );

  const flat = newGraph();
  launch(flat, 'pack', [flat.input('x', [1])], [flat.scratch('packed w', [1000])]);
  refused(flat, { maxStorageBufferBindingSize: 3999 }, /packed w takes 4000 bytes.* at most 3999/);

  const unwritten = newGraph();
  const never = unwritten.activation('never', [4]);
  launch(unwritten, 'use', [never], [unwritten.activation('y', [4])]);
  refused(unwritten, {}, /never is read before anything writes it/);

  const empty = newGraph();
  launch(empty, 'sum', [empty.input('x', [4])], [empty.partialRows('rows', 4)]);
  refused(empty, {}, /sum: rows is empty when it is bound/);
});
