import * as assert from 'uvu/assert';
import { dawnFlags, napping, openNodeGpu } from '../../../node/gpu/open.ts';
import { shader } from '../../../src/gpu/pipeline.ts';
import { Graph } from '../../../src/graph/record.ts';
import { Plan } from '../../../src/graph/replay.ts';
import { skip, test } from '../../support/run.ts';

/** Every look at the clock finds it a second later; naps are counted, and last no time. */
let seconds = 0;
let naps = 0;
const gpu = await openNodeGpu([], {
  now: () => 1000 * seconds++,
  nap: () => {
    naps++;
  },
  nextTurn: setImmediate,
});

/** Keeps a device busy for as long as `turns` says. */
const busy = `
struct Params { turns: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = f32(id.x);
  for (var i = 0u; i < p.turns; i++) { x = x * 0.999 + 0.001; }
  out[id.x] = x;
}
`;

async function busyPlan(turns: number): Promise<Plan> {
  const g = new Graph({ batch: 1, training: false, traits: gpu });
  g.launch({
    kernel: shader('busy', busy)(),
    bind: { out: g.scratch('out', [1 << 14]) },
    params: () => ({ turns }),
    grid: () => [1 << 8],
  });
  return await Plan.build(gpu, g);
}

/** A promise that the test keeps. */
function deferred() {
  let resolve = (_: string): void => {};
  const promise = new Promise<string>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}

test('waiting for a software driver leaves the processor to it', async () => {
  if (!gpu.software) skip('this adapter is a GPU: its work takes no core');
  const { promise, resolve } = deferred();
  const waited = gpu.wait(promise);
  for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate);
  assert.ok(naps >= 6 && naps <= 8, `${naps} naps in 8 turns of the event loop`);
  resolve('done');
  await waited;
  const before = naps;
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
  assert.is(naps, before, 'nothing is waited for');
});

/** A clock that the test sets, and turns that it calls by hand. */
function clockByHand() {
  const clock = { time: 0, naps: [] as number[], turns: [] as (() => void)[] };
  const wait = napping({
    now: () => clock.time,
    nap: (milliseconds) => clock.naps.push(milliseconds),
    nextTurn: (call) => clock.turns.push(call),
  });
  const turnAt = (time: number): number | undefined => {
    clock.time = time;
    const called = clock.turns.splice(0);
    assert.is(called.length, 1, 'one turn is asked for at a time');
    called[0]();
    return clock.naps.splice(0)[0];
  };
  return { clock, wait, turnAt };
}

test('naps are a part of the time waited so far, up to two milliseconds', async () => {
  const { clock, wait, turnAt } = clockByHand();
  clock.time = 1000;
  const { promise, resolve } = deferred();
  const waited = wait(promise);
  assert.is(turnAt(1001), undefined, 'what is done at once is not made to wait');
  assert.is(turnAt(1032), 1);
  assert.is(turnAt(1064), 2);
  assert.is(turnAt(5000), 2);
  // A second wait goes on with the first one's time, and asks for no turns of its own.
  const second = wait(new Promise((done) => promise.then(done)));
  assert.is(turnAt(5016), 2);
  resolve('done');
  assert.is(await waited, 'done');
  await second;
  assert.is(turnAt(6000), undefined);
  assert.is(clock.turns.length, 0, 'with nothing to wait for, no further turn is asked for');

  const later = wait(Promise.resolve());
  assert.is(turnAt(6000), undefined, 'a wait after a pause begins anew');
  await later;
});

test('several waits at once, ended in any order, and what fails fails', async () => {
  const plan = await busyPlan(10_000);
  plan.run();
  const late = plan.settle();
  const soon = gpu.wait(new Promise((resolve) => setTimeout(resolve, 5, 'soon')));
  const failing = gpu.wait(Promise.reject(new Error('refused')));
  assert.is(await failing.catch((error: Error) => error.message), 'refused');
  assert.is(await soon, 'soon');
  await late;
  assert.is(await gpu.wait(Promise.resolve(3)), 3);
  plan.destroy();
});

test("Dawn's toggles are joined, whoever asks for them", () => {
  const f16 = 'vulkan_enable_f16_on_nvidia';
  assert.equal(dawnFlags(), [`enable-dawn-features=${f16}`]);
  assert.equal(
    dawnFlags(' backend=vulkan  enable-dawn-features=a,b disable-dawn-features=c adapter=NVIDIA', [
      'd',
      '-a',
      'c',
    ]),
    [
      'backend=vulkan',
      'adapter=NVIDIA',
      `enable-dawn-features=${f16},b,c,d`,
      'disable-dawn-features=a',
    ],
  );
  assert.equal(dawnFlags(`disable-dawn-features=${f16}`), [`disable-dawn-features=${f16}`]);
});
