import * as assert from 'uvu/assert';
import {
  type AlternateEffort,
  alternate,
  type Contestant,
  standing,
} from '../../bench/alternate.ts';
import { compare } from '../../bench/peers/compare.ts';
import { ask, enter } from '../../bench/peers/contestant.ts';
import { page, rowText } from '../../bench/peers/print.ts';
import type { RowResult } from '../../bench/peers/row.ts';
import { rowsFor } from '../../bench/peers/rows.ts';
import { type Task, taskName } from '../../bench/peers/task.ts';
import type { HostTensor } from '../../src/model/safetensors.ts';
import { test } from '../support/run.ts';

const effort: AlternateEffort = { rounds: 5, sampleMilliseconds: 100, mostMilliseconds: 60_000 };

/** Takes so many milliseconds a run, on a machine that is slower in each round. */
function contestant(name: string, cost: number, machine: { slowness: number }, failAt = Infinity) {
  const asked: number[] = [];
  const it: Contestant = {
    name,
    async sample(repeats) {
      asked.push(repeats);
      if (asked.length === failAt) throw new Error('device lost');
      return repeats * cost * machine.slowness;
    },
    close: async () => {},
  };
  return { it, asked };
}

test('ratios are taken within a round, so that a drifting machine does not move them', async () => {
  const machine = { slowness: 1 };
  const ours = contestant('llsm', 10, machine);
  const theirs = contestant('peer', 30, machine);
  const [own, other] = await alternate([ours.it, theirs.it], effort, async () => {
    machine.slowness *= 2;
  });
  assert.equal(ours.asked, [1, 10, 10, 10, 10, 10, 10], '100 ms a sample');
  assert.equal(theirs.asked, [1, 4, 4, 4, 4, 4, 4]);
  if ('absent' in own || 'absent' in other) throw new Error('both take part');
  assert.is(own.milliseconds, 40, 'the median of 10, 20, 40, 80 and 160');
  assert.equal([own.low, own.high, own.ratio], [10, 160, 1]);
  assert.equal([other.ratio, other.ratioLow, other.ratioHigh], [3, 3, 3]);
});

test('a peer that fails says why and stands no longer in the way; ours may not fail', async () => {
  const machine = { slowness: 1 };
  const ours = contestant('llsm', 10, machine);
  const theirs = contestant('peer', 30, machine, 4);
  const [own, other] = await alternate([ours.it, theirs.it], effort);
  assert.ok('rounds' in own && own.rounds === 5);
  assert.equal(other, { name: 'peer', absent: 'device lost' });
  assert.is(theirs.asked.length, 4);
  const broken = contestant('llsm', 10, machine, 2);
  try {
    await alternate([broken.it, theirs.it], effort);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'device lost');
  }
});

test('the median of an even number of rounds lies between the middle two', () => {
  const { milliseconds, ratio, ratioLow, ratioHigh } = standing(
    'peer',
    [40, 10, 20, 80],
    [10, 10, 10, 10],
  );
  assert.equal([milliseconds, ratio, ratioLow, ratioHigh], [30, 3, 1, 8]);
});

const tensors = (values: Record<string, number[]>): Map<string, HostTensor> =>
  new Map(
    Object.entries(values).map(([name, data]) => [
      name,
      { shape: [data.length], data: Float32Array.from(data) },
    ]),
  );

const pointwise: Task = { kind: 'pointwise', part: 'forward', batch: 1, size: 1, channels: 2 };
const step: Task = { kind: 'network', part: 'step', batch: 1, width: 1, size: 64 };

test('outputs agree within rounding of their largest value, and not beyond', () => {
  const ours = tensors({ out: [100, 1] });
  assert.ok(compare(pointwise, ours, tensors({ out: [100, 1.009] })).agrees);
  const off = compare(pointwise, ours, tensors({ out: [100, 1.02], more: [5] }));
  assert.not(off.agrees);
  assert.ok(Math.abs(off.difference - 2e-4) < 1e-6);
  const wrong: Record<string, number[]>[] = [{}, { out: [100] }, { out: [100, Number.NaN] }];
  for (const theirs of wrong) {
    assert.not(compare(pointwise, ours, tensors(theirs)).agrees, JSON.stringify(theirs));
  }
});

test('of gradients the median tensor counts, and none may be far off; the losses must agree', () => {
  const ours = tensors({ loss: [1], 'grad.a': [1], 'grad.b': [1], 'grad.c': [1] });
  const like = (loss: number, c: number, b = 1) =>
    compare(step, ours, tensors({ loss: [loss], 'grad.a': [1], 'grad.b': [b], 'grad.c': [c] }));
  assert.ok(like(1, 1.04).agrees, 'one tensor moved by a flipped ReLU');
  assert.is(like(1, 1.04).difference, 0, 'the median tensor is equal');
  assert.not(like(1, 1.06).agrees);
  assert.not(like(1, 1.04, 1.01).agrees, 'the median is off');
  assert.is(like(1.001, 1).worst, 'loss');
  assert.not(like(1.001, 1).agrees);
});

const row: RowResult = {
  name: 'pointwise 2, 1x1, b1: forward',
  task: pointwise,
  load: 0.4,
  ours: standing('llsm', [10], [10]),
  share: 0.25,
  shareGoal: 0.2,
  rivals: [
    {
      ...{ name: 'fast', title: 'Fast', standing: standing('fast', [65], [10]) },
      ...{ goal: { peer: 'fast', ratio: 7, on: 'software' } },
      agreement: { difference: 3e-7, tolerance: 1e-4, worst: 'out', agrees: true },
    },
    {
      ...{ name: 'slow', title: 'Slow', standing: standing('slow', [130], [10]) },
      goal: { peer: 'slow', ratio: 10, stretch: 12, on: 'software' },
    },
    { name: 'gone', title: 'Gone', absent: 'no adapter' },
  ],
};

test('a row names times, ratios and goals, and who is absent', () => {
  const [ours, fast, slow, gone] = rowText(row).split('\n');
  assert.match(
    ours,
    /^pointwise 2, 1x1, b1: forward: 10.0 ms .*25 % .*\(goal 20 %: met\); load 0.4$/,
  );
  assert.match(fast, /Fast +65.0 ms +6.50 \(6.50 to 6.50\) +>= 7 +missed +3e-7 of 0.0001/);
  assert.match(slow, />= 10 \(12\) +met, stretch too/);
  assert.match(gone, /Gone +absent: no adapter/);
});

test('the page has a line for every peer, and the memory', () => {
  const text = page({
    machine: {
      ...{
        version: '1',
        adapter: 'driver 7',
        device: 'card',
        software: false,
        subgroupSize: 0,
        subgroups: [32, 32] as [number, number],
      },
      ...{
        toggles: [],
        node: '20',
        platform: 'linux',
        cpu: 'cpu',
        cpus: 2,
        load: 0,
        date: 'today',
      },
    },
    peers: [
      { name: 'fast', title: 'Fast', version: '2' },
      { name: 'gone', title: 'Gone', absent: 'no adapter' },
    ],
    rows: [row],
    memory: [
      {
        name: 'a step',
        ours: 2 ** 20,
        theirs: [{ title: 'Slow', bytes: 4 * 2 ** 20, method: 'counted' }],
        goal: 0.6,
        workspace: [{ name: 'pairs', bytes: 3 * 2 ** 20, goal: 2 ** 21 }],
      },
    ],
    ceilings: [{ gflops: 50, gbs: 5 }],
    minutes: 3,
    chosen: '',
  });
  assert.match(text, '- Gone: absent: no adapter');
  assert.match(text, '| **pointwise 2, 1x1, b1: forward** | llsm |');
  assert.match(
    text,
    '|  | Fast | 65.0 ms | 6.50 (6.50 to 6.50) | >= 7 | missed | 3e-7 of 0.0001 |',
  );
  assert.match(text, 'ours is 0.25 of it (goal at most 0.6: met)');
  assert.match(text, 'pairs: 3.00 MiB beyond inputs and gradients (goal under 2.00 MiB: missed)');
});

test('rows have names of their own; what takes long on a software driver is asked for', () => {
  const names = (quick: boolean, slow: boolean, software: boolean): string[] =>
    rowsFor({ quick, slow }, software).map(({ task }) => taskName(task));
  const whole = names(false, true, false);
  assert.is(new Set(whole).size, whole.length);
  for (const some of [
    names(true, false, true),
    names(false, false, true),
    names(false, true, true),
  ]) {
    assert.ok(some.length > 0 && some.every((name) => whole.includes(name)));
  }
  const step = 'training step, width 1, 224x224, b8';
  assert.equal(
    [false, true].map((slow) => names(false, slow, true).includes(step)),
    [false, true],
  );
  assert.ok(names(false, false, false).includes(step));
  assert.not(names(false, true, true).some((name) => name.startsWith('pointwise 4096')));
});

/** A peer that is a Node program of one line. */
const script = (source: string) => ({
  name: 'script',
  command: [process.execPath, '--input-type=module', '-e', source],
});

test('a process says what it is, is asked for samples, and its last words are its excuse', async () => {
  const talk = `
    import { createInterface } from 'node:readline';
    console.log('a library says hello');
    console.log(JSON.stringify({ ready: true, version: '1' }));
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === '3') throw new Error('out of memory');
      console.log(JSON.stringify({ milliseconds: Number(line) * 2 }));
    }`;
  assert.is(((await ask(script(talk), 'probe')) as { version: string }).version, '1');
  const it = await enter(script(talk), '/nowhere');
  if ('absent' in it) throw new Error(it.absent);
  assert.is(await it.sample(5), 10);
  try {
    await it.sample(3);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'out of memory');
  }
  await it.close();
  const gone = await enter({ name: 'gone', command: ['/no/such/program'] }, '/nowhere');
  assert.ok('absent' in gone && /ENOENT/.test(gone.absent));
});
