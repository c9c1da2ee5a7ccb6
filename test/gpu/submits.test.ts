import * as assert from 'uvu/assert';
import { Submits, type Work } from '../../src/gpu/submits.ts';
import { test } from '../support/run.ts';

/** A device that takes so many milliseconds a dispatch, by a clock of its own. */
class FakeDevice {
  now = 0;
  /** Milliseconds of each submit so far. */
  submits: number[] = [];
  /** Resolves the promises of work done, in order, as the work is. */
  #waiting: (() => void)[] = [];
  #lost = false;

  readonly queue = {
    submit: ([dispatched]: number[]) => {
      this.submits.push(dispatched);
      this.#waiting.push(() => {
        this.now += dispatched;
      });
    },
    onSubmittedWorkDone: () => {
      if (this.#lost) return Promise.reject(new Error('lost'));
      return new Promise<void>((resolve) => this.#waiting.push(resolve));
    },
  };

  createCommandEncoder() {
    let sum = 0;
    const pass = {
      setPipeline: (pipeline: { milliseconds: number }) => {
        sum += pipeline.milliseconds;
      },
      setBindGroup: () => {},
      dispatchWorkgroups: () => {},
      end: () => {},
    };
    return { beginComputePass: () => pass, finish: () => sum };
  }

  /**
   * Does everything queued.
   * @param late whoever waits is only told when all of it is done
   * @returns milliseconds of each submit since the last time
   */
  async finish(late = false): Promise<number[]> {
    for (const done of this.#waiting.splice(0)) {
      done();
      if (!late) await new Promise(setImmediate); // whoever waits looks at the clock now
    }
    await new Promise(setImmediate);
    return this.submits.splice(0);
  }

  lose(): void {
    this.#lost = true;
  }
}

const usual = 250;

function make(
  milliseconds: readonly number[],
  { software = true, flops = 0, bytes = 0, longestSubmit = usual } = {},
) {
  const device = new FakeDevice();
  const work = milliseconds.map((each) => ({
    pipeline: { milliseconds: each },
    group: {},
    grid: [1, 1, 1],
    flops,
    bytes,
  }));
  const gpu = { device, software, longestSubmit, wait: <T>(promise: Promise<T>) => promise };
  const submits = new Submits(
    gpu as unknown as ConstructorParameters<typeof Submits>[0],
    work as unknown as Work[],
    () => device.now,
  );
  return { device, submits };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

test('little work is one submit, from the first run on', async () => {
  const { device, submits } = make(Array(500).fill(0.1));
  for (let run = 0; run < 4; run++) {
    submits.run();
    assert.is((await device.finish()).length, 1);
  }
});

test('before anything is measured, arithmetic and traffic say where to cut', async () => {
  for (const work of [{ flops: 4e9 }, { bytes: 4e8 }]) {
    const { device, submits } = make([1, 1, 1, 1, 1], work);
    submits.run();
    assert.equal(await device.finish(), [1, 1, 1, 1, 1], 'a fifth of a second each by guess');
  }
  // What a GPU of 30 GFLOP/s does in 2 s, when its driver gives up.
  const slow = make(Array(30).fill(67), { flops: 2e9, software: false });
  slow.submits.run();
  const first = await slow.device.finish();
  assert.ok(Math.max(...first) <= 250, 'two dispatches a submit');
  const moves = make([1, 1, 1, 1, 1], { bytes: 4e8, software: false });
  moves.submits.run();
  assert.equal(await moves.device.finish(), [3, 2], 'a GPU moves more than a software driver');
});

test('after two runs no submit is long, and none shorter than need be', async () => {
  const { device, submits } = make(Array(300).fill(20));
  const runs: number[][] = [];
  for (let run = 0; run < 4; run++) {
    submits.run();
    runs.push(await device.finish());
  }
  assert.equal(runs[0], [6000], 'too much is sent at once while nothing is known');
  assert.equal(runs[1], [6000], 'the first run is not measured: the driver compiles');
  for (const run of runs.slice(2)) {
    assert.is(sum(run), 6000);
    assert.ok(Math.max(...run) <= usual, String(run));
    assert.is(run.length, 25);
  }
});

test('dispatches of very different length are told apart, and long ones go alone', async () => {
  const times = Array.from({ length: 200 }, (_, i) => (i % 50 === 7 ? 900 : 2));
  const { device, submits } = make(times);
  let last: number[] = [];
  for (let run = 0; run < 12; run++) {
    submits.run();
    last = await device.finish();
  }
  assert.is(sum(last), sum(times));
  // Of what is not 900 alone, nothing is long.
  for (const each of last) assert.ok(each <= usual || each <= 900 + usual, `${last}`);
  assert.ok(last.length >= 8 && last.length <= 40, `${last.length} submits`);
});

test('a thread that was busy elsewhere, and so measured nothing, does not undo what is known', async () => {
  const { device, submits } = make(Array(100).fill(98));
  const runs: number[] = [];
  for (const late of [false, false, false, true, false, false]) {
    submits.run();
    runs.push((await device.finish(late)).length);
  }
  assert.equal(runs, [1, 1, 50, 50, 20, 50]);
});

test('most may be said: nothing alone, everything at once', async () => {
  const { device, submits } = make([5, 5, 5]);
  submits.run(0);
  assert.equal(await device.finish(), [5, 5, 5]);
  submits.run(Number.POSITIVE_INFINITY);
  assert.equal(await device.finish(), [15]);
  const none = make([]);
  none.submits.run();
  assert.equal(await none.device.finish(), []);
});

test('a device may ask for short submits, so that its screen can be drawn', async () => {
  const { device, submits } = make(Array(100).fill(2), { longestSubmit: 8 });
  let last: number[] = [];
  for (let run = 0; run < 6; run++) {
    submits.run();
    last = await device.finish();
  }
  assert.is(sum(last), 200);
  assert.ok(Math.max(...last) <= 8, `${last}`);
  assert.is(last.length, 25);
});

test('only one run is measured at a time, and a lost device is no second error', async () => {
  const { device, submits } = make(Array(40).fill(49));
  for (let run = 0; run < 4; run++) submits.run();
  assert.equal(await device.finish(), Array(4).fill(1960));
  submits.run();
  assert.is((await device.finish()).length, 8);
  device.lose();
  submits.run();
  await device.finish();
  submits.run();
  assert.is((await device.finish()).length, 8);
});
