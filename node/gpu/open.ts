import { create, globals } from 'webgpu';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';

/** Dawn frees its instance, and every device of it, when this object is collected. */
let instance: GPU | undefined;

/**
 * Switched on always. Dawn hides f16 on NVIDIA's Vulkan drivers because of their failures in its
 * conformance tests (crbug.com/42251215); without a shader that uses f16 this changes nothing.
 */
const always = ['vulkan_enable_f16_on_nvidia'];

/**
 * Dawn's flags from LLSM_DAWN and from toggles (`name`, or `-name` to disable); in a conflict the
 * toggles count. Of several flags of one name Dawn takes the last alone, so they are joined.
 */
export function dawnFlags(given = '', toggles: readonly string[] = []): string[] {
  const flags: string[] = [];
  const features = new Map(always.map((name) => [name, 'enable']));
  for (const flag of given.split(/\s+/).filter(Boolean)) {
    const [, kind, names] = /^(enable|disable)-dawn-features=(.*)$/.exec(flag) ?? [];
    if (!kind) flags.push(flag);
    else for (const name of names.split(',')) features.set(name, kind);
  }
  for (const name of toggles) {
    if (name.startsWith('-')) features.set(name.slice(1), 'disable');
    else features.set(name, 'enable');
  }
  for (const kind of ['enable', 'disable']) {
    const names = [...features.keys()].filter((name) => features.get(name) === kind);
    if (names.length) flags.push(`${kind}-dawn-features=${names.join(',')}`);
  }
  return flags;
}

/**
 * Dawn's `navigator.gpu`. `LLSM_DAWN` may hold Dawn flags (space-separated, such as
 * `backend=vulkan adapter=NVIDIA`). The process does not end by itself while it lives: call
 * `process.exit` when done.
 * @param toggles Dawn feature toggles, `name` to enable, `-name` to disable: for instance
 *   `-timestamp_quantization`, without which timestamps are rounded to 65,536 ns.
 * @throws LlsmError when Dawn does not start
 */
export function startDawn(toggles: readonly string[] = []): GPU {
  Object.assign(globalThis, globals);
  try {
    instance = create(dawnFlags(process.env.LLSM_DAWN, toggles));
  } catch (error) {
    throw new LlsmError(
      `Dawn could not start (${messageOf(error)}). Run \`node scripts/setup.js\` to see what is missing.`,
    );
  }
  return instance;
}

/**
 * Opens Dawn's adapter in Node; see `startDawn`. On a software driver `wait` is `napping`.
 *
 * Where a driver allows more dynamic buffers than Dawn (16), Dawn says so on the process's standard
 * error, twice, while it lists the adapters: before any limit can be asked for, without a flag
 * against it, and from C++, so that nothing in JavaScript can hold it back.
 * @param clock of the naps
 */
export async function openNodeGpu(toggles: readonly string[] = [], clock?: NapClock): Promise<Gpu> {
  const gpu = await openGpu(startDawn(toggles), { toggles });
  return gpu.software ? { ...gpu, wait: napping(clock) } : gpu;
}

/** What naps are made of; a test has its own. */
export interface NapClock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Stops the thread for so many milliseconds. */
  nap(milliseconds: number): void;
  /** Calls back in the next turn of the event loop. */
  nextTurn(call: () => void): void;
}

const cell = new Int32Array(new SharedArrayBuffer(4));

const eventLoop: NapClock = {
  now: () => performance.now(),
  nap: (milliseconds) => {
    Atomics.wait(cell, 0, 0, milliseconds);
  },
  nextTurn: (call) => {
    setImmediate(call);
  },
};

/** Naps last this part of the time waited so far, and so many milliseconds at most. */
const napShare = 1 / 32;
const longestNap = 2;

/**
 * A way of waiting that leaves the cores to the driver. While a promise of Dawn's is open, Dawn asks
 * in every turn of the event loop whether it is done, which keeps a core busy: on two cores a
 * software driver takes twice as long. So the thread naps once a turn.
 */
export function napping(clock: NapClock = eventLoop): Gpu['wait'] {
  let open = 0;
  let since = 0;
  let turning = false;
  const turn = (): void => {
    turning = open > 0;
    if (!turning) return;
    const nap = Math.min(longestNap, (clock.now() - since) * napShare);
    // Whatever is done at once, such as a single small dispatch, is not made to wait.
    if (nap > 0.05) clock.nap(nap);
    clock.nextTurn(turn);
  };
  return async (promise) => {
    if (open === 0) since = clock.now();
    open++;
    if (!turning) {
      turning = true;
      clock.nextTurn(turn);
    }
    try {
      return await promise;
    } finally {
      open--;
    }
  };
}
