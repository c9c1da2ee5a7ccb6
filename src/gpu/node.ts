import { create, globals } from 'webgpu';
import { LlsmError, messageOf } from '../errors.ts';
import { type Gpu, openGpu } from './device.ts';

/** Dawn frees its instance, and every device of it, when this object is collected. */
let instance: GPU | undefined;

/**
 * Dawn's `navigator.gpu`. `LLSM_DAWN` may hold Dawn flags (space-separated, such as
 * `backend=vulkan adapter=NVIDIA`). The process does not end by itself while it lives: call
 * `process.exit` when done.
 * @param toggles Dawn feature toggles, `name` to enable, `-name` to disable.
 * @throws LlsmError when Dawn does not start
 */
export function startDawn(toggles: readonly string[] = []): GPU {
  Object.assign(globalThis, globals);
  const on = toggles.filter((name) => !name.startsWith('-'));
  const off = toggles.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
  const flags = process.env.LLSM_DAWN?.split(/\s+/).filter(Boolean) ?? [];
  if (on.length) flags.push(`enable-dawn-features=${on.join(',')}`);
  if (off.length) flags.push(`disable-dawn-features=${off.join(',')}`);
  try {
    instance = create(flags);
  } catch (error) {
    throw new LlsmError(
      `Dawn could not start (${messageOf(error)}). Run \`node scripts/setup.js\` to see what is missing.`,
    );
  }
  return instance;
}

/** Opens Dawn's adapter in Node; see `startDawn`. */
export async function openNodeGpu(toggles: readonly string[] = []): Promise<Gpu> {
  const gpu = await openGpu(startDawn(toggles), { toggles });
  return gpu.software ? { ...gpu, wait: napping() } : gpu;
}

/** Naps last this part of the time waited so far, and so many milliseconds at most. */
const napShare = 1 / 32;
const longestNap = 2;

/**
 * A way of waiting that leaves the cores to the driver. While a promise of Dawn's is open, Dawn asks
 * in every turn of the event loop whether it is done, which keeps a core busy: on two cores a
 * software driver takes twice as long. So the thread naps once a turn.
 */
export function napping(): Gpu['wait'] {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let open = 0;
  let since = 0;
  let turning = false;
  const turn = (): void => {
    turning = open > 0;
    if (!turning) return;
    const nap = Math.min(longestNap, (performance.now() - since) * napShare);
    // Whatever is done at once, such as a single small dispatch, is not made to wait.
    if (nap > 0.05) Atomics.wait(cell, 0, 0, nap);
    setImmediate(turn);
  };
  return async (promise) => {
    if (open === 0) since = performance.now();
    open++;
    if (!turning) {
      turning = true;
      setImmediate(turn);
    }
    try {
      return await promise;
    } finally {
      open--;
    }
  };
}
